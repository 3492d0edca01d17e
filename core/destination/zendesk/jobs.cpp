#include "destination/zendesk/jobs.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "destination/zendesk/answer.hpp"
#include "destination/zendesk/facts.hpp"
#include "row/ascii.hpp"
#include "wire/json_reader.hpp"

namespace tailrace::zendesk {
namespace {

using nlohmann::json;

constexpr std::string_view kNoJob = "-";

/// Ids of jobs stand in addresses and memos.
[[nodiscard]] bool is_job_id(std::string_view text) {
  constexpr std::size_t kLongest = 200;
  const auto plain = [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; };
  return !text.empty() && text != kNoJob && text.size() <= kLongest &&
         std::all_of(text.begin(), text.end(), plain);
}

template <typename Number>
[[nodiscard]] bool read_number(std::string_view text, Number& number) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc{} && read.ptr == text.data() + text.size();
}

[[nodiscard]] std::string_view next_word(std::string_view& text) {
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(text.size(), word.size() + 1));
  return word;
}

[[nodiscard]] bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// What a job's result says of the row in its place.
class Item {
 public:
  Item(const Target& target, const Batch& batch, const json& item)
      : target_(target), batch_(batch), item_(item) {
    code_ = wire::text_at(item, "error");
    details_ = wire::text_at(item, "details");
    if (details_.empty()) details_ = wire::text_at(item, "message");
  }

  [[nodiscard]] Verdict verdict(RowIndex row, const std::string& known_id,
                                std::size_t place) const {
    const std::string status = wire::text_at(item_, "status");
    const json* success = wire::member(item_, "success");
    const bool refused = success != nullptr && success->is_boolean() && !success->get<bool>();
    if (!code_.empty() || status == kItemFailed || refused) return failed(row, place);
    const bool done = is_one_of(status, kItemDone) ||
                      (status.empty() && success != nullptr && success->is_boolean());
    if (!done) return unknown(row, "unreadable_result", "a result that says neither yes nor no");
    const std::string id = wire::text_at(item_, "id");
    if (!is_this_record(row, known_id, id) || !is_in_place(place)) {
      return unknown(row, "contradictory", "the result is another record's");
    }
    return {row, Outcome::accepted, {}, is_numeric_id(id) ? id : known_id};
  }

 private:
  [[nodiscard]] static Verdict unknown(RowIndex row, std::string_view code,
                                       std::string_view message) {
    return {row, Outcome::unknown, reason_of(code, message), {}};
  }

  [[nodiscard]] Verdict failed(RowIndex row, std::size_t place) const {
    if (!is_in_place(place)) return unknown(row, "contradictory", "the result is another row's");
    Verdict verdict{row, Outcome::rejected, reason(), {}};
    const auto in_words = [&](std::string_view part) {
      return holds(code_, part) || holds(details_, part);
    };
    if (std::any_of(kGone.begin(), kGone.end(), in_words)) {
      take_gone(verdict);
    } else if (made_meanwhile()) {
      verdict.outcome = Outcome::retryable;  // it is found now, and updated
      verdict.reason.transient = true;
    }
    return verdict;
  }

  /// The record was there when it was looked up, and is gone, or there never was one of this id.
  void take_gone(Verdict& verdict) const {
    switch (batch_.operation) {
      case Operation::update:
        verdict.outcome = Outcome::skipped;
        verdict.reason.code = kMissing;
        return;
      case Operation::delete_:
      case Operation::archive:
      case Operation::clear: verdict.outcome = Outcome::accepted; return;
      case Operation::upsert:
        verdict.outcome = Outcome::retryable;
        verdict.reason.transient = true;
        return;
      case Operation::insert: return;
    }
  }

  /// Somebody else has made the record since it was looked for. Another record of the same name is
  /// no reason to look again.
  [[nodiscard]] bool made_meanwhile() const {
    if (batch_.operation != Operation::upsert || target_.kind != Kind::organizations) return false;
    const bool duplicate = code_ == kDuplicate || holds(details_, kTaken);
    return duplicate && (holds(details_, kExternalTaken) || !holds(details_, kNameTaken));
  }

  [[nodiscard]] Reason reason() const {
    const std::string code = code_.empty() ? std::string(kItemFailed) : code_;
    return reason_of(code, details_, wire::text_at(item_, "field"));
  }

  [[nodiscard]] bool is_in_place(std::size_t place) const {
    const std::string index = wire::text_at(item_, "index");
    return index.empty() || index == std::to_string(place);
  }

  [[nodiscard]] bool is_this_record(RowIndex row, const std::string& known_id,
                                    const std::string& id) const {
    if (!known_id.empty() && !id.empty() && id != known_id) return false;
    const std::string match = wire::text_at(item_, target_.match);
    if (target_.by != Match::external_id && target_.by != Match::email) return true;
    return match.empty() || target_.compared(match) == target_.compared(batch_.rows[row].match);
  }

  const Target& target_;
  const Batch& batch_;
  const json& item_;
  std::string code_;
  std::string details_;
};

[[nodiscard]] Step all_unknown(const Sent& sent, std::string_view code, std::string_view message) {
  Step step;
  give_all(step, sent.indexes(), Outcome::unknown, reason_of(code, message));
  return step;
}

/// Results are in the order in which the rows were sent.
[[nodiscard]] Step read_results(const Target& target, const Batch& batch, const Sent& sent,
                                const json& job) {
  const json* results = wire::member(job, "results");
  const std::string said = wire::text_at(job, "status");
  if (results == nullptr || !results->is_array()) {
    const std::string message = wire::text_at(job, "message");
    return all_unknown(sent, "job_" + said, message.empty() ? "it tells of no row" : message);
  }
  if (results->size() > sent.rows.size()) {
    return all_unknown(sent, "contradictory", "the job tells of more rows than were sent");
  }
  Step step;
  for (std::size_t place = 0; place < sent.rows.size(); ++place) {
    const auto& [row, id] = sent.rows[place];
    if (place >= results->size()) {
      step.verdicts.push_back(
          {row, Outcome::unknown, reason_of("not_in_results", "the job does not tell of it"), {}});
      continue;
    }
    step.verdicts.push_back(Item(target, batch, (*results)[place]).verdict(row, id, place));
  }
  return step;
}

[[nodiscard]] Step still_in_job(const Sent& sent) {
  Step step;
  step.in_job = true;
  step.memo = to_memo(sent);
  return step;
}

/// Kept for a day by Zendesk's word, for an hour or a hundred jobs by its users'.
[[nodiscard]] Step read_missing(Sent sent) {
  if (++sent.misses < kJobMisses) return still_in_job(sent);
  return all_unknown(sent, "job_gone", "Zendesk no longer knows the job " + sent.job);
}

[[nodiscard]] Step read_job(const Target& target, const JobBatch& one,
                            const std::unordered_map<std::string, const json*>& jobs) {
  std::optional<Sent> sent = from_memo(*one.memo);
  if (!sent || std::any_of(sent->rows.begin(), sent->rows.end(),
                           [&](const auto& row) { return row.first >= one.batch.rows.size(); })) {
    Step step;
    give_all(step, all_rows(one.batch), Outcome::unknown, unreadable_answer());
    return step;
  }
  const auto found = jobs.find(sent->job);
  if (found == jobs.end()) return read_missing(std::move(*sent));
  const std::string status = wire::text_at(*found->second, "status");
  if (is_one_of(status, kUnderWay)) {
    sent->misses = 0;
    return still_in_job(*sent);
  }
  if (status == kCompleted || is_one_of(status, kBroken)) {
    return read_results(target, one.batch, *sent, *found->second);
  }
  return all_unknown(*sent, "unreadable_answer", "a job in a state that is not Zendesk's");
}

/// Jobs by id; of one that is told of twice nothing is known. nullopt: not an answer.
[[nodiscard]] std::optional<std::unordered_map<std::string, const json*>> jobs_in(
    const json& body) {
  const json* list = wire::member(body, "job_statuses");
  if (list == nullptr || !list->is_array()) return std::nullopt;
  static const json kTwice = {{"status", "told of twice"}};
  std::unordered_map<std::string, const json*> jobs;
  for (const json& job : *list) {
    const auto [at, is_new] = jobs.emplace(wire::text_at(job, "id"), &job);
    if (!is_new) at->second = &kTwice;
  }
  return jobs;
}

}  // namespace

std::vector<RowIndex> Sent::indexes() const {
  std::vector<RowIndex> indexes;
  for (const auto& [row, id] : rows) indexes.push_back(row);
  return indexes;
}

Memo to_memo(const Sent& sent) {
  Memo memo = sent.job.empty() ? std::string(kNoJob) : sent.job;
  memo.append(" ").append(std::to_string(sent.misses));
  for (const auto& [row, id] : sent.rows) {
    memo.append(" ").append(std::to_string(row));
    if (!id.empty()) memo.append(":").append(id);
  }
  return memo;
}

std::optional<Sent> from_memo(std::string_view memo) {
  Sent sent;
  const std::string_view job = next_word(memo);
  if (job != kNoJob && !is_job_id(job)) return std::nullopt;
  if (job != kNoJob) sent.job = job;
  if (!read_number(next_word(memo), sent.misses)) return std::nullopt;
  while (!memo.empty()) {
    const std::string_view word = next_word(memo);
    const std::size_t colon = word.find(':');
    RowIndex row = 0;
    if (!read_number(word.substr(0, colon), row)) return std::nullopt;
    const bool has_id = colon != std::string_view::npos;
    sent.rows.emplace_back(row, has_id ? std::string(word.substr(colon + 1)) : std::string());
  }
  return sent;
}

Step read_queued(const Batch& batch, Sent sent, const wire::Reply& reply) {
  const Refusal refusal = judge(reply);
  if (refusal.judgement.means != AnswerClass::ok) {
    Step step = settle_refusal(refusal, sent.indexes(), batch.operation);
    step.jobs_full = says_jobs_full(reply, refusal);
    return step;
  }
  const auto body = wire::read_json(reply);
  const std::string job = body ? wire::text_at(*body, "job_status.id") : std::string();
  if (!is_job_id(job)) {
    Step step;
    give_all(step, sent.indexes(), Outcome::unknown, unreadable_answer());
    return step;
  }
  sent.job = job;
  return still_in_job(sent);
}

Step resume_job(const Batch& batch, const Memo& memo) {
  std::optional<Sent> sent = from_memo(memo);
  if (!sent || sent->job.empty() || sent->rows.size() != batch.rows.size()) {
    Step step;
    give_all(step, all_rows(batch), Outcome::unknown,
             reason_of("interrupted", "the run ended before the answer was read"));
    return step;
  }
  // Rows of the batch that were not sent are none of this one.
  for (RowIndex i = 0; i < sent->rows.size(); ++i) sent->rows[i].first = i;
  sent->misses = 0;
  return still_in_job(*sent);
}

Call ask_for_jobs(std::span<const JobBatch> batches) {
  Call call;
  call.effect = Effect::none;
  call.request.method = wire::Method::get;
  call.request.path = kShowJobs;
  call.request.query = "ids=";
  bool first = true;
  for (const JobBatch& one : batches) {
    const std::optional<Sent> sent = from_memo(*one.memo);
    if (!sent || sent->job.empty()) continue;
    if (!std::exchange(first, false)) call.request.query += ',';
    call.request.query += sent->job;
  }
  return call;
}

Polled read_jobs(const Target& target, std::span<const JobBatch> batches,
                 const wire::Reply& reply) {
  Polled said;
  const Refusal refusal = judge(reply);
  const bool in_its_words = !refusal.reason.code.starts_with("http_");
  const bool none_known =
      reply.failure == wire::Failure::none && reply.status == 404 && in_its_words;
  std::optional<json> body;
  std::optional<std::unordered_map<std::string, const json*>> jobs;
  if (refusal.judgement.means == AnswerClass::ok) {
    body = wire::read_json(reply);
    if (body) jobs = jobs_in(*body);
  } else if (none_known) {
    jobs.emplace();
  } else {
    said.common = settle_refusal(refusal, {}, Operation::update);
    said.common.regroup.clear();
  }
  said.common.hint = hint_of(reply);
  for (const JobBatch& one : batches) {
    Step step;
    if (jobs) {
      step = read_job(target, one, *jobs);
    } else {
      step.in_job = true;
    }
    said.steps.push_back(std::move(step));
  }
  return said;
}

}  // namespace tailrace::zendesk
