#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "source/arrow_column.hpp"
#include "source/arrow_owner.hpp"
#include "source/source.hpp"

namespace tailrace {

/// Reads any Arrow C stream: DuckDB, ADBC drivers, polars, pyarrow. Rows are written in COPY text
/// format in one canonical form: the same logical value gives the same bytes whatever integer
/// width, time unit, dictionary, slicing or batch size the driver chose. Nested values become JSON
/// text. Chunks are cut by their bytes, whatever the size of a batch.
///
/// The stream and its batches are released as soon as they are read, on every path, by the thread
/// that reads (a driver may refuse other queries on its connection until then).
class ArrowSource : public Source {
 public:
  /// Moves the stream in; `stream` is marked as released.
  explicit ArrowSource(ArrowArrayStream&& stream);

  /// Refuses, by name, columns whose type cannot be read.
  [[nodiscard]] std::vector<SourceColumn> open() override;
  [[nodiscard]] bool next(Chunk& chunk) override;
  /// Heeded between two chunks and between two batches. A driver that is computing is not
  /// interrupted: the interface has no means for that.
  void cancel() noexcept override { cancelled_.store(true, std::memory_order_release); }
  [[nodiscard]] std::string encoding() const override { return "arrow/1"; }

 private:
  [[nodiscard]] std::vector<SourceColumn> read_schema();
  void fill(Chunk& chunk);
  /// False at the end of the stream.
  [[nodiscard]] bool fetch_batch();
  void bind_batch();
  void write_row(std::string& out, std::int64_t row) const;
  void release() noexcept;
  void check_cancelled() const;
  [[noreturn]] void fail(const char* doing, int code);

  // Released from the bottom up: a batch before the stream that it came from.
  ArrowOwner<ArrowArrayStream> stream_;
  std::vector<std::unique_ptr<ArrowColumn>> columns_;
  ArrowOwner<ArrowArray> batch_;
  const std::uint8_t* batch_validity_ = nullptr;
  std::int64_t row_ = 0;
  std::atomic<bool> cancelled_{false};
};

}  // namespace tailrace
