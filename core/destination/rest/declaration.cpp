#include "destination/rest/declaration.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "destination/rest/settings.hpp"
#include "row/ascii.hpp"
#include "wire/body.hpp"

namespace tailrace::rest {
namespace {

using nlohmann::json;

constexpr std::array kNumbers{Word<wire::NumberForm>{"number", wire::NumberForm::number},
                              Word<wire::NumberForm>{"string", wire::NumberForm::string},
                              Word<wire::NumberForm>{"safe_number", wire::NumberForm::safe_number}};
constexpr std::array kClears{
    Word<wire::RowForm::Clear>{"json_null", wire::RowForm::Clear::json_null},
    Word<wire::RowForm::Clear>{"empty_text", wire::RowForm::Clear::empty_text}};
constexpr std::array kEncodings{Word<bool>{"json", false}, Word<bool>{"form", true}};
constexpr std::array kAnswers{Word<AnswerForm>{"plausible", AnswerForm::plausible},
                              Word<AnswerForm>{"json", AnswerForm::json},
                              Word<AnswerForm>{"any", AnswerForm::any}};
// In the order in which they are read: clear has update's shape where there is one.
constexpr std::array kOwnOperations{Operation::update, Operation::insert, Operation::delete_,
                                    Operation::archive, Operation::clear};

[[nodiscard]] const std::vector<std::string_view>& object_keys() {
  static const std::vector<std::string_view> keys = [] {
    std::vector<std::string_view> all{
        "name",    "batch_bytes", "row_bytes", "idempotent", "idempotency", "partial",
        "numbers", "encode",      "clear_as",  "answer",     "success",     "statuses",
        "code",    "codes",       "find",      "read",       "describe"};
    all.insert(all.end(), shape_keys().begin(), shape_keys().end());
    for (const Operation operation : kOwnOperations) all.push_back(to_text(operation));
    return all;
  }();
  return keys;
}

[[nodiscard]] bool is_header_name(const std::string& name) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
    return is_alphanumeric(c) || kMarks.find(c) != std::string_view::npos;
  });
}

[[nodiscard]] Idempotency read_idempotency(const json& settings, const std::string& where) {
  const Settings reader(settings, where, {"header", "ttl_s", "busy"});
  Idempotency idempotency;
  idempotency.header = reader.text("header", "Idempotency-Key");
  if (!is_header_name(idempotency.header)) reader.refuse("header", "is no name of a header");
  const json* ttl = reader.given("ttl_s");
  const double seconds = ttl != nullptr && ttl->is_number() ? ttl->get<double>() : 0;
  constexpr double kMostSeconds = 366.0 * 86'400;
  if (!(seconds >= 1 && seconds <= kMostSeconds)) {
    reader.refuse("ttl_s", "must say for how many seconds the API remembers a key, up to a year");
  }
  idempotency.ttl = wire::Milliseconds(static_cast<std::int64_t>(seconds * 1000));
  idempotency.busy = {"idempotency_key_in_use", "request_in_progress"};
  const std::vector<std::string> more = reader.texts("busy");
  idempotency.busy.insert(idempotency.busy.end(), more.begin(), more.end());
  return idempotency;
}

[[nodiscard]] SuccessMark read_success(const json& settings, const std::string& where) {
  const Settings reader(settings, where, {"path", "is"});
  SuccessMark mark;
  mark.path = reader.text("path", "");
  if (mark.path.empty()) reader.refuse("path", "is needed: the member that tells");
  const json* value = reader.given("is");
  mark.value = value == nullptr ? "true" : wire::scalar_text(*value);
  if (mark.value.empty()) reader.refuse("is", "must be text, a number, true or false");
  return mark;
}

}  // namespace

Declaration::Declaration(const json& object) {
  name = text_of(object, "name", "");
  const std::string where = "object '" + name + "'";
  const Settings reader(object, where, object_keys());
  endpoints_[place_of(Operation::upsert)] = read_main(object, object_keys(), where);
  for (const Operation operation : kOwnOperations) {
    const json* settings = reader.given(to_text(operation));
    if (settings == nullptr) continue;
    const bool clears = operation == Operation::clear && find(Operation::update) != nullptr;
    endpoints_[place_of(operation)] =
        read_operation(*settings, operation, find(clears ? Operation::update : Operation::upsert),
                       reader.place(to_text(operation)));
  }
  const bool writes = std::any_of(endpoints_.begin(), endpoints_.end(),
                                  [](const auto& endpoint) { return endpoint.has_value(); });
  if (!writes) reader.refuse("path", "is needed, or an operation such as update or insert");
  batch_bytes = reader.count("batch_bytes", batch_bytes, wire::kMostInMemory);
  idempotent = reader.flag("idempotent");
  if (const json* settings = reader.given("idempotency")) {
    idempotency = read_idempotency(*settings, reader.place("idempotency"));
  }
  const auto puts = [this](Operation operation) {
    const Endpoint* endpoint = find(operation);
    return endpoint != nullptr && endpoint->method == wire::Method::put;
  };
  const bool replaces = puts(Operation::upsert) || puts(Operation::update);
  partial = reader.flag("partial").value_or(!replaces);
  form.numbers = reader.word("numbers", kNumbers, "number");
  form.clear = reader.word("clear_as", kClears, "json_null");
  as_form = reader.word("encode", kEncodings, "json");
  if (as_form) check_form(where);
  if (reader.given("row_bytes") != nullptr) {
    row_bytes = reader.count("row_bytes", 1, wire::kMostInMemory);
  }
  answer = reader.word("answer", kAnswers, "plausible");
  if (const json* settings = reader.given("success")) {
    success = read_success(*settings, reader.place("success"));
  }
  if (const json* path = reader.given("code")) {
    code = path->is_string() ? std::vector{path->get<std::string>()}
                             : reader.texts("code", "dotted paths");
  }
  if (const json* settings = reader.given("codes")) {
    if (code.empty()) reader.refuse("codes", "needs code: where an answer has it");
    code_words_ = std::make_shared<const json>(*settings);
    codes = read_codes(*code_words_, reader.place("codes"));
  }
  if (const json* settings = reader.given("statuses")) {
    statuses = read_statuses(*settings, reader.place("statuses"));
  }
  if (const json* settings = reader.given("find")) {
    find_form = read_find(*settings, reader.place("find"));
  }
  check_ids(where);
  if (const json* settings = reader.given("read")) {
    read = read_form(*settings, reader.place("read"));
    list = list_form(*settings, reader.place("read"));
  }
  if (const json* settings = reader.given("describe")) {
    describe = read_describe(*settings, reader.place("describe"));
  }
}

/// What a path with {id} needs.
void Declaration::check_ids(const std::string& where) const {
  for (const Operation operation : kAllOperations) {
    const Endpoint* endpoint = find(operation);
    if (endpoint == nullptr || !endpoint->path.has_id()) continue;
    const std::string place = where + ": " + std::string(to_text(operation));
    if (!find_form) throw std::invalid_argument(place + ": {id} needs find: how it is looked up");
    if (operation == Operation::insert) {
      throw std::invalid_argument(place + ": a record that is to be made has no {id} yet");
    }
    const Endpoint* insert = find(Operation::insert);
    const bool makes = insert != nullptr && insert->batch_rows == 1;
    if (operation == Operation::upsert && !makes) {
      throw std::invalid_argument(place +
                                  ": {id} needs insert, of one row a request: how a "
                                  "record is made that is not there");
    }
  }
}

void Declaration::check_form(const std::string& where) const {
  for (const Operation operation : kAllOperations) {
    const Endpoint* endpoint = find(operation);
    if (endpoint == nullptr || !endpoint->has_body || endpoint->object_body) continue;
    if (removes(operation) && endpoint->batch_rows == 1) continue;
    throw std::invalid_argument(where + ": " + std::string(to_text(operation)) +
                                ": encode: form takes one row a request (body: object)");
  }
}

const Endpoint* Declaration::find(Operation operation) const {
  const std::optional<Endpoint>& endpoint = endpoints_[place_of(operation)];
  return endpoint ? &*endpoint : nullptr;
}

const Endpoint& Declaration::at(Operation operation) const {
  const Endpoint* endpoint = find(operation);
  if (endpoint == nullptr) {
    throw std::logic_error("rest: object '" + name + "' declares no " +
                           std::string(to_text(operation)));
  }
  return *endpoint;
}

}  // namespace tailrace::rest
