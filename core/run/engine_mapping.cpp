// A mapping that no run has ended with yet, where the destination would drop without a word what it
// does not know: it is held against the destination's fields before anything is sent. Others refuse
// an unknown field, and need no question.
#include "run/ask.hpp"
#include "run/engine_session.hpp"
#include "run/mapping.hpp"

namespace tailrace {

void Engine::judge_mapping(Session& session) {
  const bool is_new = session.claim->mapping_fingerprint != spec_.mapping_fingerprint;
  if (!session.destination->capabilities().drops_unknown_fields) return;
  if (!is_new || session.planned() == 0 || takes_as_delivered(session)) return;
  const Answer answer = ask_tool(session, *session.destination, {ReadAsk::Kind::describe});
  if (cancelled_.load()) throw Ended(Status::cancelled, "cancelled before anything was sent");
  if (!answer.failure.empty()) {
    // A login may have the right to write and not the one to look.
    session.report.notes.push_back("the mapping was not held against the destination's fields: " +
                                   answer.failure);
    return;
  }
  // An upsert may find every record there.
  const bool only_new = spec_.mode == Mode::insert || spec_.mode == Mode::append;
  std::string wrong;
  for (const MappingFlaw& flaw : mapping_flaws(spec_.schema, session.report.object, answer.fields,
                                               {.makes_records = only_new})) {
    wrong += (wrong.empty() ? "" : "\n") + flaw.message;
  }
  if (!wrong.empty()) throw Ended(Status::config, wrong);
}

}  // namespace tailrace
