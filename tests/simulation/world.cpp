#include "world.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <utility>

#include "content.hpp"
#include "dice.hpp"
#include "fiber.hpp"
#include "run/by_hand.hpp"
#include "state/journal.hpp"
#include "surroundings.hpp"

namespace tailrace::simulation {
namespace {

// Virtual time begins well after zero, where some times mean "none".
constexpr std::int64_t kBegin = 1'000'000;
constexpr std::int64_t kStoreOffset = 1'700'000'000'000;

Hasher::Secret secret() {
  Hasher::Secret bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + 1);
  return bytes;
}

std::shared_ptr<MemoryDisk> make_disk() {
  auto disk = std::make_shared<MemoryDisk>();
  disk->identity = {"simulated", secret(), 1};
  return disk;
}

/// Hashes are the same in every simulation: each is made once a thread.
Names& names() {
  thread_local Names all(secret());
  return all;
}

RunSpec make_spec(const Schedule& schedule, const Language& language) {
  using std::chrono::milliseconds;
  RunSpec spec;
  spec.sync = "rows_to_tool";
  spec.source.kind = "simulated";
  spec.schema.columns = {{"id"}, {"v"}};
  if (schedule.changed_fields) spec.schema.columns.push_back({"w"});
  spec.schema.field_count = spec.schema.columns.size();
  spec.schema.key = {0};
  spec.key_names = {"id"};
  spec.mapping_fingerprint = kMappings[0];
  spec.connection = language.connection();
  spec.connection.update({{"name", "tool"},
                          {"account", "tool:1"},
                          {"base_url", "http://127.0.0.1:1"},
                          {"max_in_flight", schedule.max_in_flight}});
  if (schedule.rate.requests > 0) {
    const double per_s = static_cast<double>(schedule.rate.window_ms) / 1000;
    spec.connection["limits"] = {{{"requests", schedule.rate.requests}, {"per_s", per_s}}};
  }
  spec.object = language.object();
  spec.account = "tool:1";
  spec.mode = schedule.mode;
  spec.on_removed = schedule.on_removed;
  spec.on_missing = schedule.rejects_missing ? OnMissing::reject : OnMissing::skip;
  spec.changed_fields = schedule.changed_fields;
  if (inserts(schedule)) spec.insert_safety = schedule.safety;
  spec.guards.max_removed.reset();
  if (schedule.max_removed_percent > 0) {
    spec.guards.max_removed = Limit{schedule.max_removed_percent, true};
    spec.guards.removed_floor = 0;
  }
  spec.state_url = "simulated:";
  spec.timing.lease = milliseconds(schedule.lease_ms);
  spec.timing.send_window = milliseconds(schedule.window_ms);
  spec.timing.quiet = milliseconds(schedule.quiet_ms);
  spec.timing.outage = milliseconds(20'000);
  spec.timing.job_patience = milliseconds(job_patience_ms(schedule.face));
  spec.timing.store_patience = milliseconds(schedule.store_patience_ms);
  if (schedule.deadline_ms > 0) spec.timing.deadline = milliseconds(schedule.deadline_ms);
  spec.buffer_bytes = 1u << 16;
  return spec;
}

}  // namespace

World::World(Schedule schedule, std::ostream* story)
    : schedule_(std::move(schedule)),
      story_(story),
      now_ms_(kBegin),
      trace_(mix(schedule_.seed)),
      tool_(schedule_, kStoreOffset),
      disk_(make_disk()),
      oracle_(schedule_, tool_, disk_, names(), kStoreOffset),
      spec_(make_spec(schedule_, tool_.language())),
      deaths_(all_faults().size() + 1) {
  for (const char* key : {"f0", "f1"}) {
    tool_.add_foreign(key, "theirs");
    oracle_.foreign(key, "theirs");
  }
  for (const std::string& key : schedule_.existing) appear(key);
}

World::~World() = default;

/// Somebody else makes a record that a sync may update.
void World::appear(const std::string& key) {
  tool_.add_foreign(key, schedule_.changed_fields ? "old\told" : "old", now_ms_);
  oracle_.appears(key);
}

/// A person's `rejected --retry`, or `--delivered` where the tool shows that a parked row is there.
void World::retry(const std::string& what) {
  if (disk_->syncs.empty()) return;
  ByHand hand;
  hand.run_id = "by hand " + std::to_string(rounds_);
  if (what != "*") {
    hand.key = what;
    const std::optional<ByHand::Kind> kind = oracle_.by_hand(what);
    if (!kind) return;
    hand.kind = *kind;
  }
  MemoryStore store(disk_, [this] { return store_ms(); });
  const std::optional<std::size_t> rows = settle_by_hand(store, disk_->syncs.front().address, hand);
  note(Event::round, rows.value_or(0), 1);
  if (rows.value_or(0) == 0) return;
  tell("a person has " + std::to_string(*rows) + " rejected rows " +
       (hand.kind == ByHand::Kind::retry ? "tried again: " : "noted as delivered: ") + what);
  oracle_.retried();
}

std::int64_t World::store_ms() const { return now_ms_ + kStoreOffset; }

void World::advance(std::int64_t ms) {
  while (const std::optional<std::int64_t> arrival = tool_.next_arrival()) {
    if (*arrival > ms) break;
    now_ms_ = std::max(now_ms_, *arrival);
    tool_.advance(now_ms_);
  }
  now_ms_ = std::max(now_ms_, ms);
}

void World::note(Event event, std::uint64_t a, std::uint64_t b) {
  trace_ = mix(trace_ ^ mix(static_cast<std::uint64_t>(event) + (b << 8)) ^ mix(a) ^
               static_cast<std::uint64_t>(now_ms_));
}

void World::note_death(Where where) {
  std::vector<bool> met(deaths_.size());
  for (const Delivery& delivery : tool_.log()) met[static_cast<std::size_t>(delivery.fault)] = true;
  for (std::size_t i = 0; i < met.size(); ++i) {
    if (met[i]) ++deaths_[i][static_cast<std::size_t>(where)];
  }
}

void World::tell(const std::string& line) {
  if (story_ != nullptr) *story_ << now_ms_ - kBegin << " ms  " << line << '\n';
}

void World::tell(const Delivery& delivery) {
  if (story_ == nullptr) return;
  std::string line = "run " + std::to_string(delivery.process) + " sends request " +
                     std::to_string(delivery.number) + ": " + std::string(to_text(delivery.ask.op));
  for (const Ask::Row& row : delivery.ask.rows) {
    line += " " + (row.key.empty() ? "#" + row.id : row.key);
    if (!row.value.empty()) line += "=" + shown(row.value);
  }
  if (delivery.fault != Fault::none) line.append(", ").append(to_text(delivery.fault));
  if (delivery.arrives_ms == Delivery::kNever) {
    line += ", without effect";
  } else if (delivery.arrives_ms > delivery.answers_ms) {
    line += ", takes effect at " + std::to_string(delivery.arrives_ms - kBegin) + " ms";
  }
  tell(line);
}

void World::tell(const Process& process, const Commit& commit) {
  if (story_ == nullptr) return;
  std::string line = "run " + std::to_string(process.number()) + " commits";
  for (const JournalRow& row : commit.journal) {
    line += " [" + std::to_string(row.seq);
    if (row.kind == JournalKind::intent) {
      line += " intent";
      for (const IntentBatch& batch : unpack_intents(row.entries)) {
        line += batch.op == StateOp::remove ? " (remove" : " (write";
        for (const IntentRow& one : batch.rows) line += " " + one.key;
        line += ")";
      }
    } else if (row.kind == JournalKind::outcome) {
      line += " outcome";
      for (const OutcomeBatch& batch : unpack_outcomes(row.entries)) {
        line += " (" + std::to_string(batch.intent_seq) + "/" + std::to_string(batch.batch);
        for (const RowResult& result : batch.rows) {
          constexpr std::array<const char*, 6> kWords{"",        "accepted",  "rejected",
                                                      "unknown", "retryable", "skipped"};
          line += std::string(" ") + kWords.at(static_cast<std::size_t>(result.outcome));
        }
        line += ")";
      }
    } else {
      line += " void";
      for (const VoidBatch& batch : unpack_voids(row.entries)) {
        line += " " + std::to_string(batch.intent_seq) + "/" + std::to_string(batch.batch);
      }
    }
    line += "]";
  }
  tell(line);
}

/// The model in the form in which the source gives it.
Model World::encoded(const Round& round) const {
  Model model = model_;
  for (auto& [key, value] : model) value.append(static_cast<std::size_t>(round.encoding) - 1, '~');
  return model;
}

void World::edit_model(const Round& round) {
  for (const Edit& edit : round.edits) {
    if (edit.value) {
      model_[edit.key] = *edit.value;
    } else {
      model_.erase(edit.key);
    }
  }
}

std::vector<std::string> World::lines_of(const Round& round, Process& process) const {
  std::vector<std::string> lines;
  if (round.model_empty) return lines;
  const RunPlan& plan = process.plan();
  const auto of = static_cast<std::uint32_t>(plan.of);
  std::size_t repeated = std::min(static_cast<std::size_t>(round.repeated), model_.size());
  process.model_rows = model_.size() - repeated;
  for (const auto& [key, value] : encoded(round)) {
    const std::size_t copies = repeated > 0 ? 2 : 1;
    repeated -= copies - 1;
    lines.insert(lines.end(), copies, key + "\t" + value);
    if (names().shard(key, of) != static_cast<std::uint32_t>(plan.shard)) continue;
    process.scanned += copies;
    process.valid += copies == 1 ? 1 : 0;
  }
  lines.insert(lines.end(), static_cast<std::size_t>(round.invalid), "\\N\tlost");
  // A row without an identity belongs to the first shard.
  if (plan.shard == 0) process.scanned += static_cast<std::uint64_t>(round.invalid);
  return lines;
}

Process& World::start(const RunPlan& plan) {
  return processes_.emplace_back(*this, static_cast<int>(processes_.size()) + 1, plan);
}

RunSpec World::spec_of(const Process& process, const Round& round) const {
  RunSpec spec = spec_;
  spec.run_id = "r" + std::to_string(process.number());
  spec.mapping_fingerprint = kMappings.at(static_cast<std::size_t>(round.mapping) - 1);
  if (round.whole_rows) spec.changed_fields = false;
  if (process.guards_pass) spec.allow_guards = {"empty", "max_removed", "encoding"};
  const RunPlan& plan = process.plan();
  if (plan.of > 1) {
    const std::string name = round.named ? "round-" + std::to_string(rounds_) : std::string();
    spec.shard = ShardOf{plan.shard, plan.of, name};
  }
  return spec;
}

void World::run_process(Process& process, const Round& round) {
  RunSpec spec = spec_of(process, round);
  process.encoding = round.encoding;
  process.mapping = round.mapping;
  process.whole_rows = round.whole_rows;
  oracle_.begins(process);
  try {
    process.sleep_until(now_ms_ + process.plan().start_ms);
    Engine engine(std::move(spec), surroundings_of(process, lines_of(round, process)));
    process.engine = &engine;
    process.result = engine.run();
  } catch (const Crash&) {
    tell("run " + std::to_string(process.number()) + " dies");
  } catch (const std::exception& error) {
    process.broke = error.what();
  }
  process.engine = nullptr;
  if (!process.dead()) process.lock.reset();
  note_end(process);
}

void World::note_end(const Process& process) {
  note(Event::end, static_cast<std::uint64_t>(process.number()),
       static_cast<std::uint64_t>(process.steps()));
  if (!process.result) return;
  const Report& report = process.result->report;
  note(Event::end, static_cast<std::uint64_t>(report.status), report.outcomes.accepted);
  note(Event::end, report.outcomes.unknown, report.outcomes.not_attempted);
  if (story_ == nullptr) return;
  tell("run " + std::to_string(process.number()) + " ends " + std::string(to_text(report.status)) +
       " " + report.to_json().at("counts").dump() +
       (report.message.empty() ? "" : " (" + report.message + ")"));
}

void World::run_alone(Process& process, const Round& round) {
  run_process(process, round);
  oracle_.ends(process, true);
}

void World::run_together(const std::vector<Process*>& processes, const Round& round) {
  std::vector<std::unique_ptr<Fiber>> fibers;
  for (Process* process : processes) {
    fibers.push_back(
        std::make_unique<Fiber>([this, process, &round] { run_process(*process, round); }));
    process->fiber = fibers.back().get();
    process->wake_at_ms = now_ms_;
  }
  std::vector<Process*> active = processes;
  Dice dice(mix(schedule_.seed) ^ static_cast<std::uint64_t>(processes.front()->number()));
  while (!active.empty()) {
    std::int64_t soonest = INT64_MAX;
    std::vector<Process*> ready;
    for (Process* process : active) {
      soonest = std::min(soonest, process->wake_at_ms);
      if (process->wake_at_ms <= now_ms_) ready.push_back(process);
    }
    if (ready.empty()) {
      advance(soonest);
      continue;
    }
    Process* next = dice.of(ready);
    next->fiber->resume();
    if (next->fiber->ended()) {
      std::erase(active, next);
      oracle_.ends(*next, false);
    }
  }
  for (Process* process : processes) process->fiber = nullptr;
}

void World::play_round(const Round& round) {
  ++rounds_;
  edit_model(round);
  for (const std::string& key : round.appear) appear(key);
  if (!round.retry.empty()) retry(round.retry);
  oracle_.round_begins(encoded(round));
  if (story_ != nullptr) {
    std::string rows;
    for (const auto& [key, value] : model_) rows += " " + key + "=" + shown(value);
    tell("the model is" + rows + (round.model_empty ? ", and reads as empty" : ""));
  }
  std::vector<Process*> together;
  for (const RunPlan& plan : round.runs) together.push_back(&start(plan));
  if (together.size() == 1) {
    run_alone(*together.front(), round);
  } else if (!together.empty()) {
    run_together(together, round);
  }
  oracle_.round_is_over(now_ms_);
  note(Event::round, processes_.size());
  if (after_round) after_round();
  advance(now_ms_ + round.pause_ms);
}

/// Each shard one after the other; all but the last of them have to come a second time.
void World::play_quiet_round(const Round& quiet, bool second) {
  const int of = schedule_.quiet_of;
  for (int turn = 0; turn < 2 * of - 1; ++turn) {
    RunPlan plan;
    plan.shard = turn % of;
    plan.of = of;
    Process& process = start(plan);
    process.guards_pass = true;
    run_alone(process, quiet);
    if (turn >= of - 1) oracle_.quiet_run_ended(process, second);
  }
}

/// What the refusal to split a state with jobs asks for: as many shards as left them read how they
/// ended.
void World::follow_jobs(const Round& quiet) {
  const int of = oracle_.layout_with_jobs(now_ms_);
  if (of == 0 || of == schedule_.quiet_of) return;
  for (int turn = 0; turn < 2 * of - 1; ++turn) {
    RunPlan plan;
    plan.shard = turn % of;
    plan.of = of;
    Process& process = start(plan);
    process.guards_pass = true;
    run_alone(process, quiet);
  }
}

/// Faults off: two runs, each when nothing of the past can take effect any more.
void World::play_quiet_runs() {
  tool_.end_faults(now_ms_);
  spec_.timing.deadline.reset();  // a run may take the time that its questions need
  spec_.timing.job_patience = std::chrono::minutes(10);
  if (model_.empty()) model_["k0"] = schedule_.changed_fields ? "a\tx" : "a";
  tell("faults end");
  Round quiet;
  quiet.named = true;
  if (!schedule_.rounds.empty()) {
    quiet.encoding = schedule_.rounds.back().encoding;
    quiet.mapping = schedule_.rounds.back().mapping;
  }
  for (const bool second : {false, true}) {
    ++rounds_;
    oracle_.round_begins(encoded(quiet));
    advance(now_ms_ + schedule_.quiet_ms + schedule_.lease_ms + schedule_.window_ms + 1);
    if (!second) follow_jobs(quiet);
    play_quiet_round(quiet, second);
  }
  oracle_.round_is_over(now_ms_);
  oracle_.all_is_over();
}

Outcome World::play() {
  for (const Round& round : schedule_.rounds) play_round(round);
  play_quiet_runs();
  for (const auto& [key, record] : tool_.records()) {
    note(Event::record, Prf(1).with(key).with(record.value).value());
  }
  Outcome outcome;
  outcome.failures = oracle_.failures();
  outcome.trace = trace_;
  outcome.runs = processes_.size();
  outcome.requests = tool_.log().size();
  outcome.deaths = std::move(deaths_);
  return outcome;
}

}  // namespace tailrace::simulation
