#include "destination/loading.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "destination/settle.hpp"

namespace tailrace {

void each_line(const Batch& batch,
               const std::function<void(RowIndex, std::string_view, std::string_view)>& take) {
  if (!batch.lines) {
    for (RowIndex row = 0; row < batch.rows.size(); ++row) {
      take(row, batch.rows[row].line, batch.rows[row].send);
    }
    return;
  }
  LineCursor cursor(batch.lines);
  for (RowIndex row = 0; row < batch.rows.size(); ++row) {
    const std::optional<std::string_view> line = cursor.next();
    if (!line) return;
    take(row, *line, cursor.send());
  }
}

Loaded::Loaded(const Batch& batch) : batch_(batch) {
  if (!batch.lines) return;
  texts_.reserve(batch.rows.size());
  each_line(batch, [this](RowIndex /*row*/, std::string_view line, std::string_view send) {
    texts_.emplace_back(line, send);
  });
  rows_.assign(batch.rows.begin(), batch.rows.end());
  for (std::size_t row = 0; row < texts_.size(); ++row) {
    rows_[row].line = texts_[row].first;
    rows_[row].send = texts_[row].second;
  }
  batch_.rows = rows_;
  batch_.lines = nullptr;
}

void regroup_rows(Step& step, const std::vector<RowIndex>& rows, std::size_t most,
                  Operation operation) {
  for (std::size_t at = 0; at < rows.size(); at += most) {
    const auto from = rows.begin() + static_cast<std::ptrdiff_t>(at);
    const auto count = static_cast<std::ptrdiff_t>(std::min(most, rows.size() - at));
    step.regroup.push_back({{from, from + count}, operation});
  }
}

std::uint64_t calls_by_files(const FileLimits& limits, std::uint64_t rows, bool rest_in_file) {
  const std::uint64_t files = rows / limits.file_rows;
  const std::uint64_t rest = rows % limits.file_rows;
  if (rest_in_file && rest > 0) return (files + 1) * limits.calls_per_file;
  const std::uint64_t requests = (rest + limits.request_rows - 1) / limits.request_rows;
  return files * limits.calls_per_file + requests;
}

Step part_from_file(const FileLimits& limits, const Batch& batch,
                    const std::vector<RowIndex>& unfit) {
  Step step;
  std::vector<RowIndex> fit;
  const std::vector<RowIndex> all = all_rows(batch);
  std::set_difference(all.begin(), all.end(), unfit.begin(), unfit.end(), std::back_inserter(fit));
  regroup_rows(step, fit, limits.file_rows, batch.operation);
  regroup_rows(step, unfit, limits.request_rows, batch.operation);
  return step;
}

Cut cut_for_requests(const Batch& batch, std::size_t most_rows, std::size_t most_bytes,
                     const std::function<std::size_t(const BatchRow&)>& bound) {
  Cut cut;
  std::vector<RowIndex> group;
  std::size_t bytes = 0;
  const auto close = [&] {
    if (!group.empty()) cut.step.regroup.push_back({std::exchange(group, {}), batch.operation});
    bytes = 0;
  };
  for (RowIndex row = 0; row < batch.rows.size(); ++row) {
    if (row % most_rows == 0 && row > 0) close();
    const std::size_t more = bound(batch.rows[row]);
    if (more > most_bytes) {
      cut.fits = false;
      give_all(cut.step, {row}, Outcome::rejected,
               reason_of("row_too_large", "the row alone is larger than a request may be"));
      continue;
    }
    if (bytes + more > most_bytes) {
      cut.fits = false;
      close();
    }
    bytes += more;
    group.push_back(row);
  }
  close();
  return cut;
}

}  // namespace tailrace
