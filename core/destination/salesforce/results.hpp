#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "destination/destination.hpp"
#include "destination/salesforce/target.hpp"
#include "destination/settle.hpp"
#include "wire/body.hpp"
#include "wire/csv_reader.hpp"

namespace tailrace::salesforce {

/// The result sets of a job, in the order in which they are asked for.
enum class ResultSet : std::uint8_t { successful, failed, unprocessed };

/// What is known of a job's rows while its result sets are read, one after the other. They are in
/// no order: rows are found by their match values, or by their ids where they were sent by those.
class Results {
 public:
  Results(const Target& target, const Batch& batch);

  [[nodiscard]] std::optional<RowIndex> row_of(const std::string& name) const;
  [[nodiscard]] Operation operation() const { return operation_; }
  /// The column that names a row.
  [[nodiscard]] const std::string& column() const { return column_; }
  [[nodiscard]] std::string compared(std::string_view value) const;

  void add(std::vector<Verdict> verdicts);
  /// Once all sets are read: rows that none of them has are unknown.
  [[nodiscard]] Step take();

  std::vector<ResultSet> to_read;  // the next one last
  std::optional<Stop> stop;        // why the job broke off, where that stops the run

 private:
  const Target& target_;
  Operation operation_;
  bool by_id_;
  std::string column_;
  std::unordered_map<std::string, RowIndex> rows_;
  std::optional<Evidence> evidence_;
};

/// Takes one result set while it is received.
class ResultSink final : public wire::ReplySink {
 public:
  ResultSink(std::shared_ptr<Results> results, ResultSet set);

  [[nodiscard]] bool begin(const wire::Reply& head) override;
  [[nodiscard]] bool take(std::string_view bytes) override;

  /// The whole set was read, and is one: its verdicts go to the results.
  [[nodiscard]] bool finish();
  [[nodiscard]] const std::shared_ptr<Results>& results() const { return results_; }

 private:
  void take_row(std::span<const std::string_view> cells);
  [[nodiscard]] bool has_columns();

  std::shared_ptr<Results> results_;
  ResultSet set_;
  std::optional<wire::CsvReader> reader_;
  std::optional<std::size_t> name_;   // columns
  std::optional<std::size_t> id_;
  std::optional<std::size_t> error_;
  std::vector<Verdict> verdicts_;
};

}  // namespace tailrace::salesforce
