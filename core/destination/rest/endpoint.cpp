#include "destination/rest/endpoint.hpp"

#include <array>
#include <nlohmann/json.hpp>

#include "destination/rest/settings.hpp"

namespace tailrace::rest {
namespace {

using nlohmann::json;

constexpr std::size_t kMostRows = 100'000;

constexpr std::array kMethods{Word<wire::Method>{"POST", wire::Method::post},
                              Word<wire::Method>{"PUT", wire::Method::put},
                              Word<wire::Method>{"PATCH", wire::Method::patch},
                              Word<wire::Method>{"DELETE", wire::Method::delete_}};
constexpr std::array kForms{Word<ResultsForm::Kind>{"errors_only", ResultsForm::Kind::errors_only},
                            Word<ResultsForm::Kind>{"list", ResultsForm::Kind::list},
                            Word<ResultsForm::Kind>{"names", ResultsForm::Kind::names}};
constexpr std::array kClasses{Word<AnswerClass>{"accepted", AnswerClass::ok},
                              Word<AnswerClass>{"rejected", AnswerClass::record},
                              Word<AnswerClass>{"split", AnswerClass::split},
                              Word<AnswerClass>{"terminal", AnswerClass::terminal},
                              Word<AnswerClass>{"retry", AnswerClass::retry},
                              Word<AnswerClass>{"stop", AnswerClass::stop},
                              Word<AnswerClass>{"reauth", AnswerClass::reauth},
                              Word<AnswerClass>{"unknown", AnswerClass::unknown}};

[[nodiscard]] std::string_view default_method(Operation operation, const Endpoint* base) {
  switch (operation) {
    case Operation::upsert:
    case Operation::insert:
    case Operation::archive: return "POST";
    case Operation::delete_: return "DELETE";
    case Operation::update: return "PATCH";
    case Operation::clear: return base == nullptr ? "PATCH" : wire::to_text(base->method);
  }
  return "POST";
}

/// The names stand for themselves: nothing else is told of a row.
void check_names(const ResultsForm& form, const Settings& reader) {
  for (const char* key : {"path", "key", "index", "index_word", "status", "code", "message",
                          "field", "id", "optional"}) {
    if (reader.given(key) != nullptr) reader.refuse(key, "does not go with form: names");
  }
  if (form.count.empty() && form.refused.empty()) {
    reader.refuse("refused", "is needed, or count: a name that is left out would go unseen");
  }
}

[[nodiscard]] ResultsForm read_results(const json& settings, const std::string& where) {
  const Settings reader(settings, where,
                        {"path", "lists", "refused", "key", "index", "index_word", "form", "status",
                         "code", "message", "field", "id", "count", "optional"});
  ResultsForm form;
  form.kind = reader.word("form", kForms, "errors_only");
  form.path = reader.text("path", "");
  form.key = reader.text("key", "");
  form.index = reader.text("index", "");
  form.index_word = reader.text("index_word", "");
  form.lists = reader.texts("lists", "dotted paths");
  form.refused = reader.text("refused", "");
  form.status = reader.text("status", "");
  form.code = reader.text("code", "");
  form.message = reader.text("message", "");
  form.field = reader.text("field", "");
  form.id = reader.text("id", "");
  form.count = reader.text("count", "");
  form.optional = reader.flag("optional").value_or(false);
  const bool list = form.kind == ResultsForm::Kind::list;
  if (list && form.status.empty()) {
    reader.refuse("status", "a list with an entry for every row needs the member that judges it");
  }
  if (list && (form.optional || !form.count.empty())) {
    reader.refuse(form.optional ? "optional" : "count", "does not go with form: list");
  }
  const bool names = form.kind == ResultsForm::Kind::names;
  if (names == form.lists.empty()) {
    reader.refuse("lists", "goes with form: names, which has no other way to say where they are");
  }
  if (names) {
    check_names(form, reader);
  } else if (!form.refused.empty()) {
    reader.refuse("refused", "goes with form: names alone");
  }
  if (!list && !names && form.key.empty() && form.index.empty()) {
    reader.refuse("key", "a list of errors names its rows by key or index");
  }
  return form;
}

/// `body` of a write: around its rows or its one row.
void read_body(Endpoint& endpoint, const Settings& reader, std::string_view fallback) {
  const json* body = reader.given("body");
  const std::string word = body == nullptr ? std::string(fallback) : wire::scalar_text(*body);
  const bool shape = body != nullptr && body->is_structured();
  if (!shape && word != "rows" && word != "object" && word != "lines") {
    reader.refuse("body", "must be rows, lines, object, or a shape with $rows or $row in it");
  }
  const std::string text = shape ? body->dump() : std::string();
  const bool row_shape =
      text.find("\"$row\"") != std::string::npos || text.find("\"$fields\"") != std::string::npos;
  endpoint.lines = word == "lines";
  endpoint.object_body = word == "object" || row_shape;
  const bool per_row = endpoint.object_body;
  const std::string hole = per_row ? "$row" : "$rows";
  endpoint.body =
      Template::of_shape(shape ? *body : json(hole), hole, per_row, reader.place("body"));
}

void read_row(Endpoint& endpoint, const Settings& reader) {
  const json* row = reader.given("row");
  if (row != nullptr && endpoint.object_body) {
    reader.refuse("row", "goes with a body of several rows; put the shape into body");
  }
  endpoint.row =
      Template::of_shape(row == nullptr ? json("$row") : *row, "$row", true, reader.place("row"));
}

/// Shape of a write: what is given goes over what `endpoint` has. `body_of` is the body's default
/// where the endpoint has none yet.
void read_shape(Endpoint& endpoint, const Settings& reader, std::string_view body_of) {
  if (reader.given("body") != nullptr || !body_of.empty()) {
    read_body(endpoint, reader, body_of);
    read_row(endpoint, reader);
  } else if (reader.given("row") != nullptr) {
    read_row(endpoint, reader);
  }
  endpoint.batch_rows = reader.count("batch_rows", endpoint.batch_rows, kMostRows);
  if (endpoint.object_body && endpoint.batch_rows != 1) {
    reader.refuse("batch_rows", "must be 1: the body holds one row");
  }
  if (endpoint.path.has_placeholder() && endpoint.batch_rows != 1) {
    reader.refuse("batch_rows", "must be 1: the path names one row");
  }
  if (const json* form = reader.given("results")) {
    endpoint.results = read_results(*form, reader.place("results"));
  }
}

void read_write(Endpoint& endpoint, const Settings& reader, const Endpoint* base) {
  if (reader.given("path") == nullptr) {
    if (base == nullptr) reader.refuse("path", "is needed: the object has no path of its own");
    const wire::Method method = endpoint.method;
    endpoint = *base;
    endpoint.method = method;
    endpoint.statuses.clear();
    endpoint.missing.clear();
    read_shape(endpoint, reader, {});
    return;
  }
  endpoint.path = Template::of_path(reader.text("path", ""), reader.place("path"));
  read_shape(endpoint, reader, endpoint.path.has_placeholder() ? "object" : "rows");
}

/// `body` of a removal that names several rows: each as `row` says.
void read_removal_of_many(Endpoint& endpoint, const Settings& reader, const json& body) {
  endpoint.body = Template::of_shape(body, "$rows", false, reader.place("body"));
  const json* row = reader.given("row");
  endpoint.row = Template::of_values(row == nullptr ? json("$match") : *row, reader.place("row"));
  if (!endpoint.row.has_placeholder()) reader.refuse("row", "must hold $match or $key");
  endpoint.batch_rows = reader.count("batch_rows", 1, kMostRows);
  if (endpoint.path.has_placeholder()) reader.refuse("path", "names one row, and the body several");
  if (const json* form = reader.given("results")) {
    endpoint.results = read_results(*form, reader.place("results"));
  }
}

void read_removal(Endpoint& endpoint, const Settings& reader) {
  endpoint.path = Template::of_path(reader.text("path", ""), reader.place("path"));
  const json* body = reader.given("body");
  if (body != nullptr && body->dump().find("\"$rows\"") != std::string::npos) {
    return read_removal_of_many(endpoint, reader, *body);
  }
  // One address for all rows would take away the whole collection.
  if (!endpoint.path.has_placeholder()) reader.refuse("path", "must hold {key}, {match} or {id}");
  for (const char* key : {"batch_rows", "row", "results"}) {
    if (reader.given(key) != nullptr) reader.refuse(key, "goes with a body that holds $rows");
  }
  endpoint.has_body = body != nullptr;
  if (body == nullptr) return;
  if (!body->is_structured()) {
    reader.refuse("body", "must be a shape, in which $key and $match may stand");
  }
  endpoint.body = Template::of_values(*body, reader.place("body"));
}

}  // namespace

bool removes(Operation operation) {
  return operation == Operation::delete_ || operation == Operation::archive;
}

const std::vector<std::string_view>& shape_keys() {
  static const std::vector<std::string_view> keys{"method", "path", "batch_rows",
                                                  "body",   "row",  "results"};
  return keys;
}

std::vector<AnswerRule> read_codes(const json& settings, const std::string& where) {
  std::vector<AnswerRule> rules;
  std::vector<std::string_view> codes;
  if (settings.is_object()) {
    for (const auto& [code, means] : settings.items()) codes.push_back(code);
  }
  const Settings reader(settings, where, codes);
  for (const std::string_view code : codes) {
    if (code.empty()) reader.refuse(code, "is no code");
    rules.push_back({200, 599, code, reader.word(code, kClasses, "")});
  }
  return rules;
}

std::vector<AnswerRule> read_statuses(const json& settings, const std::string& where) {
  std::vector<AnswerRule> rules;
  if (!settings.is_object()) throw std::invalid_argument(where + ": must be a mapping");
  std::vector<std::string_view> known;
  for (const auto& [status, word] : settings.items()) known.push_back(status);
  const Settings reader(settings, where, known);
  for (const std::string_view status : known) {
    const bool three_digits = status.size() == 3 && status.front() >= '2' &&
                              status.front() <= '5' &&
                              status.find_first_not_of("0123456789") == std::string::npos;
    if (!three_digits) reader.refuse(status, "is not an HTTP status from 200 to 599");
    const int number = std::stoi(std::string(status));
    const AnswerClass means = reader.word(status, kClasses, "");
    if (means == AnswerClass::ok && status.front() == '5') {
      reader.refuse(status, "a failure of the server is never an acceptance");
    }
    rules.push_back({number, number, "", means});
  }
  return rules;
}

std::optional<Endpoint> read_main(const json& object, const std::vector<std::string_view>& known,
                                  const std::string& where) {
  const Settings reader(object, where, known);
  if (reader.given("path") == nullptr) {
    for (const std::string_view key : shape_keys()) {
      if (reader.given(key) != nullptr) reader.refuse(key, "goes with a path, and there is none");
    }
    return std::nullopt;
  }
  Endpoint endpoint;
  endpoint.method = reader.word("method", kMethods, "POST");
  if (endpoint.method == wire::Method::delete_) {
    reader.refuse("method", "DELETE writes nothing; see delete");
  }
  endpoint.path = Template::of_path(reader.text("path", ""), reader.place("path"));
  read_shape(endpoint, reader, "rows");
  return endpoint;
}

Endpoint read_operation(const json& settings, Operation operation, const Endpoint* base,
                        const std::string& where) {
  std::vector<std::string_view> known{"method", "path",       "body",   "statuses",
                                      "row",    "batch_rows", "results"};
  known.push_back(operation == Operation::insert ? "exists" : "missing");
  const Settings reader(settings, where, known);
  Endpoint endpoint;
  endpoint.method = reader.word("method", kMethods, default_method(operation, base));
  if (removes(operation)) {
    read_removal(endpoint, reader);
  } else {
    if (endpoint.method == wire::Method::delete_) reader.refuse("method", "DELETE writes nothing");
    read_write(endpoint, reader, base);
  }
  if (const json* statuses = reader.given("statuses")) {
    endpoint.statuses = read_statuses(*statuses, reader.place("statuses"));
  }
  if (operation == Operation::insert) {
    endpoint.exists = reader.texts("exists");
  } else {
    endpoint.missing = reader.texts("missing");
  }
  return endpoint;
}

}  // namespace tailrace::rest
