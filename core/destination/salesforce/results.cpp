#include "destination/salesforce/results.hpp"

#include <utility>

#include "destination/salesforce/answer.hpp"
#include "destination/salesforce/facts.hpp"
#include "wire/cell.hpp"

namespace tailrace::salesforce {
namespace {

constexpr std::string_view kIdColumn = "sf__Id";
constexpr std::string_view kErrorColumn = "sf__Error";

/// "CODE:message:fields --". What is no code of Salesforce's says nothing for certain.
[[nodiscard]] Verdict read_error(RowIndex row, Operation operation, std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view code = text.substr(0, colon);
  if (!is_code(code)) {
    return {row, Outcome::unknown, reason_of("unreadable_result", text), {}};
  }
  std::string_view message;
  if (colon != std::string_view::npos) message = text.substr(colon + 1);
  if (message.ends_with(" --")) message.remove_suffix(3);
  std::string_view field;
  if (const std::size_t last = message.rfind(':'); last != std::string_view::npos) {
    field = message.substr(last + 1);
    if (field.empty() || field.find(' ') != std::string_view::npos) field = {};
    message = message.substr(0, last);
  }
  return refused_row(row, operation, reason_of(code, message, field));
}

}  // namespace

Results::Results(const Target& target, const Batch& batch)
    : target_(target),
      operation_(batch.operation),
      by_id_(target.by_id || removes(batch.operation)),
      column_(by_id_ ? std::string(kId) : target.match),
      evidence_(std::in_place, batch.rows.size()) {
  rows_.reserve(batch.rows.size());
  const Column& column = batch.schema->columns[batch.schema->match];
  std::string scratch;
  for (RowIndex row = 0; row < batch.rows.size(); ++row) {
    const BatchRow& one = batch.rows[row];
    const bool known = removes(operation_) && !target.by_id;
    std::string name =
        compared(known ? one.destination_id : wire::value_text(one.match, column, scratch));
    if (!name.empty()) rows_.emplace(std::move(name), row);
  }
}

std::string Results::compared(std::string_view value) const {
  return by_id_ ? whole_id(value).value_or(std::string()) : target_.compared(value);
}

std::optional<RowIndex> Results::row_of(const std::string& name) const {
  const auto found = rows_.find(name);
  if (found == rows_.end()) return std::nullopt;
  return found->second;
}

void Results::add(std::vector<Verdict> verdicts) {
  for (Verdict& verdict : verdicts) evidence_->add(std::move(verdict));
}

Step Results::take() {
  Step step;
  step.verdicts =
      std::move(*evidence_)
          .verdicts(reason_of("not_in_results", "no result set of the job tells of it"));
  step.stop = stop;
  return step;
}

ResultSink::ResultSink(std::shared_ptr<Results> results, ResultSet set)
    : results_(std::move(results)), set_(set) {}

bool ResultSink::begin(const wire::Reply& head) {
  if (head.status != 200) return false;
  reader_.emplace([this](std::span<const std::string_view> cells) {
    take_row(cells);
    return true;
  });
  name_ = id_ = error_ = std::nullopt;
  verdicts_.clear();
  return true;
}

bool ResultSink::take(std::string_view bytes) { return reader_->take(bytes); }

bool ResultSink::has_columns() {
  if (name_) return true;
  name_ = reader_->column(results_->column());
  id_ = reader_->column(kIdColumn);
  error_ = reader_->column(kErrorColumn);
  return name_.has_value();
}

void ResultSink::take_row(std::span<const std::string_view> cells) {
  if (!has_columns()) return;
  const auto row = results_->row_of(results_->compared(cells[*name_]));
  if (!row) return;  // of a resumed removal only the match values are known
  const std::string id = id_ ? whole_id(cells[*id_]).value_or(std::string()) : std::string();
  switch (set_) {
    case ResultSet::successful: verdicts_.push_back({*row, Outcome::accepted, {}, id}); break;
    case ResultSet::failed:
      verdicts_.push_back(
          read_error(*row, results_->operation(), error_ ? cells[*error_] : std::string_view()));
      break;
    case ResultSet::unprocessed:
      verdicts_.push_back({*row,
                           Outcome::retryable,
                           reason_of("unprocessed", "the job ended before this row"),
                           {}});
      break;
  }
}

bool ResultSink::finish() {
  if (!reader_ || !reader_->end() || !has_columns()) return false;
  // A page in its place would have no such columns.
  const bool its_own = set_ == ResultSet::unprocessed || id_.has_value();
  const bool told = set_ != ResultSet::failed || error_.has_value();
  if (!its_own || !told) return false;
  results_->add(std::exchange(verdicts_, {}));
  return true;
}

}  // namespace tailrace::salesforce
