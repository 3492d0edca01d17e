#include "destination/rest/outcomes.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "destination/rest/template.hpp"
#include "wire/json_reader.hpp"
#include "wire/utf8.hpp"

namespace tailrace::rest {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 8> kAcceptedWords{
    "ok", "success", "succeeded", "created", "updated", "accepted", "upserted", "unchanged"};
constexpr std::array<std::string_view, 7> kRejectedWords{
    "error", "failed", "failure", "rejected", "invalid", "conflict", "fail"};

[[nodiscard]] std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

// Of an entry's status alone: a code such as "missing" is as often about a field.
constexpr std::array<std::string_view, 3> kMissingWords{"404", "410", "not_found"};
constexpr std::array<std::string_view, 3> kExistsWords{"exists", "already_exists", "duplicate"};

template <std::size_t n>
[[nodiscard]] bool is_one_of(const std::string& text,
                             const std::array<std::string_view, n>& words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

[[nodiscard]] Outcome outcome_of_status(int status) {
  if (status >= 200 && status <= 299) return Outcome::accepted;
  if (status == 425 || status == 429) return Outcome::retryable;
  if (status == 408) return Outcome::unknown;
  return status >= 400 && status <= 499 ? Outcome::rejected : Outcome::unknown;
}

/// What one entry's status says: an HTTP status as number or text, a boolean, or a word.
[[nodiscard]] Outcome outcome_of(const json& status) {
  if (status.is_boolean()) return status.get<bool>() ? Outcome::accepted : Outcome::rejected;
  const std::string text = lower(wire::scalar_text(status));
  int number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec == std::errc{} && read.ptr == text.data() + text.size()) {
    return outcome_of_status(number);
  }
  if (is_one_of(text, kAcceptedWords)) return Outcome::accepted;
  return is_one_of(text, kRejectedWords) ? Outcome::rejected : Outcome::unknown;
}

/// Finds the row that an entry of the answer speaks of.
class RowFinder {
 public:
  RowFinder(const ResultsForm& form, const Batch& batch, const std::vector<RowIndex>& rows)
      : form_(form), batch_(batch), rows_(rows) {}

  /// The place in the request, by key or index. Where an entry has both they must agree.
  [[nodiscard]] std::optional<std::size_t> find(const json& entry) {
    const auto by_key = find_key(entry);
    const auto by_index = find_index(entry);
    const bool has_key = !form_.key.empty() && wire::at_path(entry, form_.key) != nullptr;
    if (has_key && (!by_key || (by_index && *by_index != *by_key))) return std::nullopt;
    return has_key ? by_key : by_index;
  }

 private:
  static constexpr std::size_t kSeveral = static_cast<std::size_t>(-1);

  /// Most answers name no row at all: the table is made when one does.
  void learn() {
    for (std::size_t place = 0; place < rows_.size(); ++place) {
      const BatchRow& row = batch_.rows[rows_[place]];
      const std::string key = key_form(row.key);
      add(std::string(row.match), place);
      if (key != row.match) add(key, place);
    }
  }

  void add(std::string text, std::size_t place) {
    const auto [found, added] = places_.emplace(std::move(text), place);
    if (!added && found->second != place) found->second = kSeveral;
  }

  [[nodiscard]] std::optional<std::size_t> find_key(const json& entry) {
    const json* key = form_.key.empty() ? nullptr : wire::at_path(entry, form_.key);
    if (key == nullptr) return std::nullopt;
    if (places_.empty()) learn();
    const auto found = places_.find(wire::scalar_text(*key));
    if (found == places_.end() || found->second == kSeveral) return std::nullopt;
    return found->second;
  }

  [[nodiscard]] std::optional<std::size_t> find_index(const json& entry) const {
    const json* index = form_.index.empty() ? nullptr : wire::at_path(entry, form_.index);
    if (index == nullptr) return std::nullopt;
    const std::string text = wire::scalar_text(*index);
    std::size_t place = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), place);
    const bool whole = read.ec == std::errc{} && read.ptr == text.data() + text.size();
    if (!whole || place >= rows_.size()) return std::nullopt;
    return place;
  }

  const ResultsForm& form_;
  const Batch& batch_;
  const std::vector<RowIndex>& rows_;
  std::unordered_map<std::string, std::size_t> places_;
};

[[nodiscard]] bool any_of_declared(const std::vector<std::string>& texts,
                                   const std::vector<std::string>& declared) {
  return std::any_of(texts.begin(), texts.end(), [&](const std::string& text) {
    return std::any_of(declared.begin(), declared.end(),
                       [&](const std::string& one) { return lower(one) == lower(text); });
  });
}

[[nodiscard]] Verdict verdict_of(const ResultsForm& form, const RowWords& words, const json& entry,
                                 Outcome outcome) {
  Verdict verdict;
  verdict.outcome = outcome;
  if (!form.id.empty()) verdict.destination_id = wire::text_at(entry, form.id);
  const std::string status = form.status.empty() ? "" : wire::text_at(entry, form.status);
  const std::string code = form.code.empty() ? "" : wire::text_at(entry, form.code);
  const bool missing = words.say_missing({status, code}) ||
                       (seeks(words.operation) && is_one_of(lower(status), kMissingWords));
  const bool exists = words.say_exists({status, code}) || (words.operation == Operation::insert &&
                                                           is_one_of(lower(status), kExistsWords));
  if (outcome == Outcome::accepted && !missing && !exists) return verdict;
  verdict.reason = reason_of(!code.empty()     ? code
                             : !status.empty() ? status
                                               : "refused",
                             form.message.empty() ? "" : wire::text_at(entry, form.message),
                             form.field.empty() ? "" : wire::text_at(entry, form.field));
  if (missing) return missing_verdict(0, words.operation, verdict.reason);
  if (exists) verdict.outcome = Outcome::rejected;
  verdict.reason.transient = verdict.outcome == Outcome::retryable;
  return verdict;
}

[[nodiscard]] bool says_failure(const json& body) {
  for (const char* name : {"success", "ok"}) {
    const json* flag = wire::member(body, name);
    if (flag != nullptr && flag->is_boolean() && !flag->get<bool>()) return true;
  }
  for (const char* name : {"error", "errors"}) {
    const json* value = wire::member(body, name);
    if (value == nullptr || value->is_null()) continue;
    const bool quiet = value->empty() || *value == false || *value == 0 || *value == "";
    if (!quiet) return true;
  }
  const json* status = wire::member(body, "status");
  return status != nullptr && status->is_string() &&
         is_one_of(lower(status->get<std::string>()), kRejectedWords);
}

[[nodiscard]] std::size_t count_refused(const Evidence& evidence) {
  return evidence.size() - evidence.open().size();
}

/// The number of accepted rows, where the answer is declared to tell it, must be what is left.
[[nodiscard]] bool count_agrees(const ResultsForm& form, const json& body,
                                const Evidence& refused) {
  if (form.count.empty()) return true;
  const std::size_t accepted = refused.size() - count_refused(refused);
  return wire::text_at(body, form.count) == std::to_string(accepted);
}

[[nodiscard]] Evidence read_errors(const ResultsForm& form, const RowWords& words, const json& body,
                                   const json* list, RowFinder& finder, std::size_t rows) {
  Evidence evidence(rows);
  bool all_placed = true;
  if (list != nullptr) {
    for (const json& entry : *list) {
      const auto place = finder.find(entry);
      if (!place) {
        all_placed = false;
        continue;
      }
      const json* status = form.status.empty() ? nullptr : wire::at_path(entry, form.status);
      // An entry of a list of errors is a refusal, unless its status says that it is none.
      const Outcome outcome =
          status == nullptr || status->is_null() ? Outcome::rejected : outcome_of(*status);
      Verdict verdict = verdict_of(form, words, entry, outcome);
      verdict.row = static_cast<RowIndex>(*place);
      evidence.add(std::move(verdict));
    }
  }
  if (!all_placed || !count_agrees(form, body, evidence)) return evidence;
  for (const RowIndex place : evidence.open()) {
    evidence.add({place, Outcome::accepted, {}, {}});
  }
  return evidence;
}

[[nodiscard]] Evidence read_list(const ResultsForm& form, const RowWords& words, const json& list,
                                 RowFinder& finder, std::size_t rows) {
  Evidence evidence(rows);
  const bool in_order = form.key.empty() && form.index.empty();
  if (in_order && list.size() != rows) return evidence;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto place = in_order ? std::optional<std::size_t>(i) : finder.find(list[i]);
    const json* status = wire::at_path(list[i], form.status);
    if (!place) continue;
    Verdict verdict = verdict_of(form, words, list[i],
                                 status == nullptr ? Outcome::unknown : outcome_of(*status));
    verdict.row = static_cast<RowIndex>(*place);
    evidence.add(std::move(verdict));
  }
  return evidence;
}

[[nodiscard]] Evidence read_evidence(const ResultsForm& form, const RowWords& words,
                                     const wire::Reply& reply, RowFinder& finder,
                                     std::size_t rows) {
  const auto body = wire::read_json(reply);
  if (!body) return Evidence(rows);
  const json* list = wire::at_path(*body, form.path);
  const bool there = list != nullptr && list->is_array();
  if (form.kind == ResultsForm::Kind::list) {
    return there ? read_list(form, words, *list, finder, rows) : Evidence(rows);
  }
  if (there) return read_errors(form, words, *body, list, finder, rows);
  const bool may_be_absent = form.optional && body->is_object() && !says_failure(*body) &&
                             (list == nullptr || list->is_null());
  return may_be_absent ? read_errors(form, words, *body, nullptr, finder, rows) : Evidence(rows);
}

[[nodiscard]] bool may_be_empty(int status) {
  return status == 201 || status == 202 || status == 204 || status == 205;
}

[[nodiscard]] bool claims_json(const wire::Reply& reply) {
  const std::string type = lower(std::string(reply.header("content-type")));
  const std::string_view body = wire::trimmed(reply.body);
  const bool unnamed = type.empty() && (body.starts_with('{') || body.starts_with('['));
  return unnamed || type.find("json") != std::string::npos;
}

}  // namespace

bool RowWords::say_missing(const std::vector<std::string>& texts) const {
  return seeks(operation) && any_of_declared(texts, endpoint->missing);
}

bool RowWords::say_exists(const std::vector<std::string>& texts) const {
  return operation == Operation::insert && any_of_declared(texts, endpoint->exists);
}

Verdict missing_verdict(RowIndex row, Operation operation, const Reason& said) {
  const bool skipped = operation == Operation::update;
  Reason reason = said;
  if (skipped) reason.code = kMissing;
  return {row, skipped ? Outcome::skipped : Outcome::accepted, std::move(reason), {}};
}

bool seeks(Operation operation) {
  return operation != Operation::upsert && operation != Operation::insert;
}

std::vector<std::string> texts_of(const wire::Reply& reply) {
  std::vector<std::string> texts{std::to_string(reply.status)};
  const auto body = wire::read_json(reply);
  if (!body) return texts;
  for (const char* path :
       {"code", "error", "error.code", "errorCode", "error_code", "type", "status"}) {
    texts.push_back(wire::text_at(*body, path));
  }
  std::erase(texts, "");
  return texts;
}

std::vector<Verdict> read_results(const Endpoint& endpoint, const wire::Reply& reply,
                                  const Batch& batch, const std::vector<RowIndex>& rows) {
  const ResultsForm& form = *endpoint.results;
  RowFinder finder(form, batch, rows);
  const Reason missing =
      reason_of("not_in_answer", "the answer does not say what became of the row");
  std::vector<Verdict> verdicts =
      read_evidence(form, {batch.operation, &endpoint}, reply, finder, rows.size())
          .verdicts(missing);
  for (Verdict& verdict : verdicts) verdict.row = rows[verdict.row];
  return verdicts;
}

Reason implausible(AnswerForm form, const wire::Reply& reply) {
  if (form == AnswerForm::any) return {};
  if (wire::looks_like_html(reply)) {
    return reason_of("html_answer", "a page for people came where an API's answer is due");
  }
  const bool empty = wire::trimmed(reply.body).empty();
  if (empty) {
    if (form == AnswerForm::plausible && may_be_empty(reply.status)) return {};
    return reason_of("empty_answer",
                     "a success without a body proves little; if this API answers so, declare "
                     "`answer: any`");
  }
  if (form == AnswerForm::plausible && !claims_json(reply)) return {};
  const auto body = wire::read_json(reply);
  if (!body) return reason_of("unreadable_answer", "a success whose body is not whole JSON");
  if (says_failure(*body)) {
    Reason reason = refusal_reason(reply);
    reason.code = "failure_in_success";
    return reason;
  }
  return {};
}

Reason refusal_reason(const wire::Reply& reply) {
  Reason reason = reason_of(reply);
  if (reply.failure != wire::Failure::none) return reason;
  const auto body = wire::read_json(reply);
  if (!body || !body->is_object()) return reason;
  const json* nested = wire::member(*body, "error");
  const json& error = nested != nullptr && nested->is_object() ? *nested : *body;
  const auto first_text = [&error](std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) {
      std::string text = wire::text_at(error, name);
      if (!text.empty()) return text;
    }
    return std::string();
  };
  const std::string code = first_text({"code", "errorCode", "error_code", "type"});
  const std::string message =
      first_text({"message", "detail", "error_description", "title", "error"});
  const std::string field = first_text({"field", "param", "property"});
  return reason_of(code.empty() ? reason.code : code, message.empty() ? reason.message : message,
                   field);
}

}  // namespace tailrace::rest
