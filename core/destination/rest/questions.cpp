#include "destination/rest/questions.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "destination/rest/outcomes.hpp"
#include "destination/settle.hpp"
#include "row/ascii.hpp"
#include "wire/json_reader.hpp"

namespace tailrace::rest {
namespace {

using nlohmann::json;

[[nodiscard]] Call question_call(wire::Request request, std::size_t tag) {
  Call call;
  call.effect = Effect::none;
  call.tag = static_cast<int>(tag);
  call.request = std::move(request);
  return call;
}

[[nodiscard]] ReadStep senseless(std::string_view what) {
  ReadStep step;
  step.stop = stop_for(Stop::Kind::quota, reason_of("unreadable_answer", what), {});
  return step;
}

/// A link of an answer, where it stays on this host: a path, in the form that requests have.
[[nodiscard]] std::optional<std::string> local_path(const std::string& link) {
  try {
    const Template checked = Template::of_path(link, "link");
    return checked.has_placeholder() ? std::nullopt : std::optional(link);
  } catch (const std::invalid_argument&) {
    return std::nullopt;
  }
}

/// Which of the values that were asked for an answer without their records calls absent. One that
/// is kept in another spelling is not; where an entry could be any of them, none is.
[[nodiscard]] std::vector<std::string> absent_of(std::span<const std::string> asked,
                                                 const std::vector<Record>& records,
                                                 const std::vector<std::string>& strays) {
  std::vector<std::string> absent;
  const auto spelt = [&strays](const std::string& match) {
    return std::any_of(strays.begin(), strays.end(), [&match](const std::string& stray) {
      return lowered(stray) == lowered(match);
    });
  };
  for (const std::string& match : asked) {
    const bool told = std::any_of(records.begin(), records.end(),
                                  [&match](const Record& one) { return one.match == match; });
    if (!told && !spelt(match)) absent.push_back(match);
  }
  return absent;
}

[[nodiscard]] bool is_a_spelling(const std::string& stray, std::span<const std::string> asked) {
  return std::any_of(asked.begin(), asked.end(), [&stray](const std::string& match) {
    return lowered(stray) == lowered(match);
  });
}

}  // namespace

std::vector<ReadAsk::Kind> Questions::kinds() const {
  std::vector<ReadAsk::Kind> kinds;
  if (declared_.read) kinds.push_back(ReadAsk::Kind::by_match);
  if (declared_.list) kinds.push_back(ReadAsk::Kind::all_ids);
  if (declared_.describe) kinds.push_back(ReadAsk::Kind::describe);
  if (declared_.describe && declared_.describe->makes) {
    kinds.push_back(ReadAsk::Kind::make_fields);
  }
  if (owner_) kinds.push_back(ReadAsk::Kind::account);
  return kinds;
}

const std::string& Questions::path_of(ReadAsk::Kind kind) const {
  if (kind == ReadAsk::Kind::describe) return declared_.describe->path;
  return kind == ReadAsk::Kind::account ? owner_->path : declared_.list->path;
}

ReadStep Questions::first(const ReadAsk& ask) const {
  if (ask.kind == ReadAsk::Kind::by_match) return ask_by_match(ask);
  ReadStep step;
  if (ask.kind == ReadAsk::Kind::make_fields) return step;  // the first rows make them
  step.calls.push_back(question_call(question_at(path_of(ask.kind)), 0));
  return step;
}

/// A call's tag is the place of the first value that it asks for.
ReadStep Questions::ask_by_match(const ReadAsk& ask) const {
  const ReadForm& form = *declared_.read;
  ReadStep step;
  for (std::size_t i = 0; i < ask.match.size(); i += form.asking.batch_rows) {
    const std::size_t end = std::min(ask.match.size(), i + form.asking.batch_rows);
    const std::vector<std::string_view> matches(
        ask.match.begin() + static_cast<std::ptrdiff_t>(i),
        ask.match.begin() + static_cast<std::ptrdiff_t>(end));
    const bool nowhere =
        !form.asking.has_body && !form.asking.path.refuses({{}, matches.front()}).empty();
    if (nowhere) continue;  // no such request, so nothing is known
    step.calls.push_back(question_call(question_for(form.asking, matches), i));
    if (!form.rates.empty()) step.calls.back().rate_class = kReadClass;
  }
  return step;
}

ReadStep Questions::next(const ReadAsk& ask, const Call& call, const wire::Reply& reply) const {
  std::span<const std::string> asked;
  if (ask.kind == ReadAsk::Kind::by_match) {
    const auto place = static_cast<std::size_t>(call.tag);
    if (place >= ask.match.size()) throw std::logic_error("rest: a call of another question");
    asked = std::span(ask.match).subspan(place);
    asked = asked.first(std::min(asked.size(), declared_.read->asking.batch_rows));
  }
  const Judgement judgement = answers_.judge(reply);
  const bool gone = reply.failure == wire::Failure::none &&
                    (reply.status == 404 || reply.status == 410) && !wire::looks_like_html(reply);
  const bool one = !asked.empty() && !declared_.read->results;
  if (one && gone && judgement.means == AnswerClass::record) {
    ReadStep step;
    step.absent.push_back(asked.front());
    return step;
  }
  if (judgement.means != AnswerClass::ok) return end_question({judgement, refusal_reason(reply)});
  const auto body = wire::read_json(reply);
  if (!body) return senseless("an answer whose body is not whole JSON");
  if (ask.kind == ReadAsk::Kind::describe) return read_fields(*body);
  if (ask.kind == ReadAsk::Kind::account) return read_account(*body);
  return asked.empty() ? read_page(call, *body) : read_records(asked, *body);
}

ReadStep Questions::read_fields(const json& body) const {
  auto fields = fields_of(*declared_.describe, body, match_field_);
  if (!fields) return senseless("an answer without the fields");
  ReadStep step;
  step.fields = std::move(*fields);
  return step;
}

ReadStep Questions::read_account(const json& body) const {
  ReadStep step;
  step.account = wire::text_at(body, owner_->id);
  if (step.account.empty()) return senseless("an answer that names no account");
  return step;
}

ReadStep Questions::read_records(std::span<const std::string> asked, const json& body) const {
  return declared_.read->results ? read_several(asked, body) : read_one(asked.front(), body);
}

ReadStep Questions::read_one(const std::string& asked, const json& body) const {
  const ReadForm& form = *declared_.read;
  ReadStep step;
  if (form.empty_is_absent && body.is_object() && body.empty()) {
    step.absent.push_back(asked);
    return step;
  }
  auto record = record_of(body, form.record, match_field_, fields_);
  if (!record) return senseless("an answer without the record");
  // What says no with status 200 is an object too, and no record.
  if (record->match.empty() && record->fields.empty()) {
    return senseless("an answer with no field of the record");
  }
  // The address names the record, so that the match value need not stand in it again; where it
  // does, another one is another record.
  if (record->match.empty()) record->match = asked;
  if (record->match == asked) step.records.push_back(std::move(*record));
  return step;
}

ReadStep Questions::read_several(std::span<const std::string> asked, const json& body) const {
  const ReadForm& form = *declared_.read;
  const json* list = wire::at_path(body, *form.results);
  if (list == nullptr || !list->is_array()) return senseless("an answer without the list");
  ReadStep step;
  std::vector<std::string> strays;
  for (const json& entry : *list) {
    auto record = record_of(entry, form.record, match_field_, fields_);
    if (!record || record->match.empty()) {
      return senseless("a list with an entry that is no record with a match value");
    }
    if (is_one_of(record->match, asked)) {
      step.records.push_back(std::move(*record));
    } else {
      strays.push_back(std::move(record->match));
    }
  }
  const json* more = form.cut.empty() ? nullptr : wire::at_path(body, form.cut);
  const bool whole = more == nullptr || more->is_null();
  const bool known = std::all_of(strays.begin(), strays.end(), [asked](const std::string& stray) {
    return is_a_spelling(stray, asked);
  });
  if (whole && known) step.absent = absent_of(asked, step.records, strays);
  return step;
}

ReadStep Questions::read_page(const Call& call, const json& body) const {
  const ListForm& form = *declared_.list;
  const json* list = wire::at_path(body, form.results);
  if (list == nullptr || !list->is_array()) return senseless("an answer without the list");
  ReadStep step;
  for (const json& entry : *list) {
    auto record = record_of(entry, form.record, match_field_, fields_);
    if (!record) return senseless("a list with an entry that is no record");
    step.records.push_back(std::move(*record));
  }
  const std::optional<std::string> address = next_page(body);
  if (!address) return senseless("a next page that is no path of this address");
  if (address->empty()) return step;
  Call next = question_call(question_at(*address), 0);
  const bool same =
      next.request.path == call.request.path && next.request.query == call.request.query;
  if (same) return senseless("a page that leads to itself");
  step.calls.push_back(std::move(next));
  return step;
}

std::optional<std::string> Questions::next_page(const json& body) const {
  const ListForm& form = *declared_.list;
  const bool by_cursor = !form.cursor.empty();
  if (!by_cursor && form.link.empty()) return std::string();
  const json* next = wire::at_path(body, by_cursor ? form.cursor : form.link);
  if (next == nullptr || next->is_null()) return std::string();
  if (next->is_structured()) return std::nullopt;
  const std::string text = wire::scalar_text(*next);
  if (text.empty()) return std::string();
  if (!by_cursor) return local_path(text);
  std::string address = form.path;
  address.push_back(address.find('?') == std::string::npos ? '?' : '&');
  wire::append_percent_encoded(address, form.parameter);
  address.push_back('=');
  wire::append_percent_encoded(address, text);
  return address;
}

}  // namespace tailrace::rest
