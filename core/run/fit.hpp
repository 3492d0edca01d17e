#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "destination/destination.hpp"
#include "row/schema.hpp"
#include "source/source.hpp"

namespace tailrace {

/// Rows of a model of which one field's value is none that the tool takes.
struct Misfit {
  static constexpr std::size_t kExamples = 3;

  std::string field;
  std::string why;  // "takes at most 80 characters"
  std::uint64_t rows = 0;
  std::vector<std::pair<std::string, std::string>> examples;  // key and value; the first rows

  /// "takes at most 80 characters: 3 rows do not fit: k1 ('…'), …"
  [[nodiscard]] std::string words() const;
};

class RowView;

/// Holds rows against what a tool says of the fields. Fields of which it says nothing take
/// everything. The schema and the facts are referred to.
class Fit {
 public:
  Fit(const Schema& schema, const std::vector<FieldFact>& facts);
  ~Fit();
  Fit(const Fit&) = delete;
  Fit& operator=(const Fit&) = delete;

  void look(const RowView& row);
  /// Whether every row fits.
  [[nodiscard]] bool takes_all() const;
  /// How many of the rows have a value that does not fit.
  [[nodiscard]] std::uint64_t unfit_rows() const { return unfit_rows_; }
  /// What did not fit, in the order of the schema.
  [[nodiscard]] std::vector<Misfit> misfits() const;

 private:
  class Gauge;
  std::vector<Gauge> gauges_;
  std::uint64_t unfit_rows_ = 0;
};

/// Reads a model whole (the schema's types are the source's) and holds its values against what the
/// tool says of the fields. Throws SourceError.
[[nodiscard]] std::vector<Misfit> find_misfits(Source& source, Schema schema,
                                               const std::vector<FieldFact>& facts);

/// The fields of to_json(Answer), read back.
[[nodiscard]] std::vector<FieldFact> parse_field_facts(const nlohmann::json& fields);
[[nodiscard]] nlohmann::json to_json(const std::vector<Misfit>& misfits);

}  // namespace tailrace
