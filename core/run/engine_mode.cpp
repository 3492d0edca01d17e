// What the sync's mode asks of the destination, and what an earlier run leaves to this one.
#include <algorithm>

#include "row/mutant.hpp"
#include "run/engine_session.hpp"

namespace tailrace {
namespace {

bool offers(const Capabilities& can, Operation operation) {
  return std::find(can.operations.begin(), can.operations.end(), operation) != can.operations.end();
}

void need(const Capabilities& can, Operation operation) {
  if (offers(can, operation)) return;
  throw std::invalid_argument("this object of the destination cannot do '" +
                              std::string(to_text(operation)) + "'");
}

/// The best of what the destination can do; what is asked for and cannot be done is refused.
InsertSafety choose_safety(const RunSpec& spec, const Capabilities& can) {
  const bool keys = can.idempotency_ttl.has_value();
  const bool reads = can_read_back(spec.mode, can);
  if (!spec.insert_safety) {
    if (keys) return InsertSafety::idempotency_key;
    return reads ? InsertSafety::read_back : InsertSafety::park;
  }
  if (*spec.insert_safety == InsertSafety::idempotency_key && !keys) {
    throw std::invalid_argument(
        "insert_safety: idempotency_key: this object of the destination honours no such key");
  }
  if (*spec.insert_safety == InsertSafety::read_back && !reads) {
    throw std::invalid_argument(
        spec.mode == Mode::append
            ? "insert_safety: read_back: versions of one record have one match value, so that none "
              "can be told from another; park is what append can do here"
        : can.reads_late
            ? "insert_safety: read_back: what this object of the destination says of its records "
              "may be older than the insert"
            : "insert_safety: read_back: this object of the destination cannot be asked for a "
              "record by its match value");
  }
  return *spec.insert_safety;
}

}  // namespace

bool only_looks(const RunSpec& spec) {
  return spec.task == Task::plan || spec.task == Task::verify ||
         (spec.task == Task::attempt && !spec.try_send);
}

bool can_find_records(const Capabilities& can) { return can.answers(ReadAsk::Kind::by_match); }

bool can_read_back(Mode mode, const Capabilities& can) {
  return mode == Mode::insert && can_find_records(can) && !can.reads_late;
}

Operation write_operation(Mode mode) {
  switch (mode) {
    case Mode::upsert: return Operation::upsert;
    case Mode::update: return mutant(23) ? Operation::upsert : Operation::update;
    case Mode::insert:
    case Mode::append: return Operation::insert;
  }
  throw std::logic_error("a mode without an operation");
}

Operation removal_operation(OnRemoved on_removed) {
  if (mutant(25)) return Operation::delete_;
  switch (on_removed) {
    case OnRemoved::archive: return Operation::archive;
    case OnRemoved::clear: return Operation::clear;
    case OnRemoved::ignore:
    case OnRemoved::delete_: return Operation::delete_;
  }
  throw std::logic_error("on_removed without an operation");
}

/// Refuses what cannot be done before a row is read, and says whether unchanged rows go too.
void Engine::prepare_mode(Session& session) const {
  const Capabilities& can = session.destination->capabilities();
  need(can, write_operation(spec_.mode));
  if (spec_.on_removed != OnRemoved::ignore) need(can, removal_operation(spec_.on_removed));
  const bool inserts = spec_.mode == Mode::insert || spec_.mode == Mode::append;
  if (inserts) session.insert_safety = choose_safety(spec_, can);
  if (spec_.changed_fields && !can.partial_fields) {
    throw std::invalid_argument(
        "send: changed_fields: a write to this object replaces the whole record");
  }
  if (inserts && spec_.full_refresh && spec_.only_keys) {
    throw std::invalid_argument(
        "rows are inserted once: no run makes a record again that is missing, or overwrites one "
        "that differs");
  }
  // Rows that somebody names go whether they have changed or not.
  session.full_refresh = spec_.full_refresh || spec_.only_keys;
  if (!spec_.resync_every || inserts || !session.state.has_baseline) return;
  session.with_store([&](StateStore& store) {
    const std::int64_t age_ms = store.now_ms() - session.claim->resynced_at_ms;
    if (age_ms >= spec_.resync_every->count()) session.full_refresh = true;
  });
}

}  // namespace tailrace
