#include "destination/rest/answers.hpp"

#include <algorithm>
#include <string>
#include <string_view>

#include "destination/rest/outcomes.hpp"
#include "destination/rest/requests.hpp"
#include "destination/rest/results.hpp"
#include "destination/settle.hpp"
#include "wire/json_reader.hpp"

namespace tailrace::rest {
namespace {

using std::chrono_literals::operator""s;

/// How an API is read that nothing else was declared of: RFC 9110, and what APIs have in common.
/// A 503 is unknown even with Retry-After, and so is a 408: both come from gateways that may have
/// passed the request on.
constexpr std::array kStatuses{
    AnswerRule{200, 299, "", AnswerClass::ok},
    AnswerRule{400, 400, "", AnswerClass::record},
    AnswerRule{401, 401, "", AnswerClass::reauth},
    AnswerRule{402, 403, "", AnswerClass::terminal},
    AnswerRule{404, 404, "", AnswerClass::record},
    AnswerRule{405, 407, "", AnswerClass::terminal},
    AnswerRule{409, 410, "", AnswerClass::record},
    AnswerRule{411, 411, "", AnswerClass::terminal},
    AnswerRule{412, 412, "", AnswerClass::record},
    AnswerRule{413, 414, "", AnswerClass::split},
    AnswerRule{415, 415, "", AnswerClass::terminal},
    AnswerRule{422, 422, "", AnswerClass::record},
    AnswerRule{423, 423, "", AnswerClass::retry, 2s},
    AnswerRule{424, 424, "", AnswerClass::record},
    AnswerRule{425, 425, "", AnswerClass::retry, 1s},
    AnswerRule{426, 426, "", AnswerClass::terminal},
    AnswerRule{429, 429, "", AnswerClass::retry, 1s},
    AnswerRule{431, 431, "", AnswerClass::split},
    AnswerRule{500, 599, "", AnswerClass::unknown},
};

[[nodiscard]] std::string_view advice_for(int status) {
  if (status == 403) return "The login has no right to do this.";
  if (status == 404) return "Check the connection's base_url and the object's path.";
  if (status == 405 || status == 415) return "Check the object's declaration.";
  return {};
}

/// The answer says that the record is not there; of several rows, not which one it means.
[[nodiscard]] Step missing(Operation operation, const std::vector<RowIndex>& rows,
                           const Reason& reason) {
  if (rows.size() > 1) {
    return settle_refusal({{AnswerClass::record, {}}, reason}, rows, operation);
  }
  Step step;
  step.verdicts.push_back(missing_verdict(rows.front(), operation, reason));
  return step;
}

}  // namespace

Answers::Answers(const Declaration& declared) : declared_(declared), common_(declared.codes) {
  common_.insert(common_.end(), declared.statuses.begin(), declared.statuses.end());
  common_.insert(common_.end(), kStatuses.begin(), kStatuses.end());
  for (const Operation operation : kAllOperations) {
    const Endpoint* endpoint = declared.find(operation);
    if (endpoint == nullptr) continue;
    std::vector<AnswerRule>& rules = rules_[place_of(operation)];
    rules = declared.codes;
    rules.insert(rules.end(), endpoint->statuses.begin(), endpoint->statuses.end());
    rules.insert(rules.end(), common_.begin(), common_.end());
  }
}

Judgement Answers::judge(const wire::Reply& reply) const { return judge_by(common_, reply); }

Judgement Answers::judge(Operation operation, const wire::Reply& reply) const {
  return judge_by(rules_[place_of(operation)], reply);
}

Judgement Answers::judge_by(const std::vector<AnswerRule>& rules, const wire::Reply& reply) const {
  Judgement judgement = classify(rules, reply, code_of(declared_.code, reply));
  const bool marked = !declared_.success || judgement.means != AnswerClass::ok ||
                      unmarked(*declared_.success, reply).code.empty();
  if (!marked) judgement.means = AnswerClass::unknown;
  return judgement;
}

Step Answers::read(const Batch& batch, Operation operation, RowIndex first,
                   const wire::Reply& reply) const {
  const Endpoint& endpoint = declared_.at(operation);
  const std::vector<RowIndex> rows = rows_of(batch, endpoint, first);
  Judgement judgement = judge(operation, reply);
  const Said said = said_of(batch, operation, endpoint, judgement, reply);
  if (said == Said::missing) return missing(operation, rows, refusal_reason(reply));
  if (said == Said::exists) judgement.means = AnswerClass::record;
  if (said == Said::busy) judgement.means = AnswerClass::unknown;
  if (judgement.means == AnswerClass::ok) return read_success(batch, endpoint, rows, reply);
  const bool answered = reply.failure == wire::Failure::none;
  const bool not_there = answered && (reply.status == 404 || reply.status == 410) &&
                         judgement.means == AnswerClass::record;
  if (not_there && wire::looks_like_html(reply)) {
    // A page for people says nothing of a record; where records are made, it says that the
    // address is wrong.
    judgement.means = seeks(operation) ? AnswerClass::unknown : AnswerClass::terminal;
  } else if (not_there && seeks(operation) && endpoint.path.has_placeholder()) {
    return missing(operation, rows, refusal_reason(reply));
  }
  Reason reason = refusal_reason(reply);
  const std::string code = code_of(declared_.code, reply);
  if (!code.empty()) reason.code = reason_of(code, "").code;
  return settle_refusal({judgement, reason, advice_for(answered ? reply.status : 0)}, rows,
                        batch.operation);
}

bool Answers::say_exists(const Batch& batch, const wire::Reply& reply) const {
  const Endpoint& insert = declared_.at(Operation::insert);
  const Judgement judgement = judge(Operation::insert, reply);
  const bool conflict = reply.failure == wire::Failure::none && reply.status == 409 &&
                        judgement.means == AnswerClass::record;
  return conflict || said_of(batch, Operation::insert, insert, judgement, reply) == Said::exists;
}

/// Looks into the answer only where something is declared that could stand there.
Answers::Said Answers::said_of(const Batch& batch, Operation operation, const Endpoint& endpoint,
                               const Judgement& judgement, const wire::Reply& reply) const {
  const bool keyed = declared_.keyed(batch);
  const bool nothing_to_say = endpoint.missing.empty() && endpoint.exists.empty() && !keyed;
  if (nothing_to_say || reply.failure != wire::Failure::none || reply.status >= 500 ||
      wire::looks_like_html(reply)) {
    return Said::nothing;
  }
  std::vector<std::string> texts = texts_of(reply);
  texts.push_back(code_of(declared_.code, reply));
  const auto among = [&texts](const std::vector<std::string>& declared) {
    return std::any_of(texts.begin(), texts.end(), [&](const std::string& text) {
      return std::find(declared.begin(), declared.end(), text) != declared.end();
    });
  };
  // A first request under the same key is still worked on: this one says nothing.
  if (keyed && among(declared_.idempotency->busy)) return Said::busy;
  if (judgement.means == AnswerClass::ok && endpoint.results) return Said::nothing;
  const RowWords words{operation, &endpoint};
  if (words.say_missing(texts)) return Said::missing;
  return words.say_exists(texts) ? Said::exists : Said::nothing;
}

Step Answers::read_success(const Batch& batch, const Endpoint& endpoint,
                           const std::vector<RowIndex>& rows, const wire::Reply& reply) const {
  Step step;
  if (endpoint.results) {
    step.verdicts = read_results(endpoint, reply, batch, rows);
    return step;
  }
  // A status that is declared to mean acceptance needs no second opinion.
  const bool declared = reply.status < 200 || reply.status > 299;
  const Reason reason = declared ? Reason{} : implausible(declared_.answer, reply);
  give_all(step, rows, reason.code.empty() ? Outcome::accepted : Outcome::unknown, reason);
  return step;
}

}  // namespace tailrace::rest
