// A run's first half: the model is read and compared; nothing has been sent when it ends.
#include <unordered_set>
#include <utility>

#include "diff/guard.hpp"
#include "run/engine_session.hpp"
#include "run/whole_state.hpp"
#include "wire/json_writer.hpp"
#include "wire/utf8.hpp"

namespace tailrace {
namespace {

/// Looks at every field of a row about to be sent: what cannot be encoded makes the row invalid.
class CellCheck {
 public:
  explicit CellCheck(const Schema& schema) : schema_(&schema) {}

  std::optional<InvalidRow> operator()(const RowView& row) {
    CellCursor cells(row.line());
    for (std::size_t i = 0; i < schema_->field_count; ++i) {
      const Column& column = schema_->columns[i];
      const std::optional<Cell> cell = cells.next();
      if (!cell) throw SourceError("a row has fewer columns than the query", true);
      const wire::CellProblem problem = wire::check_cell(*cell, column, scratch_);
      if (problem == wire::CellProblem::none) continue;
      InvalidRow invalid;
      key_text(row, invalid.key);
      invalid.code = wire::to_text(problem);
      invalid.message = "the value of '" + column.name + "' cannot be sent: " + invalid.code;
      invalid.field = column.name;
      return invalid;
    }
    return std::nullopt;
  }

 private:
  const Schema* schema_;
  std::string scratch_;
};

/// Whether the match value of a row that goes by its key names a record.
class MatchCheck {
 public:
  MatchCheck(const Schema& schema, const Destination& destination)
      : schema_(&schema), destination_(&destination) {}

  std::optional<InvalidRow> operator()(const RowView& row) {
    const Cell match = row.cell(schema_->match);
    if (match.is_null()) return invalid(row, InvalidCode::null_match);
    const std::string_view text = match.text(scratch_);
    if (wire::trimmed(text).empty()) return invalid(row, InvalidCode::blank_match);
    if (destination_->identity_into(text, named_)) return std::nullopt;
    return invalid(row, InvalidCode::unusable_match);
  }

 private:
  [[nodiscard]] std::optional<InvalidRow> invalid(const RowView& row, InvalidCode code) const {
    InvalidRow found = describe_invalid(code, *schema_, schema_->match);
    key_text(row, found.key);
    return found;
  }

  const Schema* schema_;
  const Destination* destination_;
  std::string scratch_;
  std::string named_;
};

/// Lets the rows of some keys pass.
class KeyFilter {
 public:
  explicit KeyFilter(const std::vector<std::string>& keys) : keys_(keys.begin(), keys.end()) {}

  bool operator()(const RowView& row) {
    key_text(row, key_);
    return keys_.contains(key_);
  }

 private:
  std::unordered_set<std::string> keys_;
  std::string key_;
};

std::vector<std::string> watched_fields(const Guards& guards) {
  std::vector<std::string> fields;
  for (const auto& [field, limit] : guards.max_null_jump) fields.push_back(field);
  return fields;
}

}  // namespace

/// A changed mapping gives every row another version; where the acknowledged fields are known, only
/// rows of which a field differs are changed.
void Engine::compare_fields(Session& session, DiffOptions& options) {
  const std::string& before = session.claim->mapping_fingerprint;
  if (!spec_.changed_fields || before.empty() || before == spec_.mapping_fingerprint) return;
  session.with_store([&](StateStore& store) {
    const StateTable& known = session.whole ? session.whole->table() : session.state.table;
    session.known_fields.emplace(store, session.claim->holder, known);
  });
  session.field_choice.emplace(spec_.schema, *session.hasher);
  session.restated.emplace(spec_.spill_directory, spec_.buffer_bytes);
  options.restated = &*session.restated;
  options.same_fields = [&session](const IdentityHash& identity, const RowView& row) {
    return session.field_choice->same(session.known_fields->of(identity), row);
  };
}

/// The source knows the columns' types, and no more columns than were asked for.
void Engine::take_types(Session& session) { set_types(spec_.schema, session.reader->open()); }

void Engine::load(Session& session) {
  // A plan of a sync that never ran finds nothing to load.
  if (session.claim->holder.epoch == 0) return;
  session.with_store([&](StateStore& store) {
    session.state = load_whole(store, session.shards, spec_.timing.quiet.count());
  });
}

DiffOptions Engine::diff_options(Session& session) {
  DiffOptions options;
  options.on_removed = spec_.on_removed;
  options.full_refresh = session.full_refresh;
  options.every_row = spec_.task == Task::verify;
  if (spec_.shard) {
    options.shard = static_cast<std::uint32_t>(spec_.shard->index);
    options.of = static_cast<std::uint32_t>(spec_.shard->of);
  }
  if (spec_.only_keys) options.only = KeyFilter(*spec_.only_keys);
  options.identity_is_key = spec_.mode == Mode::insert || spec_.mode == Mode::append;
  options.check = CellCheck(spec_.schema);
  if (options.identity_is_key && session.destination->capabilities().insert_needs_match) {
    options.check = [cells = CellCheck(spec_.schema),
                     match = MatchCheck(spec_.schema, *session.destination)](
                        const RowView& row) mutable -> std::optional<InvalidRow> {
      std::optional<InvalidRow> found = match(row);
      return found ? std::move(found) : cells(row);
    };
  }
  options.once = spec_.mode == Mode::insert;
  options.normalise = [&session](std::string_view match, std::string& out) {
    return session.destination->identity_into(match, out);
  };
  return options;
}

/// Compares the model as it comes. Gives the seconds that were spent waiting for it.
double Engine::consume_model(Session& session) {
  Differ& differ = *session.differ;
  double waited = 0;
  Chunk chunk;
  for (;;) {
    const Clock::Time before = world_.clock->now();
    const bool more = session.reader->next(chunk);
    waited += seconds_between(before, world_.clock->now());
    if (cancelled_.load()) throw Ended(Status::cancelled, "cancelled while the model was read");
    if (!more) break;
    differ.consume(chunk);
    if (session.whole) session.whole->consume(chunk);
    session.null_counter->consume(chunk);
    progress_.scanned.store(differ.counts().scanned, std::memory_order_relaxed);
  }
  session.with_store(
      [&](StateStore& store) { differ.finish(whole_key_reader(store, session.shards)); });
  if (session.whole) session.whole->finish();
  return waited;
}

void Engine::read(Session& session) {
  take_types(session);
  session.destination = world_.destination(spec_.connection, spec_.object, spec_.schema);
  load(session);
  prepare_mode(session);
  resume_jobs(session);
  session.changes.emplace(spec_.spill_directory, spec_.buffer_bytes);
  DiffOptions options = diff_options(session);
  load_whole_count(session);
  compare_fields(session, options);
  if (session.whole) session.whole->begin(spec_.schema, *session.hasher, options);
  session.differ.emplace(spec_.schema, *session.hasher, session.state, std::move(options),
                         *session.changes);
  session.null_counter.emplace(spec_.schema, watched_fields(spec_.guards));
  const double waited = consume_model(session);
  session.diff_finished = true;
  const double total = seconds_between(session.started, world_.clock->now());
  session.report.seconds.read = waited;
  session.report.seconds.diff = total - waited;
  session.report.diff = session.differ->counts();
  session.report.invalid_sample = session.differ->invalid_sample();
  progress_.planned.store(session.planned(), std::memory_order_relaxed);
}

}  // namespace tailrace
