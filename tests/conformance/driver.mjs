// The program of somebody who uses a client. A line of JSON on standard input says what to do, in
// the client's own words; a line of JSON on standard output tells what the client made of it.
//
//   node driver.mjs FOLDER_WITH_NODE_MODULES
//
// {"package", "make", "given"} makes a client, whose number is the answer. {"client", "program",
// "given"} runs the body of an async function. What is given has its names as variables.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const WITHIN_MS = 60_000;
const packages = createRequire(`${process.argv[2]}/`);
const AsyncFunction = (async () => {}).constructor;
const clients = [];

// Clients that talk may not talk between the answers.
console.log = console.error;

function run(program, names) {
  return new AsyncFunction(...Object.keys(names), program)(...Object.values(names));
}

async function inTime(work) {
  let timer;
  const late = new Promise((_, refuse) => {
    const error = new Error(`the client is not done in ${WITHIN_MS} ms`);
    timer = setTimeout(() => refuse(error), WITHIN_MS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

async function done(asked) {
  if (asked.make === undefined) {
    return inTime(run(asked.program, { ...asked.given, client: clients[asked.client] }));
  }
  const library = packages(asked.package);
  return clients.push(await run(`return (${asked.make})`, { ...asked.given, library })) - 1;
}

// What the user of a client can read from an error; requests and sockets are not for reading.
function told(error) {
  const fields = {};
  for (const [name, value] of Object.entries(error)) {
    try {
      fields[name] = JSON.parse(JSON.stringify(value));
    } catch {
      fields[name] = String(value);
    }
  }
  return { kind: error.constructor.name, name: error.name, message: error.message, fields };
}

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await done(JSON.parse(line)).then(
    (value) => ({ value: value ?? null }),
    (error) => ({ error: told(error) }),
  );
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

// Connections that clients keep alive are no reason to stay.
process.exit(0);
