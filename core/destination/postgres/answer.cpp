#include "destination/postgres/answer.hpp"

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "destination/postgres/facts.hpp"
#include "destination/postgres/script.hpp"
#include "wire/json_reader.hpp"

namespace tailrace::postgres {
namespace {

using nlohmann::json;

[[nodiscard]] std::optional<RowIndex> index_of(std::string_view text) {
  RowIndex index = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return index;
}

/// The row that COPY could not read, whose number it says itself.
[[nodiscard]] std::optional<RowIndex> copied_row(const wire::Reply& reply, std::size_t rows) {
  const auto body = wire::read_json(reply);
  if (!body) return std::nullopt;
  const std::optional<RowIndex> line = index_of(wire::text_at(*body, "line"));
  if (!line || *line < 1 || *line > rows) return std::nullopt;
  return *line - 1;
}

[[nodiscard]] std::string_view advice_for(std::string_view code) {
  if (code == kNoTable) return "Check the sync's object: the database has no such table.";
  if (code == kNoColumn) return "Check the sync's fields.";
  if (code == kNoRight) {
    return "Grant the login SELECT, INSERT, UPDATE and DELETE on the table, as far as the mode "
           "needs them, and TEMPORARY on the database.";
  }
  if (code == kReadOnly) return "Is the dsn that of a standby?";
  return {};
}

/// The rest goes again without the one that is refused.
[[nodiscard]] Step reject_one(const Batch& batch, RowIndex refused, const Reason& reason) {
  Step step;
  step.verdicts.push_back({refused, Outcome::rejected, reason, {}});
  Regroup rest;
  rest.operation = batch.operation;
  for (RowIndex i = 0; i < batch.rows.size(); ++i) {
    if (i != refused) rest.rows.push_back(i);
  }
  if (!rest.rows.empty()) step.regroup.push_back(std::move(rest));
  return step;
}

/// The indexes that one result lists, added as verdicts; false where it makes no sense.
[[nodiscard]] bool add_rows(Evidence& evidence, const json& result, const Verdict& verdict) {
  if (!result.is_array()) return false;
  for (const json& row : result) {
    if (!row.is_array() || row.empty() || !row.front().is_string()) return false;
    const std::optional<RowIndex> index = index_of(row.front().get_ref<const std::string&>());
    if (!index || *index >= evidence.size()) return false;
    Verdict its = verdict;
    its.row = *index;
    evidence.add(std::move(its));
  }
  return true;
}

/// Of rows that no statement wrote, though the transaction was committed.
[[nodiscard]] Verdict of_unwritten(Operation operation) {
  switch (operation) {
    case Operation::update:
      return {0, Outcome::skipped, reason_of(kMissing, "the table has no such record"), {}};
    case Operation::insert:
      return {0,
              Outcome::rejected,
              reason_of(kExists, "a unique index of the table has these values already"),
              {}};
    case Operation::upsert:
      return {0,
              Outcome::rejected,
              reason_of(kNotTaken,
                        "a trigger, a rule or a policy of the database let the row "
                        "neither be updated nor inserted"),
              {}};
    default: break;  // gone already
  }
  return {0, Outcome::accepted, {}, {}};
}

[[nodiscard]] bool told_unique(const json& result) {
  return result.is_array() && result.size() == 1 && result.front().is_array() &&
         result.front().size() == 1 && result.front().front() == "t";
}

[[nodiscard]] Step unreadable(const Batch& batch) {
  Step step;
  give_all(step, all_rows(batch), Outcome::unknown,
           reason_of("unreadable_answer", "the database's answer makes no sense"));
  return step;
}

/// No row was touched: either the statements left them alone, or the server refused them.
[[nodiscard]] Step stop_not_unique(const Batch& batch) {
  const std::string& match = batch.schema->columns[batch.schema->match].name;
  const Reason reason = reason_of(
      kNotUnique, "no unique index is on '" + match + "' alone, so that it identifies no record");
  Step step;
  give_all(step, all_rows(batch), Outcome::retryable, reason);
  step.stop = stop_for(Stop::Kind::configuration, reason, "Make one, or match by another column.");
  return step;
}

}  // namespace

Refusal judge(const wire::Reply& reply) {
  Refusal refusal;
  refusal.reason = reason_of(reply);
  std::string code;
  const auto body = reply.status >= 400 ? wire::read_json(reply) : std::nullopt;
  if (reply.failure == wire::Failure::none && body && body->is_object()) {
    code = wire::text_at(*body, "code");
    std::string message = wire::text_at(*body, "message");
    const std::string detail = wire::text_at(*body, "detail");
    if (!detail.empty()) message += ": " + detail;
    refusal.reason = reason_of(code, message, wire::text_at(*body, "column"));
  }
  refusal.judgement = classify(kAnswers, reply, code);
  refusal.advice = advice_for(code);
  return refusal;
}

Step read_written(const Batch& batch, const wire::Reply& reply) {
  const Refusal refusal = judge(reply);
  if (refusal.reason.code == kNoArbiter) return stop_not_unique(batch);
  if (refusal.judgement.means == AnswerClass::record) {
    const std::optional<RowIndex> refused = copied_row(reply, batch.rows.size());
    if (refused) return reject_one(batch, *refused, refusal.reason);
  }
  if (refusal.judgement.means != AnswerClass::ok) {
    return settle_refusal(refusal, all_rows(batch), batch.operation);
  }
  const auto body = wire::read_json(reply);
  if (!body || !body->is_array() || body->size() <= kWritten) return unreadable(batch);
  if (!told_unique((*body)[kIsUnique])) return stop_not_unique(batch);
  Evidence evidence(batch.rows.size());
  const Verdict same{0,
                     Outcome::rejected,
                     reason_of(kSameRecord,
                               "another row's match value is the same for the "
                               "column's type"),
                     {}};
  bool sense = add_rows(evidence, (*body)[kSameRecords], same);
  for (std::size_t i = kWritten; i < body->size() && sense; ++i) {
    sense = add_rows(evidence, (*body)[i], {0, Outcome::accepted, {}, {}});
  }
  if (!sense) return unreadable(batch);
  for (const RowIndex row : evidence.open()) {
    Verdict verdict = of_unwritten(batch.operation);
    verdict.row = row;
    evidence.add(std::move(verdict));
  }
  Step step;
  step.verdicts = std::move(evidence).verdicts({});
  return step;
}

}  // namespace tailrace::postgres
