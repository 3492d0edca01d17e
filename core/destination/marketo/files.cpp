#include "destination/marketo/files.hpp"

#include <utility>

#include "destination/marketo/facts.hpp"
#include "destination/settle.hpp"
#include "wire/cell.hpp"

namespace tailrace::marketo {

ImportResults::ImportResults(const Target& target, const Batch& batch)
    : target_(target), size_(batch.rows.size()) {
  rows_.reserve(size_);
  const Column& column = batch.schema->columns[batch.schema->match];
  std::string scratch;
  for (RowIndex row = 0; row < size_; ++row) {
    std::string match = target.compared(wire::value_text(batch.rows[row].match, column, scratch));
    if (!match.empty()) rows_.emplace(std::move(match), row);
  }
}

std::optional<RowIndex> ImportResults::row_of(std::string_view match) const {
  const auto found = rows_.find(target_.compared(match));
  if (found == rows_.end()) return std::nullopt;
  return found->second;
}

void ImportResults::add(RowFile file, std::uint64_t rows, std::vector<Verdict> verdicts) {
  const std::uint64_t counted = file == RowFile::failures ? failed : warned;
  // A row that is not one of ours is another in disguise.
  whole_ = whole_ && rows == counted && verdicts.size() == rows;
  for (Verdict& verdict : verdicts) {
    const RowIndex row = verdict.row;
    // The failures come first, and outweigh a warning.
    named_.emplace(row, std::move(verdict));
  }
}

Step ImportResults::take() {
  Step step;
  for (RowIndex row = 0; row < size_; ++row) {
    const auto named = named_.find(row);
    if (named != named_.end()) {
      step.verdicts.push_back(std::move(named->second));
    } else if (whole_) {
      step.verdicts.push_back({row, Outcome::accepted, {}, {}});
    } else {
      step.verdicts.push_back(
          {row,
           Outcome::unknown,
           reason_of("not_in_results", "the import's files and its counts tell of other rows"),
           {}});
    }
  }
  return step;
}

ImportFileSink::ImportFileSink(std::shared_ptr<ImportResults> results, RowFile file)
    : results_(std::move(results)), file_(file) {}

bool ImportFileSink::begin(const wire::Reply& head) {
  // A refusal of the API has the same status, and is JSON.
  const std::string_view type = head.header("content-type");
  if (head.status != 200 || type.find("json") != std::string_view::npos) return false;
  verdicts_.clear();
  reader_.emplace([this](std::span<const std::string_view> cells) {
    take_row(cells);
    return true;
  });
  return true;
}

bool ImportFileSink::take(std::string_view bytes) { return reader_->take(bytes); }

void ImportFileSink::take_row(std::span<const std::string_view> cells) {
  const auto match = reader_->column(results_->column());
  if (!match || cells.size() < 2) return;
  const auto row = results_->row_of(cells[*match]);
  if (!row) return;
  const bool fails = file_ == RowFile::failures;
  // A row with a warning was imported without one of its values: it is not what the model says.
  verdicts_.push_back({*row,
                       Outcome::rejected,
                       reason_of(fails ? "import_failure" : "import_warning", cells.back()),
                       {}});
}

bool ImportFileSink::finish() {
  if (!reader_ || !reader_->end()) return false;
  // A page in its place has no such column.
  if (!reader_->column(results_->column()) || reader_->header().size() < 2) return false;
  results_->add(file_, reader_->rows(), std::exchange(verdicts_, {}));
  return true;
}

}  // namespace tailrace::marketo
