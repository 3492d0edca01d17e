#include "destination/rest/results.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "destination/rest/outcomes.hpp"
#include "destination/rest/template.hpp"
#include "destination/settle.hpp"
#include "row/ascii.hpp"
#include "wire/json_reader.hpp"

namespace tailrace::rest {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 8> kAcceptedWords{
    "ok", "success", "succeeded", "created", "updated", "accepted", "upserted", "unchanged"};
// Of an entry's status alone: a code such as "missing" is as often about a field.
constexpr std::array<std::string_view, 3> kMissingWords{"404", "410", "not_found"};
constexpr std::array<std::string_view, 3> kExistsWords{"exists", "already_exists", "duplicate"};

[[nodiscard]] Outcome outcome_of_status(int status) {
  if (status >= 200 && status <= 299) return Outcome::accepted;
  if (status == 425 || status == 429) return Outcome::retryable;
  if (status == 408) return Outcome::unknown;
  return status >= 400 && status <= 499 ? Outcome::rejected : Outcome::unknown;
}

/// What one entry's status says: an HTTP status as number or text, a boolean, or a word.
[[nodiscard]] Outcome outcome_of(const json& status) {
  if (status.is_boolean()) return status.get<bool>() ? Outcome::accepted : Outcome::rejected;
  const std::string text = lowered(wire::scalar_text(status));
  int number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec == std::errc{} && read.ptr == text.data() + text.size()) {
    return outcome_of_status(number);
  }
  if (is_one_of(text, kAcceptedWords)) return Outcome::accepted;
  return is_rejection(text) ? Outcome::rejected : Outcome::unknown;
}

/// Finds the row that an entry of the answer speaks of.
class RowFinder {
 public:
  RowFinder(const ResultsForm& form, const Batch& batch, const std::vector<RowIndex>& rows)
      : form_(form), batch_(batch), rows_(rows) {}

  /// The place in the request of a match value or a key.
  [[nodiscard]] std::optional<std::size_t> find_name(const std::string& name) {
    if (places_.empty()) learn();
    const auto found = places_.find(name);
    if (found == places_.end() || found->second == kSeveral) return std::nullopt;
    return found->second;
  }

  /// The place in the request, by key or index. Where an entry has both they must agree.
  [[nodiscard]] std::optional<std::size_t> find(const json& entry) {
    if (entry.is_string()) return find_index_word(entry.get_ref<const std::string&>());
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
    return key == nullptr ? std::nullopt : find_name(wire::scalar_text(*key));
  }

  [[nodiscard]] std::optional<std::size_t> find_index(const json& entry) const {
    const json* index = form_.index.empty() ? nullptr : wire::at_path(entry, form_.index);
    if (index == nullptr) return std::nullopt;
    return place_of_digits(wire::scalar_text(*index));
  }

  /// The number after the one mention of the word; two mentions could mean two rows.
  [[nodiscard]] std::optional<std::size_t> find_index_word(std::string_view text) const {
    const std::string& word = form_.index_word;
    const std::size_t at = word.empty() ? std::string::npos : text.find(word);
    if (at == std::string::npos || text.find(word, at + 1) != std::string::npos) {
      return std::nullopt;
    }
    text.remove_prefix(at + word.size());
    const std::size_t from = text.find_first_not_of(" :=");
    if (from == std::string::npos) return std::nullopt;
    text.remove_prefix(from);
    return place_of_digits(text.substr(0, text.find_first_not_of("0123456789")));
  }

  [[nodiscard]] std::optional<std::size_t> place_of_digits(std::string_view text) const {
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

[[nodiscard]] Verdict verdict_of(const ResultsForm& form, const RowWords& words, const json& entry,
                                 Outcome outcome) {
  Verdict verdict;
  verdict.outcome = outcome;
  if (entry.is_string()) {
    verdict.reason = reason_of("refused", entry.get_ref<const std::string&>());
    return verdict;
  }
  if (!form.id.empty()) verdict.destination_id = wire::text_at(entry, form.id);
  const std::string status = form.status.empty() ? "" : wire::text_at(entry, form.status);
  const std::string code = form.code.empty() ? "" : wire::text_at(entry, form.code);
  const bool missing = words.say_missing({status, code}) ||
                       (seeks(words.operation) && is_one_of(lowered(status), kMissingWords));
  const bool exists =
      words.say_exists({status, code}) ||
      (words.operation == Operation::insert && is_one_of(lowered(status), kExistsWords));
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

/// Refuses every row that a list of names has; the list's own name is the reason.
void take_names(Evidence& evidence, std::string_view list_name, const json& list,
                RowFinder& finder) {
  for (const json& name : list) {
    const auto place = finder.find_name(wire::scalar_text(name));
    if (!place) continue;
    Verdict verdict;
    verdict.row = static_cast<RowIndex>(*place);
    verdict.outcome = Outcome::rejected;
    verdict.reason = reason_of(list_name, "");
    evidence.add(std::move(verdict));
  }
}

[[nodiscard]] bool number_is(const json& body, const std::string& path, std::size_t number) {
  return path.empty() || wire::text_at(body, path) == std::to_string(number);
}

/// The rows that are not named were accepted where the numbers say so, and only there.
[[nodiscard]] Evidence read_names(const ResultsForm& form, const json& body, RowFinder& finder,
                                  std::size_t rows) {
  Evidence evidence(rows);
  for (const std::string& path : form.lists) {
    const json* lists = wire::at_path(body, path);
    if (lists == nullptr) continue;
    if (lists->is_array()) {
      take_names(evidence, path.substr(path.rfind('.') + 1), *lists, finder);
    } else if (lists->is_object()) {
      for (const auto& [name, list] : lists->items()) take_names(evidence, name, list, finder);
    }
  }
  const std::size_t refused = count_refused(evidence);
  const bool all_named =
      number_is(body, form.refused, refused) && count_agrees(form, body, evidence);
  if (!all_named) return evidence;
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
  if (form.kind == ResultsForm::Kind::names) return read_names(form, *body, finder, rows);
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

}  // namespace

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

}  // namespace tailrace::rest
