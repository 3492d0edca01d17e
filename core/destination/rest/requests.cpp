// What a request is, and what is lost with its answer.
//
// What a lost answer means hangs on the request's effect. Whatever overwrites, empties or takes
// away the record of a match value is repeatable, by any method: who declares it says that a row
// sent again changes nothing more, and every changed row relies on that anyway. An insert is not,
// and is left unknown: a PUT that was applied is refused when it comes again, and the row would be
// called rejected. It is repeatable under an idempotency key, and where the object says
// `idempotent: true`; `idempotent: false` makes every write of the object one that is never
// repeated by itself.
#include "destination/rest/requests.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "destination/settle.hpp"

namespace tailrace::rest {
namespace {

// A call's tag: the first of its rows, and its stage above.
constexpr int kStageShift = 20;

[[nodiscard]] int tag_of(Stage stage, RowIndex first) {
  return static_cast<int>(stage) << kStageShift | static_cast<int>(first);
}

}  // namespace

Stage stage_of(const Call& call) { return static_cast<Stage>(call.tag >> kStageShift); }

RowIndex first_of(const Batch& batch, const Call& call) {
  const int first = call.tag & ((1 << kStageShift) - 1);
  if (call.tag < 0 || static_cast<std::size_t>(first) >= batch.rows.size()) {
    throw std::logic_error("rest: a call of another batch");
  }
  return static_cast<RowIndex>(first);
}

std::vector<RowIndex> rows_of(const Batch& batch, const Endpoint& endpoint, RowIndex first) {
  std::vector<RowIndex> rows(std::min(endpoint.batch_rows, batch.rows.size() - first));
  std::iota(rows.begin(), rows.end(), first);
  return rows;
}

bool Requests::leave_out_large(Step& step, const Batch& batch, const Endpoint& endpoint) const {
  Regroup others{{}, batch.operation};
  for (RowIndex i = 0; i < batch.rows.size(); ++i) {
    if (removes(batch.operation) || !bodies_.exceeds(batch, endpoint, i, *declared_.row_bytes)) {
      others.rows.push_back(i);
      continue;
    }
    const std::string message =
        "takes more than " + std::to_string(*declared_.row_bytes) + " bytes";
    step.verdicts.push_back({i, Outcome::rejected, reason_of("row_too_large", message), {}});
  }
  if (step.verdicts.empty()) return false;
  if (!others.rows.empty()) step.regroup.push_back(std::move(others));
  return true;
}

void Requests::add(Step& step, const Batch& batch, const Endpoint& endpoint, RowIndex first,
                   Stage stage, std::string_view id) const {
  const std::string key = key_form(batch.rows[first].key);
  const std::string_view refusal = endpoint.path.refuses({key, batch.rows[first].match, id});
  if (refusal.empty()) {
    step.calls.push_back(call_of(batch, endpoint, first, stage, id));
    return;
  }
  const std::string message = "the key or match value " + std::string(refusal);
  step.verdicts.push_back({first, Outcome::rejected, reason_of("unusable_key", message), {}});
}

Call Requests::question(const Batch& batch, const std::vector<RowIndex>& rows, RowIndex first,
                        Stage stage) const {
  std::vector<std::string_view> matches;
  for (const RowIndex row : rows) matches.push_back(batch.rows[row].match);
  Call call;
  call.tag = tag_of(stage, first);
  call.effect = Effect::none;
  call.request = question_for(declared_.find_form->asking, matches);
  return call;
}

Call Requests::call_of(const Batch& batch, const Endpoint& endpoint, RowIndex first, Stage stage,
                       std::string_view id) const {
  const std::vector<RowIndex> rows = rows_of(batch, endpoint, first);
  const std::string key = key_form(batch.rows[first].key);
  Call call;
  call.tag = tag_of(stage, first);
  call.effect = effect_of(batch);
  if (stage != Stage::plain) call.rows = rows;
  call.request.method = endpoint.method;
  endpoint.path.append_address(call.request, {key, batch.rows[first].match, id});
  if (declared_.keyed(batch)) {
    const bool alone = rows.size() == batch.rows.size();
    const std::string part = alone ? std::string() : "-" + std::to_string(first);
    call.request.headers.push_back({declared_.idempotency->header, batch.idempotency_key + part});
  }
  if (endpoint.has_body) {
    call.request.content_type = bodies_.content_type(endpoint);
    call.request.may_gzip = may_gzip_;
    bodies_.write(call.request.body, batch, endpoint, rows);
  }
  return call;
}

Effect Requests::effect_of(const Batch& batch) const {
  if (declared_.keyed(batch)) return Effect::keyed_write;
  const bool repeatable = declared_.idempotent.value_or(batch.operation != Operation::insert);
  return repeatable ? Effect::keyed_write : Effect::unkeyed_write;
}

}  // namespace tailrace::rest
