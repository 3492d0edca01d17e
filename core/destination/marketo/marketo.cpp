#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "destination/connection.hpp"
#include "destination/equality.hpp"
#include "destination/kinds.hpp"
#include "destination/loading.hpp"
#include "destination/marketo/bulk.hpp"
#include "destination/marketo/facts.hpp"
#include "destination/marketo/leads.hpp"
#include "destination/marketo/members.hpp"
#include "destination/marketo/questions.hpp"
#include "destination/records.hpp"
#include "destination/settle.hpp"
#include "wire/body.hpp"

namespace tailrace::marketo {
namespace {

/// Of a request's body beside its rows.
constexpr std::size_t kEnvelope = 1'000;

[[nodiscard]] wire::Milliseconds resend_after_of(const nlohmann::json& connection) {
  const auto found = connection.find("resend_after_s");
  if (found == connection.end() || found->is_null()) return kResendAfter;
  const double seconds = found->is_number() ? found->get<double>() : -1;
  if (seconds < 0 || seconds > 3600) {
    throw std::invalid_argument("connection: resend_after_s is a number of seconds up to 3600");
  }
  return wire::Milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

[[nodiscard]] std::vector<wire::RateRule> rates_of(const nlohmann::json& connection,
                                                   double daily_calls) {
  std::vector<wire::RateRule> rates = limits_of(connection);
  if (!rates.empty()) return rates;
  rates.push_back({0, kWindowCalls, kWindow, "in 20 s", kAtOnce});
  rates.push_back({0, daily_calls, wire::kDay, "daily"});
  return rates;
}

/// What writes: requests of 300 leads, imports, or either by the number of rows.
enum class Api : std::uint8_t { automatic, leads, bulk };

[[nodiscard]] Api api_of(const nlohmann::json& connection, const Target& target) {
  const std::string api = text_of(connection, "api", "auto");
  if (api != "auto" && api != "leads" && api != "bulk") {
    throw std::invalid_argument("connection: api is auto, leads or bulk, not '" + api + "'");
  }
  if (!target.list.empty() || api == "leads") return Api::leads;
  return api == "bulk" ? Api::bulk : Api::automatic;
}

[[nodiscard]] std::vector<Operation> operations_of(const Target& target) {
  if (!target.list.empty()) return {Operation::upsert, Operation::delete_};
  std::vector<Operation> all{Operation::update, Operation::delete_, Operation::clear};
  if (!target.by_id) all.insert(all.begin(), {Operation::upsert, Operation::insert});
  return all;
}

/// Smaller files than those that the number of rows is judged by would never be made.
[[nodiscard]] FileLimits files_of(const nlohmann::json& connection, Api api) {
  const std::size_t rows = count_of(connection, "job_rows", kFileRows, kFileRows);
  if (api == Api::automatic && rows < kBulkFrom) {
    throw std::invalid_argument("connection: job_rows below " + std::to_string(kBulkFrom) +
                                " takes api: bulk");
  }
  return {rows, kCallsPerFile, kMaxRows};
}

class Marketo final : public Destination {
 public:
  Marketo(const nlohmann::json& connection, const nlohmann::json& object, const Schema& schema)
      : target_(text_of(object, "name", ""), schema.columns[schema.match].name),
        leads_(target_, schema, text_of(connection, "partition", "")),
        by_id_(target_),
        api_(api_of(connection, target_)),
        files_(files_of(connection, api_)),
        bulk_(target_, schema, text_of(connection, "partition", ""), api_ == Api::automatic),
        daily_calls_(
            static_cast<double>(count_of(connection, "daily_quota", kDailyCalls, kMostDailyCalls))),
        match_(schema.match),
        fields_(schema.fields().begin(), schema.fields().end()) {
    if (!target_.list.empty() && schema.field_count > 1) {
      throw std::invalid_argument(
          "fields: members of a list are named by the match field, and have no other");
    }
    can_.operations = operations_of(target_);
    can_.rates = rates_of(connection, daily_calls_);
    can_.max_in_flight = max_in_flight_of(connection, kAtOnce);
    can_.reads = {ReadAsk::Kind::describe, ReadAsk::Kind::limits};
    if (target_.list.empty()) can_.reads.push_back(ReadAsk::Kind::by_match);
    can_.read_rows = kMaxRows;
    can_.resend_after = resend_after_of(connection);
    can_.max_rows = kMaxRows;
    can_.max_bytes = kMaxBytes - kEnvelope;
    can_.streams = api_ != Api::leads && bulk_.can(can_.operations.front());
    can_.resumes = can_.streams;
    if (!can_.streams) return;
    can_.max_rows = files_.file_rows;
    can_.max_bytes = kMaxFileBytes - kFormBytes - bulk_.header_bytes();
    can_.max_jobs = count_of(connection, "max_jobs", kMaxJobs, kMostJobs);
    for (const Operation operation : can_.operations) {
      if (bulk_.can(operation)) continue;
      can_.fewer_rows.emplace_back(operation, std::min(kMaxRows, files_.file_rows));
    }
  }

  [[nodiscard]] const Capabilities& capabilities() const override { return can_; }

  [[nodiscard]] bool identity_into(std::string_view match, std::string& out) const override {
    return target_.identity_into(match, out);
  }

  [[nodiscard]] std::size_t row_bytes(const BatchRow& row) const override {
    return can_.streams ? Bulk::bound(row.line) : request_bytes(row);
  }

  [[nodiscard]] std::uint64_t requests_for(Operation operation, std::uint64_t rows) const override {
    const std::uint64_t requests = (rows + kMaxRows - 1) / kMaxRows;
    if (!target_.list.empty() && !target_.by_id) return 2 * requests;  // looked up first
    if (!can_.streams || !bulk_.can(operation)) return requests;
    return calls_by_files(files_, rows, in_an_import(operation, rows % files_.file_rows));
  }

  [[nodiscard]] Step begin(const Batch& batch) const override {
    if (!in_an_import(batch.operation, batch.rows.size())) return by_requests(batch);
    const std::vector<RowIndex> unfit = bulk_.unfit(batch);
    if (unfit.empty()) return bulk_.begin(batch);
    if (unfit.size() == batch.rows.size()) return by_requests(batch);
    return part_from_file(files_, batch, unfit);
  }

  [[nodiscard]] Step reply(const Batch& batch, const Memo& memo, const Call& call,
                           const wire::Reply& reply) const override {
    if (Bulk::is_ours(call)) return bulk_.reply(batch, memo, call, reply);
    if (ById::is_ours(call)) return by_id_.reply(batch, memo, call, reply);
    return leads_.reply(batch, reply);
  }

  [[nodiscard]] Step resume(const Batch& batch, const Memo& memo) const override {
    return bulk_.resume(batch, memo);
  }
  [[nodiscard]] Call poll(std::span<const JobBatch> batches) const override {
    return bulk_.poll(batches);
  }
  [[nodiscard]] Polled polled(std::span<const JobBatch> batches,
                              const wire::Reply& reply) const override {
    return bulk_.polled(batches, reply);
  }

  [[nodiscard]] ReadStep read(const ReadAsk& ask, const Call* call,
                              const wire::Reply* reply) const override {
    if (!can_.answers(ask.kind)) return Destination::read(ask, call, reply);
    return reply == nullptr ? first_questions(target_, fields_, ask)
                            : read_answer_to(target_, fields_, ask, daily_calls_, *call, *reply);
  }

  [[nodiscard]] bool equal_value(std::size_t column, std::string_view ours,
                                 const std::optional<std::string>& theirs) const override {
    const Column& field = fields_.at(column);
    if (equal_text(kEquality, field, ours, theirs)) return true;
    return theirs && column == match_ && target_.compared(ours) == target_.compared(*theirs);
  }

 private:
  /// With the match value, of which alone a removal or a clear is made.
  [[nodiscard]] std::size_t request_bytes(const BatchRow& row) const {
    return leads_.bound(row.line) + 2 * row.match.size();
  }

  [[nodiscard]] bool in_an_import(Operation operation, std::uint64_t rows) const {
    if (!can_.streams || !bulk_.can(operation)) return false;
    return api_ == Api::bulk || rows >= kBulkFrom;
  }

  /// A batch that was gathered for a file may be several requests.
  [[nodiscard]] Step by_requests(const Batch& batch) const {
    const Loaded loaded(batch);
    const Batch& whole = loaded.batch();
    Cut cut = cut_for_requests(whole, kMaxRows, kMaxBytes - kEnvelope,
                               [this](const BatchRow& row) { return request_bytes(row); });
    if (!cut.fits || whole.rows.size() > kMaxRows) return std::move(cut.step);
    const bool by_id = !target_.list.empty() || batch.operation == Operation::delete_;
    return by_id ? by_id_.begin(whole) : leads_.begin(whole);
  }

  Target target_;
  Leads leads_;
  ById by_id_;
  Api api_;
  FileLimits files_;
  Bulk bulk_;
  double daily_calls_;
  std::size_t match_ = 0;
  std::vector<Column> fields_;
  Capabilities can_;
};

}  // namespace
}  // namespace tailrace::marketo

namespace tailrace {

std::unique_ptr<Destination> make_marketo(const nlohmann::json& connection,
                                          const nlohmann::json& object, const Schema& schema) {
  return std::make_unique<marketo::Marketo>(connection, object, with_trimmed_match(schema));
}

}  // namespace tailrace
