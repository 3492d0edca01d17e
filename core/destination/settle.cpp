#include "destination/settle.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

#include "destination/connection.hpp"
#include "row/ascii.hpp"
#include "wire/utf8.hpp"

namespace tailrace {
namespace {

void halve(Step& step, const std::vector<RowIndex>& rows, Operation operation) {
  const auto middle = rows.begin() + static_cast<std::ptrdiff_t>(rows.size() / 2);
  step.regroup.push_back({{rows.begin(), middle}, operation});
  step.regroup.push_back({{middle, rows.end()}, operation});
}

void reject_or_halve(Step& step, const std::vector<RowIndex>& rows, Operation operation,
                     const Reason& reason) {
  if (rows.size() > 1) {
    halve(step, rows, operation);
  } else {
    give_all(step, rows, Outcome::rejected, reason);
  }
}

[[nodiscard]] std::string_view code_of(wire::Failure failure) {
  switch (failure) {
    case wire::Failure::none: return "";
    case wire::Failure::not_sent: return "unreachable";
    case wire::Failure::lost: return "no_answer";
    case wire::Failure::untrusted: return "untrusted";
    case wire::Failure::too_large: return "answer_too_large";
    case wire::Failure::expired: return "expired";
    case wire::Failure::cancelled: return "cancelled";
  }
  return "";
}

}  // namespace

std::vector<RowIndex> all_rows(const Batch& batch) {
  std::vector<RowIndex> rows(batch.rows.size());
  std::iota(rows.begin(), rows.end(), RowIndex{0});
  return rows;
}

Reason reason_of(std::string_view code, std::string_view message, std::string_view field) {
  Reason reason;
  reason.code = wire::utf8_prefix(code, kMessageBytes);
  reason.message = wire::utf8_prefix(message, kMessageBytes);
  reason.field = wire::utf8_prefix(field, kMessageBytes);
  return reason;
}

Reason reason_of(const wire::Reply& reply) {
  if (reply.failure != wire::Failure::none) {
    return reason_of(code_of(reply.failure), reply.failure_text);
  }
  return reason_of("http_" + std::to_string(reply.status), reply.body);
}

Stop stop_for(Stop::Kind kind, const Reason& reason, std::string_view advice) {
  Stop stop;
  stop.kind = kind;
  stop.message = reason.code;
  const bool says_more = !reason.message.empty() && reason.message != reason.code;
  if (says_more) stop.message += ": " + reason.message;
  const bool named = stop.message.find(reason.field) != std::string::npos;
  if (!named) stop.message += " (field '" + reason.field + "')";
  if (!advice.empty()) stop.message.append(stop.message.ends_with('.') ? " " : ". ").append(advice);
  return stop;
}

bool is_numeric_id(std::string_view text) {
  constexpr std::size_t kLongest = 20;
  return !text.empty() && text.size() <= kLongest &&
         std::all_of(text.begin(), text.end(), is_digit);
}

void give_all(Step& step, const std::vector<RowIndex>& rows, Outcome outcome,
              const Reason& reason) {
  for (const RowIndex row : rows) step.verdicts.push_back({row, outcome, reason, {}});
}

Step settle_refusal(const Refusal& refusal, const std::vector<RowIndex>& rows,
                    Operation operation) {
  const Judgement& judgement = refusal.judgement;
  const Reason& reason = refusal.reason;
  Step step;
  step.pause = judgement.pause;
  switch (judgement.means) {
    case AnswerClass::record:
    case AnswerClass::split: reject_or_halve(step, rows, operation, reason); break;
    case AnswerClass::terminal:
      give_all(step, rows, Outcome::retryable, reason);
      step.stop = stop_for(Stop::Kind::configuration, reason, refusal.advice);
      break;
    case AnswerClass::stop:
      give_all(step, rows, Outcome::retryable, reason);
      step.stop = stop_for(Stop::Kind::quota, reason, {});
      if (judgement.pause > wire::Milliseconds(0)) step.stop->retry_after = judgement.pause;
      break;
    case AnswerClass::retry: give_all(step, rows, Outcome::retryable, reason); break;
    case AnswerClass::reauth: step.reauthenticate = true; break;
    case AnswerClass::ok:
    case AnswerClass::unknown: give_all(step, rows, Outcome::unknown, reason); break;
  }
  return step;
}

Step settle_unanswered(Refusal refusal, const std::vector<RowIndex>& rows, Operation operation) {
  AnswerClass& means = refusal.judgement.means;
  if (means == AnswerClass::ok || means == AnswerClass::unknown) means = AnswerClass::retry;
  return settle_refusal(refusal, rows, operation);
}

ReadStep end_question(const Refusal& refusal) {
  const AnswerClass means = refusal.judgement.means;
  const bool final = means == AnswerClass::terminal || means == AnswerClass::reauth ||
                     means == AnswerClass::record || means == AnswerClass::split;
  ReadStep step;
  step.stop = stop_for(final ? Stop::Kind::configuration : Stop::Kind::quota, refusal.reason,
                       refusal.advice);
  if (refusal.judgement.pause.count() > 0) step.stop->retry_after = refusal.judgement.pause;
  return step;
}

ReadStep no_such_object(std::string_view tool, std::string_view object,
                        const std::vector<std::string>& known) {
  ReadStep step;
  step.stop = Stop{};
  step.stop->no_object = true;
  step.stop->message.append(tool).append(" has no object '").append(object).append("'");
  if (!known.empty()) step.stop->message += hint_of(object, {known.begin(), known.end()});
  return step;
}

ReadStep senseless_answer(std::string_view tool) {
  ReadStep step;
  step.stop = Stop{Stop::Kind::quota, std::string(tool) + "'s answer makes no sense", std::nullopt};
  return step;
}

void Evidence::add(Verdict verdict) {
  Row& row = rows_.at(verdict.row);
  if (!row.seen) {
    row.seen = true;
    row.verdict = std::move(verdict);
    return;
  }
  const bool both_the_same = row.verdict.outcome == verdict.outcome;
  if (both_the_same && verdict.outcome != Outcome::accepted) return;
  row.verdict = {verdict.row,
                 Outcome::unknown,
                 reason_of("contradictory", "the answer names this row more than once"),
                 {}};
}

std::vector<RowIndex> Evidence::open() const {
  std::vector<RowIndex> rows;
  for (RowIndex i = 0; i < rows_.size(); ++i) {
    if (!rows_[i].seen) rows.push_back(i);
  }
  return rows;
}

std::vector<Verdict> Evidence::verdicts(const Reason& missing) && {
  std::vector<Verdict> all;
  all.reserve(rows_.size());
  for (RowIndex i = 0; i < rows_.size(); ++i) {
    if (rows_[i].seen) {
      all.push_back(std::move(rows_[i].verdict));
    } else {
      all.push_back({i, Outcome::unknown, missing, {}});
    }
  }
  return all;
}

}  // namespace tailrace
