// Values that cannot fit, found before anything is sent.
#include "run/fit.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "diff/identify.hpp"
#include "row/ascii.hpp"
#include "row/chunk.hpp"
#include "row/row_view.hpp"
#include "run/spec.hpp"
#include "wire/cell.hpp"
#include "wire/rfc3339.hpp"
#include "wire/utf8.hpp"

namespace tailrace {
namespace {

using nlohmann::json;

constexpr std::size_t kShownBytes = 60;
constexpr std::array<std::string_view, 12> kYesNo{"true", "false", "t", "f", "yes", "no",
                                                  "1",    "0",     "y", "n", "on",  "off"};

constexpr std::array kAllTakes{Takes::anything,  Takes::number, Takes::whole_number,
                               Takes::yes_or_no, Takes::date,   Takes::moment,
                               Takes::one_of,    Takes::some_of};

[[nodiscard]] std::size_t characters(std::string_view text) {
  constexpr unsigned kContinues = 0x80;
  constexpr unsigned kTopTwo = 0xC0;
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & kTopTwo) != kContinues;
  }));
}

[[nodiscard]] std::optional<double> number_of(std::string_view text) {
  text = wire::trimmed(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = read.ec == std::errc{} && read.ptr == text.data() + text.size();
  return whole && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

[[nodiscard]] bool is_moment(std::string_view text) {
  constexpr std::size_t kDateAndTime = 19;
  if (text.size() <= kDateAndTime) return false;
  const std::size_t zone = text.find_first_of("Z+-", kDateAndTime);
  return zone != std::string_view::npos && wire::is_timestamp(text.substr(0, zone));
}

}  // namespace

/// What one field takes, and what did not fit.
class Fit::Gauge {
 public:
  Gauge(const Column& column, std::size_t index, const FieldFact& fact)
      : column_(column), index_(index), fact_(fact) {
    options_.insert(fact.options.begin(), fact.options.end());
    const bool plain = column.type != Type::json && column.type != Type::list;
    if (plain || !is_choice()) takes_ = fact.takes;
    length_.field = type_.field = null_.field = fact.name;
    if (fact.max_length) {
      length_.why = "takes at most " + std::to_string(*fact.max_length) + " characters";
    }
    null_.why = "is required";
    type_.why = why();
  }

  [[nodiscard]] bool takes_all() const {
    const bool needed = fact_.required && column_.nulls == Nulls::clear;
    return !needed && !fact_.max_length && takes_ == Takes::anything;
  }

  /// Whether the row's value fits.
  bool look(const RowView& row) {
    const Cell cell = row.cell(index_);
    if (cell.is_null()) {
      const bool missing = fact_.required && column_.nulls == Nulls::clear;
      if (missing) add(null_, row, "NULL");
      return !missing;
    }
    const std::string_view text = wire::cell_text(cell, column_, scratch_);
    if (text.empty()) return true;
    const bool too_long = fact_.max_length && characters(text) > *fact_.max_length;
    if (too_long) add(length_, row, text);
    const bool other = !fits(text);
    if (other) add(type_, row, text);
    return !too_long && !other;
  }

  void tell(std::vector<Misfit>& all) const {
    for (const Misfit* one : {&null_, &length_, &type_}) {
      if (one->rows > 0) all.push_back(*one);
    }
  }

 private:
  [[nodiscard]] bool is_choice() const {
    return fact_.takes == Takes::one_of || fact_.takes == Takes::some_of;
  }

  [[nodiscard]] std::string why() const {
    switch (fact_.takes) {
      case Takes::number: return "takes numbers";
      case Takes::whole_number: return "takes whole numbers";
      case Takes::yes_or_no: return "takes true and false";
      case Takes::date: return "takes dates (2024-02-29)";
      case Takes::moment: return "takes times with a zone (timestamptz)";
      case Takes::one_of:
      case Takes::some_of: return "takes values of its list alone";
      case Takes::anything: break;
    }
    return {};
  }

  [[nodiscard]] bool fits(std::string_view text) const {
    switch (takes_) {
      case Takes::anything: return true;
      case Takes::number: return number_of(text).has_value();
      case Takes::whole_number: {
        const auto number = number_of(text);
        return number && std::trunc(*number) == *number;
      }
      case Takes::yes_or_no:
        return std::find(kYesNo.begin(), kYesNo.end(), lowered(text)) != kYesNo.end();
      case Takes::date: return wire::is_date(text.substr(0, 10)) && text.size() == 10;
      case Takes::moment: return is_moment(text);
      case Takes::one_of: return options_.contains(std::string(text));
      case Takes::some_of: return all_are_options(text);
    }
    return true;
  }

  [[nodiscard]] bool all_are_options(std::string_view text) const {
    while (!text.empty()) {
      const std::string_view one = text.substr(0, text.find(';'));
      if (!options_.contains(std::string(one))) return false;
      text.remove_prefix(std::min(text.size(), one.size() + 1));
    }
    return true;
  }

  static void add(Misfit& misfit, const RowView& row, std::string_view value) {
    ++misfit.rows;
    if (misfit.examples.size() >= Misfit::kExamples) return;
    std::string key;
    key_text(row, key);
    misfit.examples.emplace_back(std::move(key), wire::utf8_prefix(value, kShownBytes));
  }

  const Column& column_;
  std::size_t index_;
  const FieldFact& fact_;
  Takes takes_ = Takes::anything;
  std::unordered_set<std::string> options_;
  std::string scratch_;
  Misfit null_;
  Misfit length_;
  Misfit type_;
};

Fit::Fit(const Schema& schema, const std::vector<FieldFact>& facts) {
  std::unordered_map<std::string_view, const FieldFact*> by_name;
  for (const FieldFact& fact : facts) by_name.emplace(fact.name, &fact);
  gauges_.reserve(schema.field_count);
  for (std::size_t i = 0; i < schema.field_count; ++i) {
    if (schema.columns[i].link) continue;  // no field
    const auto found = by_name.find(schema.columns[i].name);
    if (found != by_name.end()) gauges_.emplace_back(schema.columns[i], i, *found->second);
  }
}
Fit::~Fit() = default;

void Fit::look(const RowView& row) {
  bool fits = true;
  for (Gauge& gauge : gauges_) fits = gauge.look(row) && fits;
  if (!fits) ++unfit_rows_;
}

bool Fit::takes_all() const {
  return std::all_of(gauges_.begin(), gauges_.end(),
                     [](const Gauge& gauge) { return gauge.takes_all(); });
}

std::vector<Misfit> Fit::misfits() const {
  std::vector<Misfit> all;
  for (const Gauge& gauge : gauges_) gauge.tell(all);
  return all;
}

std::vector<Misfit> find_misfits(Source& source, Schema schema,
                                 const std::vector<FieldFact>& facts) {
  set_types(schema, source.open());
  Fit fit(schema, facts);
  Chunk chunk;
  while (source.next(chunk)) {
    for (std::size_t i = 0; i < chunk.rows(); ++i) fit.look(RowView(chunk.line(i), schema));
  }
  return fit.misfits();
}

std::string Misfit::words() const {
  std::string said = why + ": ";
  said += rows == 1 ? "one row does not fit: " : std::to_string(rows) + " rows do not fit: ";
  for (std::size_t i = 0; i < examples.size(); ++i) {
    if (i > 0) said += ", ";
    said += examples[i].first + " ('" + examples[i].second + "')";
  }
  if (rows > examples.size()) said += ", …";
  return said;
}

std::vector<FieldFact> parse_field_facts(const json& fields) {
  std::vector<FieldFact> facts;
  for (const json& one : fields) {
    FieldFact& fact = facts.emplace_back();
    fact.name = one.at("name").get<std::string>();
    fact.required = one.at("required").get<bool>();
    fact.writable = one.at("writable").get<bool>();
    fact.unique = one.at("unique").get<bool>();
    fact.options = one.at("options").get<std::vector<std::string>>();
    if (!one.at("max_length").is_null()) fact.max_length = one["max_length"].get<std::size_t>();
    for (const Takes takes : kAllTakes) {
      if (one.at("takes") == to_text(takes)) fact.takes = takes;
    }
  }
  return facts;
}

json to_json(const std::vector<Misfit>& misfits) {
  json all = json::array();
  for (const Misfit& one : misfits) {
    all.push_back({{"field", one.field}, {"words", one.words()}});
  }
  return all;
}

}  // namespace tailrace
