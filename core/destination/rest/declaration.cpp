#include "destination/rest/declaration.hpp"

#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "destination/connection.hpp"
#include "wire/json_reader.hpp"

namespace tailrace::rest {
namespace {

using nlohmann::json;

template <typename Value>
struct Word {
  std::string_view word;
  Value value;
};

constexpr std::array kMethods{Word<wire::Method>{"POST", wire::Method::post},
                              Word<wire::Method>{"PUT", wire::Method::put},
                              Word<wire::Method>{"PATCH", wire::Method::patch},
                              Word<wire::Method>{"DELETE", wire::Method::delete_}};
constexpr std::array kNumbers{Word<wire::NumberForm>{"number", wire::NumberForm::number},
                              Word<wire::NumberForm>{"string", wire::NumberForm::string},
                              Word<wire::NumberForm>{"safe_number", wire::NumberForm::safe_number}};
constexpr std::array kClears{
    Word<wire::RowForm::Clear>{"json_null", wire::RowForm::Clear::json_null},
    Word<wire::RowForm::Clear>{"empty_text", wire::RowForm::Clear::empty_text}};
constexpr std::array kAnswers{Word<AnswerForm>{"plausible", AnswerForm::plausible},
                              Word<AnswerForm>{"json", AnswerForm::json},
                              Word<AnswerForm>{"any", AnswerForm::any}};
constexpr std::array kForms{Word<ResultsForm::Kind>{"errors_only", ResultsForm::Kind::errors_only},
                            Word<ResultsForm::Kind>{"list", ResultsForm::Kind::list}};
constexpr std::array kClasses{Word<AnswerClass>{"accepted", AnswerClass::ok},
                              Word<AnswerClass>{"rejected", AnswerClass::record},
                              Word<AnswerClass>{"split", AnswerClass::split},
                              Word<AnswerClass>{"terminal", AnswerClass::terminal},
                              Word<AnswerClass>{"retry", AnswerClass::retry},
                              Word<AnswerClass>{"stop", AnswerClass::stop},
                              Word<AnswerClass>{"reauth", AnswerClass::reauth},
                              Word<AnswerClass>{"unknown", AnswerClass::unknown}};

class Reader {
 public:
  Reader(const json& settings, std::string where) : settings_(settings), where_(std::move(where)) {}

  [[noreturn]] void refuse(std::string_view key, const std::string& what) const {
    throw std::invalid_argument(place(key) + ": " + what);
  }
  [[nodiscard]] std::string place(std::string_view key) const {
    return where_ + ": " + std::string(key);
  }
  /// The member, or nullptr where it is null or left out.
  [[nodiscard]] const json* given(std::string_view key) const {
    const json* value = wire::member(settings_, key);
    return value == nullptr || value->is_null() ? nullptr : value;
  }
  [[nodiscard]] std::string text(std::string_view key, std::string_view fallback) const {
    const json* value = given(key);
    if (value == nullptr) return std::string(fallback);
    if (!value->is_string()) refuse(key, "must be text");
    return value->get<std::string>();
  }
  [[nodiscard]] std::optional<bool> flag(std::string_view key) const {
    const json* value = given(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_boolean()) refuse(key, "must be true or false");
    return value->get<bool>();
  }
  [[nodiscard]] std::size_t count(std::string_view key, std::size_t fallback,
                                  std::size_t most) const {
    const json* value = given(key);
    if (value == nullptr) return fallback;
    const bool whole = value->is_number_integer() && value->get<std::int64_t>() >= 1 &&
                       value->get<std::uint64_t>() <= most;
    if (!whole) refuse(key, "must be a whole number from 1 to " + std::to_string(most));
    return value->get<std::size_t>();
  }
  template <typename Value, std::size_t n>
  [[nodiscard]] Value word(std::string_view key, const std::array<Word<Value>, n>& words,
                           std::string_view fallback) const {
    const std::string given_word = text(key, fallback);
    std::string known;
    for (const Word<Value>& one : words) {
      if (one.word == given_word) return one.value;
      known.append(known.empty() ? "" : ", ").append(one.word);
    }
    refuse(key, "'" + given_word + "' is not one of " + known);
  }

 private:
  const json& settings_;
  std::string where_;
};

[[nodiscard]] ResultsForm read_results(const json& settings, const std::string& where) {
  refuse_unknown_keys(settings,
                      {"path", "key", "index", "form", "status", "code", "message", "field", "id",
                       "count", "optional"},
                      where);
  const Reader reader(settings, where);
  ResultsForm form;
  form.kind = reader.word("form", kForms, "errors_only");
  form.path = reader.text("path", "");
  form.key = reader.text("key", "");
  form.index = reader.text("index", "");
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
    reader.refuse(form.optional ? "optional" : "count", "goes with form: errors_only alone");
  }
  if (!list && form.key.empty() && form.index.empty()) {
    reader.refuse("key", "a list of errors names its rows by key or index");
  }
  return form;
}

[[nodiscard]] std::vector<AnswerRule> read_statuses(const json& settings,
                                                    const std::string& where) {
  std::vector<AnswerRule> rules;
  if (!settings.is_object()) throw std::invalid_argument(where + ": must be a mapping");
  const Reader reader(settings, where);
  for (const auto& [status, word] : settings.items()) {
    const bool three_digits = status.size() == 3 && status.front() >= '2' &&
                              status.front() <= '5' &&
                              status.find_first_not_of("0123456789") == std::string::npos;
    if (!three_digits) reader.refuse(status, "is not an HTTP status from 200 to 599");
    const int number = std::stoi(status);
    const AnswerClass means = reader.word(status, kClasses, "");
    if (means == AnswerClass::ok && status.front() == '5') {
      reader.refuse(status, "a failure of the server is never an acceptance");
    }
    rules.push_back({number, number, "", means});
  }
  return rules;
}

void read_body(Declaration& declaration, const Reader& reader) {
  const json* body = reader.given("body");
  const std::string word = body == nullptr ? "rows" : wire::scalar_text(*body);
  const bool shape = body != nullptr && body->is_structured();
  if (!shape && word != "rows" && word != "object") {
    reader.refuse("body", "must be rows, object, or a shape with $rows or $row in it");
  }
  const bool row_shape = shape && body->dump().find("\"$row\"") != std::string::npos;
  declaration.object_body = word == "object" || row_shape;
  const bool per_row = declaration.object_body;
  const std::string hole = per_row ? "$row" : "$rows";
  declaration.body =
      Template::of_shape(shape ? *body : json(hole), hole, per_row, reader.place("body"));
  const json* row = reader.given("row");
  if (row != nullptr && per_row) {
    reader.refuse("row", "goes with a body of several rows; put the shape into body");
  }
  declaration.row =
      Template::of_shape(row == nullptr ? json("$row") : *row, "$row", true, reader.place("row"));
}

void read_delete(Declaration& declaration, const json& settings, const std::string& where) {
  refuse_unknown_keys(settings, {"method", "path"}, where);
  const Reader reader(settings, where);
  declaration.delete_method = reader.word("method", kMethods, "DELETE");
  declaration.delete_path = Template::of_path(reader.text("path", ""), reader.place("path"));
  // One address for all rows would delete the whole collection.
  if (!declaration.delete_path.has_placeholder()) {
    reader.refuse("path", "must hold {key} or {match}");
  }
}

void check_fit(const Declaration& declaration, const Reader& reader) {
  const bool single = declaration.batch_rows == 1;
  if (declaration.object_body && !single) {
    reader.refuse("batch_rows", "must be 1: the body holds one row");
  }
  if (declaration.path.has_placeholder() && !single) {
    reader.refuse("batch_rows", "must be 1: the path names one row");
  }
}

}  // namespace

Declaration::Declaration(const json& object) {
  name = text_of(object, "name", "");
  const std::string where = "object '" + name + "'";
  refuse_unknown_keys(
      object,
      {"name", "method", "path", "batch_rows", "batch_bytes", "body", "row", "results", "delete",
       "idempotent", "numbers", "clear_as", "answer", "statuses"},
      where);
  const Reader reader(object, where);
  constexpr std::size_t kMostRows = 100'000;
  constexpr std::size_t kMostBytes = 64u << 20;
  method = reader.word("method", kMethods, "POST");
  if (method == wire::Method::delete_) reader.refuse("method", "DELETE writes nothing; see delete");
  path = Template::of_path(reader.text("path", ""), reader.place("path"));
  batch_rows = reader.count("batch_rows", 1, kMostRows);
  batch_bytes = reader.count("batch_bytes", batch_bytes, kMostBytes);
  read_body(*this, reader);
  check_fit(*this, reader);
  if (const json* form_of_results = reader.given("results")) {
    results = read_results(*form_of_results, reader.place("results"));
  }
  if (const json* settings = reader.given("delete")) {
    read_delete(*this, *settings, reader.place("delete"));
  }
  idempotent = reader.flag("idempotent");
  form.numbers = reader.word("numbers", kNumbers, "number");
  form.clear = reader.word("clear_as", kClears, "json_null");
  answer = reader.word("answer", kAnswers, "plausible");
  if (const json* settings = reader.given("statuses")) {
    statuses = read_statuses(*settings, reader.place("statuses"));
  }
}

}  // namespace tailrace::rest
