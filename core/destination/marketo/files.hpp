#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "destination/destination.hpp"
#include "destination/marketo/target.hpp"
#include "wire/body.hpp"
#include "wire/csv_reader.hpp"

namespace tailrace::marketo {

/// The files that tell of an import's rows.
enum class RowFile : std::uint8_t { failures, warnings };

/// What is known of an import's rows while its files are read, one after the other. A file has the
/// import's own columns and one more, with the reason; rows are found by their match values.
class ImportResults {
 public:
  ImportResults(const Target& target, const Batch& batch);

  /// How many rows each file must name.
  std::uint64_t failed = 0;
  std::uint64_t warned = 0;
  std::vector<RowFile> to_read;  // the next one last

  [[nodiscard]] const std::string& column() const { return target_.match; }
  [[nodiscard]] std::optional<RowIndex> row_of(std::string_view match) const;
  /// Takes what a file says; `rows`: how many it has.
  void add(RowFile file, std::uint64_t rows, std::vector<Verdict> verdicts);
  /// Once all files are read: rows that none of them names were imported, where the files name as
  /// many as the import counts.
  [[nodiscard]] Step take();

 private:
  const Target& target_;
  std::size_t size_;
  std::unordered_map<std::string, RowIndex> rows_;
  std::unordered_map<RowIndex, Verdict> named_;
  bool whole_ = true;
};

/// Takes one file while it is received.
class ImportFileSink final : public wire::ReplySink {
 public:
  ImportFileSink(std::shared_ptr<ImportResults> results, RowFile file);

  [[nodiscard]] bool begin(const wire::Reply& head) override;
  [[nodiscard]] bool take(std::string_view bytes) override;

  /// The whole file was read, and is one: what it says goes to the results.
  [[nodiscard]] bool finish();
  [[nodiscard]] const std::shared_ptr<ImportResults>& results() const { return results_; }

 private:
  void take_row(std::span<const std::string_view> cells);

  std::shared_ptr<ImportResults> results_;
  RowFile file_;
  std::optional<wire::CsvReader> reader_;
  std::vector<Verdict> verdicts_;
};

}  // namespace tailrace::marketo
