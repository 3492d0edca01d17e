#include "destination/rest/reading.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "destination/connection.hpp"
#include "destination/rest/settings.hpp"

namespace tailrace::rest {
namespace {

using nlohmann::json;

[[nodiscard]] const std::vector<std::string_view>& reading_keys() {
  static const std::vector<std::string_view> keys{
      "method", "path",  "body", "batch_rows", "results", "record", "match",  "id",
      "within", "paths", "cut",  "or_empty",   "lags",    "hidden", "limits", "all"};
  return keys;
}

[[nodiscard]] std::vector<wire::RateRule> rates_of_reading(const json& settings,
                                                           const std::string& where) {
  std::vector<wire::RateRule> rates = limits_of(settings, where);
  for (wire::RateRule& rule : rates) {
    rule.rate_class = kReadClass;
    rule.name = "read " + rule.name;
  }
  return rates;
}

/// What goes with answers that hold a list of records.
void check_lists(const ReadForm& form, const Settings& reader) {
  if (!form.results) {
    if (form.asking.has_body) reader.refuse("results", "is needed: where the records stand");
    if (!form.cut.empty()) reader.refuse("cut", "goes with results");
  } else if (form.empty_is_absent) {
    reader.refuse("or_empty", "does not go with results: an empty list says it");
  }
}

}  // namespace

std::optional<ReadForm> read_form(const json& settings, const std::string& where) {
  const Settings reader(settings, where, reading_keys());
  if (reader.given("path") == nullptr) {
    if (reader.given("all") == nullptr) reader.refuse("path", "is needed, or all");
    return std::nullopt;
  }
  ReadForm form;
  form.asking = read_asking(reader);
  form.record = read_record_form(reader);
  if (reader.given("results") != nullptr) form.results = reader.text("results", "");
  form.cut = reader.text("cut", "");
  form.empty_is_absent = reader.flag("or_empty").value_or(false);
  form.lags = reader.flag("lags").value_or(false);
  form.hidden = reader.texts("hidden", "fields");
  form.rates = rates_of_reading(settings, where);
  check_lists(form, reader);
  return form;
}

std::optional<ListForm> list_form(const json& settings, const std::string& where) {
  const Settings outer(settings, where, reading_keys());
  const json* all = outer.given("all");
  if (all == nullptr) return std::nullopt;
  const Settings reader(*all, outer.place("all"),
                        {"path", "results", "record", "match", "id", "within", "paths", "cursor",
                         "parameter", "link"});
  ListForm form;
  form.path = reader.text("path", "");
  if (Template::of_path(form.path, reader.place("path")).has_placeholder()) {
    reader.refuse("path", "lists all records and names none");
  }
  form.results = reader.text("results", "");
  form.record = read_record_form(reader, read_record_form(outer));
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

}  // namespace tailrace::rest
