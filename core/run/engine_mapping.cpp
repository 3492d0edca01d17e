// A mapping that no run has ended with yet is held against the destination's fields before anything
// is sent: first its names, then the values of the rows. Later runs need no question: what a tool
// refuses of their rows it refuses row by row.
#include <utility>

#include "run/ask.hpp"
#include "run/engine_session.hpp"
#include "run/fit.hpp"
#include "run/mapping.hpp"

namespace tailrace {
namespace {

/// Whether the rows would fare no better: nobody's login, or an object that is not there.
[[nodiscard]] bool is_definite(const Answer& answer) {
  return answer.no_object ||
         (answer.configuration && (answer.status == 401 || answer.status == 404));
}

}  // namespace

void Engine::judge_mapping(Session& session) {
  const bool is_new = session.claim->mapping_fingerprint != spec_.mapping_fingerprint;
  const Capabilities& can = session.destination->capabilities();
  if (!can.answers(ReadAsk::Kind::describe)) return;
  if (!is_new || session.planned() == 0 || takes_as_delivered(session)) return;
  Answer answer = ask_tool(session, *session.destination, {ReadAsk::Kind::describe});
  if (cancelled_.load()) throw Ended(Status::cancelled, "cancelled before anything was sent");
  if (!answer.failure.empty()) {
    if (is_definite(answer)) {
      throw Ended(Status::config, failure_to_look(answer) + ": no row was sent");
    }
    // A login may have the right to write and not the one to look.
    session.report.notes.push_back("the mapping was not held against the destination's fields: " +
                                   answer.failure);
    return;
  }
  // An upsert may find every record there.
  const bool only_new = spec_.mode == Mode::insert || spec_.mode == Mode::append;
  const MappingRules rules{.makes_records = only_new,
                           .makes_fields = spec_.create_fields,
                           .offers_making = can.answers(ReadAsk::Kind::make_fields),
                           .finds_records = spec_.mode != Mode::append};
  std::string wrong;
  for (const MappingFlaw& flaw :
       mapping_flaws(spec_.schema, session.report.object, answer.fields, rules)) {
    wrong += (wrong.empty() ? "" : "\n") + flaw.message;
  }
  if (!wrong.empty()) throw Ended(Status::config, wrong);
  judge_values(session, answer.fields);
  session.described = std::move(answer.fields);
}

/// So many rows as the sync tolerates may be left to the tool to refuse.
void Engine::judge_values(Session& session, const std::vector<FieldFact>& known) {
  Fit fit(spec_.schema, known);
  if (fit.takes_all()) return;
  ChangeRow row;
  while (session.changes->next(row)) {
    if (row.change == Change::removed || session.is_duplicate(row.identity)) continue;
    fit.look(RowView(row.line, spec_.schema));
  }
  session.changes->rewind();
  const auto unfit = static_cast<double>(fit.unfit_rows());
  if (within(spec_.tolerate, unfit, static_cast<double>(session.planned()))) return;
  std::string wrong;
  for (const Misfit& one : fit.misfits()) {
    wrong += session.report.object + "." + one.field + " " + one.words() + "\n";
  }
  throw Ended(Status::config,
              wrong +
                  "no row was sent: change the model, or leave so many to be refused with "
                  "`tolerate: {rejected: " +
                  std::to_string(fit.unfit_rows()) + "}`");
}

}  // namespace tailrace
