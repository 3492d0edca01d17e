#include "destination/klaviyo/import_errors.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "destination/klaviyo/facts.hpp"
#include "wire/json_reader.hpp"

namespace tailrace::klaviyo {
namespace {

using nlohmann::json;

/// A profile that there is none of, where rows are sent by Klaviyo's ids.
void take_gone(Verdict& verdict, Operation operation) {
  if (operation == Operation::update) {
    verdict.outcome = Outcome::skipped;
    verdict.reason.code = kMissing;
  } else if (operation == Operation::clear) {
    verdict.outcome = Outcome::accepted;
  }
}

}  // namespace

ImportErrors::ImportErrors(Sent sent, const Batch& batch, std::optional<std::size_t> failed)
    : sent_(std::move(sent)),
      operation_(batch.operation),
      failed_(failed),
      evidence_(batch.rows.size()) {}

void ImportErrors::add(const Problem& problem) {
  ++told_;
  Reason reason = reason_of(problem.code, problem.detail, problem.field);
  if (problem.code.empty() || !problem.row || *problem.row >= sent_.rows.size()) {
    nobodys_ = std::move(reason);
    return;
  }
  const RowIndex row = sent_.rows[*problem.row];
  if (!evidence_.has(row)) ++named_;
  Verdict verdict{row, Outcome::rejected, std::move(reason), {}};
  if (problem.code == kNotFound) take_gone(verdict, operation_);
  evidence_.add(std::move(verdict));
}

Step ImportErrors::take() && {
  const bool complete = !nobodys_ && named_ >= failed_.value_or(0);
  const Reason open =
      nobodys_.value_or(reason_of("not_in_errors", "the import counts more errors than it tells"));
  for (const RowIndex row : sent_.rows) {
    if (evidence_.has(row)) continue;
    evidence_.add(
        {row, complete ? Outcome::accepted : Outcome::unknown, complete ? Reason{} : open, {}});
  }
  Step step;
  std::vector<Verdict> verdicts = std::move(evidence_).verdicts({});
  for (const RowIndex row : sent_.rows) step.verdicts.push_back(std::move(verdicts[row]));
  return step;
}

bool ErrorPage::begin(const wire::Reply& head) {
  text_.clear();
  return head.status == 200;
}

bool ErrorPage::take(std::string_view bytes) {
  text_ += bytes;
  return text_.size() <= wire::JsonLimits{}.max_bytes;
}

std::optional<std::string> ErrorPage::finish() {
  const auto body = wire::read_json(text_);
  const json* data = body ? wire::member(*body, "data") : nullptr;
  if (data == nullptr || !data->is_array()) return std::nullopt;
  auto cursor = next_cursor(*body);
  if (!cursor || (!cursor->empty() && data->empty())) return std::nullopt;
  for (const json& error : *data) {
    const json* attributes = wire::member(error, "attributes");
    errors_->add(attributes == nullptr ? Problem{} : read_problem(*attributes));
  }
  return cursor;
}

Call ask_for_errors(std::shared_ptr<ImportErrors> errors, const std::string& cursor) {
  std::string path(kJobs);
  path.append("/").append(errors->job()).append(kErrorsOf);
  Call call = call_of(kErrors, wire::Method::get, std::move(path));
  std::string& query = call.request.query;
  query = "fields%5Bimport-error%5D=code%2Ctitle%2Cdetail%2Csource&page%5Bsize%5D=";
  query += std::to_string(kPage);
  if (!cursor.empty()) query.append("&page%5Bcursor%5D=").append(cursor);
  call.request.sink = std::make_shared<ErrorPage>(std::move(errors));
  return call;
}

}  // namespace tailrace::klaviyo
