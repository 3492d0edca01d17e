#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "destination/destination.hpp"

namespace tailrace {

/// Calls `take` for each row of a batch with its line and which of its fields are sent, wherever
/// the lines are. The views hold during the call.
void each_line(const Batch& batch,
               const std::function<void(RowIndex, std::string_view, std::string_view)>& take);

/// A batch with its lines in memory, where they were elsewhere.
class Loaded {
 public:
  explicit Loaded(const Batch& batch);
  Loaded(const Loaded&) = delete;
  Loaded& operator=(const Loaded&) = delete;

  [[nodiscard]] const Batch& batch() const { return batch_; }

 private:
  std::vector<std::pair<std::string, std::string>> texts_;  // lines, and marks of fields
  std::vector<BatchRow> rows_;
  Batch batch_;
};

/// Adds `rows` to a step's regroups, in groups of at most so many.
void regroup_rows(Step& step, const std::vector<RowIndex>& rows, std::size_t most,
                  Operation operation);

/// A tool that takes rows by files, and by requests what no file is made for.
struct FileLimits {
  std::size_t file_rows;
  std::uint64_t calls_per_file;
  std::size_t request_rows;
};

/// How many requests so many rows take, the rest behind full files in one of its own or not.
[[nodiscard]] std::uint64_t calls_by_files(const FileLimits& limits, std::uint64_t rows,
                                           bool rest_in_file);

/// A batch of which `unfit`, in order, cannot stand in a file: groups for files of the others, and
/// groups for requests of these.
[[nodiscard]] Step part_from_file(const FileLimits& limits, const Batch& batch,
                                  const std::vector<RowIndex>& unfit);

/// What a batch that was gathered for a file is as requests.
struct Cut {
  Step step;  // the groups, and rows that alone are longer than a request, which are rejected
  bool fits = true;  // no group has fewer rows than it might for its bytes
};

/// Cuts a batch whose lines are in memory into groups of at most so many rows and bytes. `bound`:
/// what a row adds to a request.
[[nodiscard]] Cut cut_for_requests(const Batch& batch, std::size_t most_rows,
                                   std::size_t most_bytes,
                                   const std::function<std::size_t(const BatchRow&)>& bound);

}  // namespace tailrace
