#include "destination/mailchimp/many.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "destination/mailchimp/answer.hpp"
#include "destination/mailchimp/facts.hpp"
#include "destination/mailchimp/target.hpp"
#include "destination/settle.hpp"
#include "wire/json_reader.hpp"

namespace tailrace::mailchimp {
namespace {

using nlohmann::json;

[[nodiscard]] bool wants_status(std::string_view field, std::string_view message) {
  return field == kStatus || field == kStatusIfNew ||
         message.find(kStatus) != std::string_view::npos;
}

void go_alone(Step& step, RowIndex row, Operation operation) {
  step.regroup.push_back({{row}, operation});
}

/// A member that is not as its schema describes fails the whole request: those that the problem
/// names are rejected, and the others go again. nullopt: it names nobody.
[[nodiscard]] std::optional<Step> without_bad_rows(const Batch& batch, const wire::Reply& reply,
                                                   bool alone) {
  const Problem problem = read_problem(reply);
  std::vector<const FieldProblem*> named(batch.rows.size(), nullptr);
  bool any = false;
  for (const FieldProblem& one : problem.fields) {
    if (!one.item || *one.item >= named.size()) continue;
    any = true;
    const FieldProblem*& first = named[*one.item];
    // What another request would not help with outweighs what it would.
    if (first == nullptr || wants_status(first->field, first->message)) first = &one;
  }
  if (!any) return std::nullopt;
  Step step;
  Regroup others{{}, batch.operation};
  for (const RowIndex row : all_rows(batch)) {
    const FieldProblem* one = named[row];
    if (one == nullptr) {
      others.rows.push_back(row);
    } else if (alone && wants_status(one->field, one->message)) {
      go_alone(step, row, batch.operation);
    } else {
      step.verdicts.push_back(
          {row, Outcome::rejected, reason_of(problem.code, one->message, one->field), {}});
    }
  }
  if (!others.rows.empty()) step.regroup.push_back(std::move(others));
  return step;
}

/// An answer's lists, by the addresses of the batch's rows.
class Reader {
 public:
  explicit Reader(const Batch& batch) : evidence_(batch.rows.size()) {
    for (const RowIndex row : all_rows(batch)) {
      rows_.emplace(Target::compared(batch.rows[row].match), row);
    }
  }

  /// False: it is no list.
  [[nodiscard]] bool take(const json& body, std::string_view name, Outcome outcome) {
    const json* list = wire::member(body, name);
    if (list == nullptr || !list->is_array()) return false;
    for (const json& one : *list) {
      const auto at = rows_.find(Target::compared(wire::text_at(one, "email_address")));
      if (at == rows_.end()) continue;  // nobody's
      Verdict verdict{at->second, outcome, {}, {}};
      if (outcome == Outcome::rejected) {
        std::string message = wire::text_at(one, "error");
        const std::string more = wire::text_at(one, "field_message");
        if (!more.empty()) message.append(message.empty() ? "" : " ").append(more);
        verdict.reason =
            reason_of(wire::text_at(one, "error_code"), message, wire::text_at(one, "field"));
      } else {
        verdict.destination_id = wire::text_at(one, "id");
      }
      evidence_.add(std::move(verdict));
    }
    return true;
  }

  [[nodiscard]] std::vector<Verdict> verdicts() && {
    return std::move(evidence_).verdicts(
        reason_of("not_in_answer", "neither among the members nor among the errors of the answer"));
  }

 private:
  std::unordered_map<std::string, RowIndex> rows_;
  Evidence evidence_;
};

}  // namespace

Step read_many(const Batch& batch, const wire::Reply& reply, bool alone) {
  const Refusal refusal = judge(reply);
  if (refusal.judgement.means == AnswerClass::record) {
    if (auto step = without_bad_rows(batch, reply, alone)) return *step;
  }
  if (refusal.judgement.means != AnswerClass::ok) {
    return settle_refusal(refusal, all_rows(batch), batch.operation);
  }
  Step step;
  const auto body = reply.status == 200 ? wire::read_json(reply) : std::nullopt;
  Reader reader(batch);
  const bool read = body && reader.take(*body, "new_members", Outcome::accepted) &&
                    reader.take(*body, "updated_members", Outcome::accepted) &&
                    reader.take(*body, "errors", Outcome::rejected);
  if (!read) {
    give_all(step, all_rows(batch), Outcome::unknown, unreadable_answer());
    return step;
  }
  for (Verdict& verdict : std::move(reader).verdicts()) {
    const Reason& reason = verdict.reason;
    const bool refused = verdict.outcome == Outcome::rejected;
    if (alone && refused && wants_status(reason.field, reason.message)) {
      go_alone(step, verdict.row, batch.operation);
    } else {
      step.verdicts.push_back(std::move(verdict));
    }
  }
  return step;
}

}  // namespace tailrace::mailchimp
