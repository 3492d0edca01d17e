#include "run/spec.hpp"

#include <stdexcept>

namespace tailrace {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

const json& need(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) {
    throw std::invalid_argument(std::string("run spec: '") + key + "' is missing");
  }
  return *found;
}

std::string text(const json& object, const char* key, std::string fallback = {}) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return fallback;
  return found->get<std::string>();
}

milliseconds seconds(const json& object, const char* key, milliseconds fallback) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return fallback;
  return milliseconds(static_cast<std::int64_t>(found->get<double>() * 1000));
}

template <typename Value>
Value one_of(const std::string& word, const char* key,
             std::initializer_list<std::pair<const char*, Value>> words) {
  for (const auto& [name, value] : words) {
    if (word == name) return value;
  }
  throw std::invalid_argument(std::string("run spec: '") + key + "' may not be '" + word + "'");
}

std::optional<Limit> limit(const json& object, const char* key, std::optional<Limit> fallback) {
  const auto found = object.find(key);
  if (found == object.end()) return fallback;
  if (found->is_null()) return std::nullopt;
  return Limit{need(*found, "value").get<double>(), found->value("percent", false)};
}

}  // namespace

Schema parse_schema(const json& spec) {
  Schema schema;
  for (const json& column : need(spec, "columns")) {
    Column parsed;
    parsed.name = need(column, "name").get<std::string>();
    parsed.nulls = text(column, "nulls", "clear") == "keep" ? Nulls::keep : Nulls::clear;
    parsed.digits = column.value("digits", kDefaultDigits);
    if (const auto link = column.find("link"); link != column.end() && !link->is_null()) {
      parsed.link = Link{need(*link, "to").get<std::string>(), need(*link, "by").get<std::string>(),
                         text(*link, "category"), link->value("type", 0)};
    }
    schema.columns.push_back(std::move(parsed));
  }
  schema.field_count = need(spec, "field_count").get<std::size_t>();
  schema.key = need(spec, "key").get<std::vector<std::size_t>>();
  schema.match = need(spec, "match").get<std::size_t>();
  const std::size_t count = schema.columns.size();
  bool fits =
      schema.field_count <= count && schema.match < schema.field_count && !schema.key.empty();
  for (const std::size_t index : schema.key) fits = fits && index < count;
  if (!fits) throw std::invalid_argument("run spec: 'key', 'match' and 'columns' do not fit");
  return schema;
}

void set_types(Schema& schema, const std::vector<SourceColumn>& columns) {
  if (columns.size() != schema.columns.size()) {
    throw SourceError("the query gives " + std::to_string(columns.size()) + " columns, " +
                          std::to_string(schema.columns.size()) + " were asked for",
                      true);
  }
  for (std::size_t i = 0; i < columns.size(); ++i) schema.columns[i].type = columns[i].type;
}

namespace {

SourceSpec parse_source(const json& source) {
  SourceSpec parsed;
  parsed.kind = need(source, "kind").get<std::string>();
  parsed.dsn = text(source, "dsn");
  parsed.select = text(source, "select");
  parsed.application_name = text(source, "application_name", "tailrace");
  parsed.comment = text(source, "comment");
  parsed.encoding = text(source, "encoding", "arrow/1");
  return parsed;
}

Guards parse_guards(const json& spec) {
  Guards guards;
  const auto found = spec.find("guards");
  if (found == spec.end()) return guards;
  guards.allow_empty = found->value("allow_empty", false);
  guards.max_removed = limit(*found, "max_removed", guards.max_removed);
  guards.removed_floor = found->value("removed_floor", guards.removed_floor);
  guards.max_changed = limit(*found, "max_changed", guards.max_changed);
  guards.max_added = limit(*found, "max_added", guards.max_added);
  guards.encoding = limit(*found, "encoding", guards.encoding);
  if (const auto jumps = found->find("max_null_jump"); jumps != found->end()) {
    for (const auto& [field, value] : jumps->items()) {
      guards.max_null_jump[field] =
          Limit{need(value, "value").get<double>(), value.value("percent", false)};
    }
  }
  return guards;
}

/// A request that timed out may take effect for as long again.
milliseconds quiet_time(const json& spec, milliseconds least) {
  const auto connection = spec.find("connection");
  if (connection == spec.end()) return least;
  return std::max(least, 2 * seconds(*connection, "timeout_s", milliseconds(0)));
}

Timing parse_timing(const json& spec) {
  Timing timing;
  timing.quiet = quiet_time(spec, timing.quiet);
  const auto found = spec.find("timing");
  if (found == spec.end()) return timing;
  timing.lease = seconds(*found, "lease_s", timing.lease);
  timing.send_window = seconds(*found, "send_window_s", timing.send_window);
  timing.quiet = seconds(*found, "quiet_s", timing.quiet);
  timing.drain = seconds(*found, "drain_s", timing.drain);
  timing.outage = seconds(*found, "outage_s", timing.outage);
  timing.job_patience = seconds(*found, "job_patience_s", timing.job_patience);
  timing.store_patience = seconds(*found, "store_patience_s", timing.store_patience);
  const milliseconds none{-1};
  const milliseconds deadline = seconds(*found, "deadline_s", none);
  if (deadline != none) timing.deadline = deadline;
  return timing;
}

void parse_state(const json& state, RunSpec& spec) {
  spec.state_url = need(state, "url").get<std::string>();
  const auto expect = state.find("expect");
  if (expect == state.end() || expect->is_null()) return;
  spec.expect = ExpectedState{text(*expect, "store_id"), expect->value("epoch", std::int64_t{0}),
                              expect->value("last_seq", std::int64_t{0})};
}

/// How the mode is kept where more than one way is right.
void parse_promise(const json& spec, RunSpec& parsed) {
  parsed.on_missing = one_of<OnMissing>(text(spec, "on_missing", "skip"), "on_missing",
                                        {{"skip", OnMissing::skip}, {"reject", OnMissing::reject}});
  parsed.backfill = one_of<Backfill>(text(spec, "backfill", "send"), "backfill",
                                     {{"send", Backfill::send}, {"skip", Backfill::skip}});
  if (const std::string safety = text(spec, "insert_safety"); !safety.empty()) {
    parsed.insert_safety = one_of<InsertSafety>(safety, "insert_safety",
                                                {{"idempotency_key", InsertSafety::idempotency_key},
                                                 {"read_back", InsertSafety::read_back},
                                                 {"park", InsertSafety::park},
                                                 {"duplicate_ok", InsertSafety::duplicate_ok}});
  }
  const milliseconds never{-1};
  const milliseconds resync = seconds(spec, "resync_every_s", never);
  if (resync != never) parsed.resync_every = resync;
  parsed.changed_fields = spec.value("changed_fields", false);
  parsed.create_fields = spec.value("create_fields", false);
  parsed.row_log = spec.value("row_log", false);
  parsed.was = spec.value("was", std::vector<std::string>{});
  if (const auto found = spec.find("rejected"); found != spec.end()) {
    parsed.rejected.max_attempts = found->value("max_attempts", parsed.rejected.max_attempts);
    parsed.rejected.code_only = text(*found, "messages", "full") == "code_only";
  }
}

/// What of the model this run takes, and where its plan comes from or goes to.
void parse_part(const json& spec, RunSpec& parsed) {
  const auto given = [&spec](const char* key) -> const json* {
    const auto found = spec.find(key);
    return found == spec.end() || found->is_null() ? nullptr : &*found;
  };
  if (const json* shard = given("shard")) {
    ShardOf part{need(*shard, "index").get<int>(), need(*shard, "of").get<int>(),
                 text(*shard, "round")};
    if (part.of < 1 || part.index < 0 || part.index >= part.of) {
      throw std::invalid_argument("run spec: 'shard' counts from 0 to one less than 'of'");
    }
    parsed.shard = std::move(part);
  }
  if (const json* plan = given("plan")) {
    parsed.plan = {text(*plan, "read"), text(*plan, "write"), text(*plan, "directory"),
                   plan->value("of", 0), text(*plan, "keep")};
    const bool reads = !parsed.plan.read.empty();
    const bool writes = !parsed.plan.write.empty() || !parsed.plan.directory.empty();
    if ((reads && parsed.task != Task::run) || (writes && parsed.task != Task::plan)) {
      throw std::invalid_argument("run spec: a plan is read by a run and written by a plan");
    }
  }
  if (const json* keys = given("only_keys")) {
    parsed.only_keys = keys->get<std::vector<std::string>>();
  }
  parsed.try_send = spec.value("try_send", false);
  if (const json* trace = given("trace")) {
    parsed.trace = {need(*trace, "path").get<std::string>(), trace->value("bodies", false)};
  }
}

/// What a run is for, and what becomes of each row.
void parse_task(const json& spec, RunSpec& parsed) {
  parsed.task = one_of<Task>(text(spec, "task", "run"), "task",
                             {{"run", Task::run},
                              {"plan", Task::plan},
                              {"adopt", Task::adopt},
                              {"verify", Task::verify},
                              {"try", Task::attempt}});
  parsed.mode = one_of<Mode>(text(spec, "mode", "upsert"), "mode",
                             {{"upsert", Mode::upsert},
                              {"update", Mode::update},
                              {"insert", Mode::insert},
                              {"append", Mode::append}});
  parsed.on_removed = one_of<OnRemoved>(text(spec, "on_removed", "ignore"), "on_removed",
                                        {{"ignore", OnRemoved::ignore},
                                         {"delete", OnRemoved::delete_},
                                         {"archive", OnRemoved::archive},
                                         {"clear", OnRemoved::clear}});
}

void parse_destination(const json& spec, RunSpec& parsed) {
  parsed.mapping_fingerprint = need(spec, "mapping_fingerprint").get<std::string>();
  parsed.connection = need(spec, "connection");
  parsed.object = need(spec, "object");
  parsed.account = need(parsed.connection, "account").get<std::string>();
  parsed.account_was = parsed.connection.value("account_was", std::vector<std::string>{});
}

RunSpec parse_spec(const json& spec) {
  if (need(spec, "format") != 1) throw std::invalid_argument("run spec: unknown 'format'");
  RunSpec parsed;
  parsed.run_id = need(spec, "run_id").get<std::string>();
  parsed.project = text(spec, "project");
  parsed.sync = need(spec, "sync").get<std::string>();
  parsed.source = parse_source(need(spec, "source"));
  parsed.schema = parse_schema(spec);
  parsed.key_names = spec.value("key_names", std::vector<std::string>{});
  parse_task(spec, parsed);
  parse_promise(spec, parsed);
  parse_destination(spec, parsed);
  parsed.guards = parse_guards(spec);
  parsed.allow_guards = spec.value("allow_guards", std::vector<std::string>{});
  parsed.tolerate = limit(spec, "tolerate", Limit{}).value_or(Limit{});
  parsed.full_refresh = spec.value("full_refresh", false);
  parse_part(spec, parsed);
  parse_state(need(spec, "state"), parsed);
  parsed.timing = parse_timing(spec);
  if (const auto memory = spec.find("memory"); memory != spec.end()) {
    parsed.buffer_bytes = memory->value("buffer_bytes", parsed.buffer_bytes);
    parsed.spill_directory = text(*memory, "directory");
  }
  parsed.user_agent = text(spec, "user_agent", "tailrace");
  return parsed;
}

}  // namespace

RunSpec parse_run_spec(const std::string& text) {
  try {
    return parse_spec(json::parse(text));
  } catch (const json::exception& error) {
    // The text may hold credentials: nlohmann quotes the byte and the type, never a whole value.
    throw std::invalid_argument(std::string("run spec: ") + error.what());
  }
}

}  // namespace tailrace
