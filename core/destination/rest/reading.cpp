#include "destination/rest/reading.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "destination/rest/outcomes.hpp"
#include "destination/rest/settings.hpp"
#include "destination/settle.hpp"
#include "wire/json_reader.hpp"

namespace tailrace::rest {
namespace {

using nlohmann::json;

[[nodiscard]] Call get(std::string address, int tag) {
  Call call;
  call.effect = Effect::none;
  call.tag = tag;
  call.request.method = wire::Method::get;
  const std::size_t query = address.find('?');
  if (query != std::string::npos) {
    call.request.query = address.substr(query + 1);
    address.resize(query);
  }
  call.request.path = std::move(address);
  return call;
}

[[nodiscard]] ReadStep senseless(std::string_view what) {
  ReadStep step;
  step.stop = stop_for(Stop::Kind::quota, reason_of("unreadable_answer", what), {});
  return step;
}

/// A value as text; nothing where it is null.
[[nodiscard]] std::optional<std::string> text_of_value(const json& value) {
  if (value.is_null()) return std::nullopt;
  return value.is_structured() ? value.dump() : wire::scalar_text(value);
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

}  // namespace

std::optional<ReadForm> read_form(const json& settings, const std::string& where) {
  const Settings reader(settings, where, {"path", "results", "record", "match", "id", "all"});
  if (reader.given("path") == nullptr) {
    if (reader.given("all") == nullptr) reader.refuse("path", "is needed, or all");
    return std::nullopt;
  }
  ReadForm form;
  const std::string path = reader.text("path", "");
  form.path = Template::of_path(path, reader.place("path"));
  const bool by_match = path.find("{match}") != std::string::npos;
  if (!by_match || path.find("{key}") != std::string::npos) {
    reader.refuse("path", "must hold {match}, and no {key}: records are asked for by match value");
  }
  if (reader.given("results") != nullptr) form.results = reader.text("results", "");
  form.record = reader.text("record", "");
  form.match = reader.text("match", "");
  form.id = reader.text("id", "");
  return form;
}

std::optional<ListForm> list_form(const json& settings, const std::string& where) {
  const Settings outer(settings, where, {"path", "results", "record", "match", "id", "all"});
  const json* all = outer.given("all");
  if (all == nullptr) return std::nullopt;
  const Settings reader(
      *all, outer.place("all"),
      {"path", "results", "record", "match", "id", "cursor", "parameter", "link"});
  ListForm form;
  form.path = reader.text("path", "");
  if (Template::of_path(form.path, reader.place("path")).has_placeholder()) {
    reader.refuse("path", "lists all records and names none");
  }
  form.results = reader.text("results", "");
  form.record = reader.text("record", outer.text("record", ""));
  form.match = reader.text("match", outer.text("match", ""));
  form.id = reader.text("id", outer.text("id", ""));
  form.cursor = reader.text("cursor", "");
  form.parameter = reader.text("parameter", "");
  form.link = reader.text("link", "");
  if (form.cursor.empty() != form.parameter.empty()) {
    reader.refuse(form.cursor.empty() ? "parameter" : "cursor", "cursor and parameter go together");
  }
  if (!form.cursor.empty() && !form.link.empty()) {
    reader.refuse("link", "the next page is found by cursor or by link");
  }
  return form;
}

std::vector<ReadAsk::Kind> Questions::kinds() const {
  std::vector<ReadAsk::Kind> kinds;
  if (one_) kinds.push_back(ReadAsk::Kind::by_match);
  if (all_) kinds.push_back(ReadAsk::Kind::all_ids);
  return kinds;
}

ReadStep Questions::first(const ReadAsk& ask) const {
  ReadStep step;
  if (ask.kind == ReadAsk::Kind::all_ids) {
    step.calls.push_back(get(all_->path, 0));
    return step;
  }
  for (std::size_t i = 0; i < ask.match.size(); ++i) {
    const RowValues values{{}, ask.match[i]};
    if (!one_->path.refuses(values).empty()) continue;  // no such request, so nothing is known
    std::string address;
    one_->path.append(address, values, [](std::string&) {});
    step.calls.push_back(get(std::move(address), static_cast<int>(i)));
  }
  return step;
}

ReadStep Questions::next(const ReadAsk& ask, const Call& call, const wire::Reply& reply) const {
  const bool one = ask.kind == ReadAsk::Kind::by_match;
  const auto place = static_cast<std::size_t>(call.tag);
  if (one && place >= ask.match.size()) throw std::logic_error("rest: a call of another question");
  const Judgement judgement = classify(answers_, reply, "");
  const bool gone = reply.failure == wire::Failure::none &&
                    (reply.status == 404 || reply.status == 410) && !wire::looks_like_html(reply);
  if (one && gone && !one_->results && judgement.means == AnswerClass::record) {
    ReadStep step;
    step.absent.push_back(ask.match[place]);
    return step;
  }
  if (judgement.means != AnswerClass::ok) return end_question({judgement, refusal_reason(reply)});
  const auto body = wire::read_json(reply);
  if (!body) return senseless("an answer whose body is not whole JSON");
  return one ? read_one(ask.match[place], *body) : read_page(call, *body);
}

ReadStep Questions::read_one(const std::string& asked, const json& body) const {
  ReadStep step;
  if (!one_->results) {
    auto record = record_of(body, one_->record, one_->match, one_->id);
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
  const json* list = wire::at_path(body, *one_->results);
  if (list == nullptr || !list->is_array()) return senseless("an answer without the list");
  bool readable = true;
  for (const json& entry : *list) {
    auto record = record_of(entry, one_->record, one_->match, one_->id);
    readable = readable && record && !record->match.empty();
    if (readable && record->match == asked) step.records.push_back(std::move(*record));
  }
  if (!readable) return senseless("a list with an entry that is no record with a match value");
  if (list->empty()) step.absent.push_back(asked);
  return step;
}

ReadStep Questions::read_page(const Call& call, const json& body) const {
  const json* list = wire::at_path(body, all_->results);
  if (list == nullptr || !list->is_array()) return senseless("an answer without the list");
  ReadStep step;
  for (const json& entry : *list) {
    auto record = record_of(entry, all_->record, all_->match, all_->id);
    if (!record) return senseless("a list with an entry that is no record");
    step.records.push_back(std::move(*record));
  }
  const std::optional<std::string> address = next_page(body);
  if (!address) return senseless("a next page that is no path of this address");
  if (address->empty()) return step;
  Call next = get(*address, 0);
  const bool same =
      next.request.path == call.request.path && next.request.query == call.request.query;
  if (same) return senseless("a page that leads to itself");
  step.calls.push_back(std::move(next));
  return step;
}

std::optional<std::string> Questions::next_page(const json& body) const {
  const bool by_cursor = !all_->cursor.empty();
  if (!by_cursor && all_->link.empty()) return std::string();
  const json* next = wire::at_path(body, by_cursor ? all_->cursor : all_->link);
  if (next == nullptr || next->is_null()) return std::string();
  if (next->is_structured()) return std::nullopt;
  const std::string text = wire::scalar_text(*next);
  if (text.empty()) return std::string();
  if (!by_cursor) return local_path(text);
  std::string address = all_->path;
  address.push_back(address.find('?') == std::string::npos ? '?' : '&');
  wire::append_percent_encoded(address, all_->parameter);
  address.push_back('=');
  wire::append_percent_encoded(address, text);
  return address;
}

std::optional<Record> Questions::record_of(const json& entry, const std::string& record,
                                           const std::string& match, const std::string& id) const {
  const json* values = wire::at_path(entry, record);
  if (values == nullptr || !values->is_object()) return std::nullopt;
  Record found;
  found.match = wire::text_at(*values, match.empty() ? match_field_ : match);
  if (!id.empty()) found.destination_id = wire::text_at(*values, id);
  for (const Column& field : fields_) {
    const json* value = wire::at_path(*values, field.name);
    if (value != nullptr) found.fields.emplace_back(field.name, text_of_value(*value));
  }
  return found;
}

}  // namespace tailrace::rest
