#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "destination/connection.hpp"
#include "destination/equality.hpp"
#include "destination/kinds.hpp"
#include "destination/loading.hpp"
#include "destination/records.hpp"
#include "destination/salesforce/bulk.hpp"
#include "destination/salesforce/collections.hpp"
#include "destination/salesforce/facts.hpp"
#include "destination/salesforce/questions.hpp"
#include "destination/settle.hpp"
#include "row/ascii.hpp"
#include "wire/rate_headers.hpp"

namespace tailrace::salesforce {
namespace {

/// Without a tier there is no limit of ours: each answer says how many calls are left.
[[nodiscard]] std::vector<wire::RateRule> rates_of(const nlohmann::json& connection) {
  std::vector<wire::RateRule> rates = limits_of(connection);
  if (!rates.empty() || text_of(connection, "tier", "").empty()) return rates;
  rates.push_back({0, tier_of(connection, kTiers, "Salesforce").per_day, wire::kDay, "daily"});
  return rates;
}

[[nodiscard]] std::string version_of(const nlohmann::json& connection) {
  const std::string version = text_of(connection, "api_version", kApiVersion);
  const bool formed = version.size() == 4 && version.ends_with(".0") && is_digit(version[0]) &&
                      is_digit(version[1]);
  const int number = formed ? (version[0] - '0') * 10 + (version[1] - '0') : 0;
  if (number >= kFirstVersion) return version;
  throw std::invalid_argument("connection: api_version is a version of Salesforce's API from " +
                              std::to_string(kFirstVersion) + ".0 on, as in '60.0', not '" +
                              version + "'");
}

/// Which API writes: by size, or always the same.
enum class Api : std::uint8_t { automatic, bulk, collections };

[[nodiscard]] Api api_of(const nlohmann::json& connection) {
  const std::string api = text_of(connection, "api", "auto");
  if (api == "auto") return Api::automatic;
  if (api == "bulk") return Api::bulk;
  if (api == "collections") return Api::collections;
  throw std::invalid_argument("connection: api is auto, bulk or collections, not '" + api + "'");
}

[[nodiscard]] bool hard_delete_of(const nlohmann::json& connection) {
  const auto found = connection.find("hard_delete");
  if (found == connection.end() || found->is_null()) return false;
  if (!found->is_boolean()) {
    throw std::invalid_argument("connection: hard_delete is true or false");
  }
  return found->get<bool>();
}

[[nodiscard]] std::vector<Operation> operations_of(const Target& target) {
  std::vector<Operation> all{Operation::update, Operation::delete_, Operation::archive,
                             Operation::clear};
  if (!target.by_id) all.insert(all.begin(), {Operation::upsert, Operation::insert});
  return all;
}

/// Smaller files than those that the number of rows is judged by would never be made.
[[nodiscard]] FileLimits files_of(const nlohmann::json& connection, Api api) {
  const std::size_t rows = count_of(connection, "job_rows", kJobRows, kJobRows);
  if (api == Api::automatic && rows < kBulkFrom) {
    throw std::invalid_argument("connection: job_rows below " + std::to_string(kBulkFrom) +
                                " takes api: bulk");
  }
  return {rows, kCallsPerJob, kMaxRows};
}

class Salesforce final : public Destination {
 public:
  Salesforce(const nlohmann::json& connection, const nlohmann::json& object, const Schema& schema)
      : target_(text_of(object, "name", ""), schema.columns[schema.match].name,
                version_of(connection)),
        collections_(target_, schema),
        hard_delete_(hard_delete_of(connection)),
        bulk_(target_, schema, hard_delete_),
        api_(api_of(connection)),
        files_(files_of(connection, api_)),
        match_(schema.match),
        fields_(schema.fields().begin(), schema.fields().end()) {
    if (hard_delete_ && api_ == Api::collections) {
      throw std::invalid_argument(
          "connection: hard_delete takes jobs of the Bulk API: api is auto or bulk");
    }
    can_.operations = operations_of(target_);
    can_.rates = rates_of(connection);
    can_.max_in_flight = max_in_flight_of(connection, can_.max_in_flight);
    can_.reads = {ReadAsk::Kind::describe, ReadAsk::Kind::account, ReadAsk::Kind::limits,
                  ReadAsk::Kind::by_match, ReadAsk::Kind::all_ids};
    can_.read_rows = kMaxRows;
    can_.resumes = api_ != Api::collections;
    can_.streams = api_ != Api::collections;
    can_.max_rows = can_.streams ? files_.file_rows : kMaxRows;
    can_.max_bytes = can_.streams ? kMaxFileBytes : kMaxBytes;
    if (!can_.streams) return;
    can_.max_jobs = kMaxJobs;
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
    return can_.streams ? bulk_.bound(row.line) : collections_.bound(row);
  }

  [[nodiscard]] std::uint64_t requests_for(Operation operation, std::uint64_t rows) const override {
    if (!can_.streams || !bulk_.can(operation)) {
      return Destination::requests_for(operation, rows);
    }
    return calls_by_files(files_, rows, in_a_job(operation, rows % files_.file_rows));
  }

  [[nodiscard]] Step begin(const Batch& batch) const override {
    if (!in_a_job(batch.operation, batch.rows.size())) return by_collections(batch);
    const std::vector<RowIndex> unfit = bulk_.unfit(batch);
    if (unfit.empty()) return bulk_.begin(batch);
    if (unfit.size() == batch.rows.size()) return by_collections(batch);
    return part_from_file(files_, batch, unfit);
  }

  [[nodiscard]] Step reply(const Batch& batch, const Memo& memo, const Call& call,
                           const wire::Reply& reply) const override {
    Step step;
    if (Bulk::is_ours(call)) {
      step = bulk_.reply(batch, memo, call, reply);
    } else if (batch.lines && Collections::needs_lines(call, reply)) {
      step = collections_.reply(Loaded(batch).batch(), memo, call, reply);
    } else {
      step = collections_.reply(batch, memo, call, reply);
    }
    step.hint = wire::read_rate_headers(reply);
    return step;
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
                            : read_answer(target_, fields_, ask, *call, *reply);
  }

  [[nodiscard]] bool equal_value(std::size_t column, std::string_view ours,
                                 const std::optional<std::string>& theirs) const override {
    const Column& field = fields_.at(column);
    if (equal_text(kEquality, field, ours, theirs)) return true;
    return theirs && column == match_ && target_.compared(ours) == target_.compared(*theirs);
  }

 private:
  [[nodiscard]] bool in_a_job(Operation operation, std::uint64_t rows) const {
    if (api_ == Api::collections || !bulk_.can(operation)) return false;
    return api_ == Api::bulk || rows >= kBulkFrom || (hard_delete_ && removes(operation));
  }

  /// A batch that was gathered for a job may have requests that are too long.
  [[nodiscard]] Step by_collections(const Batch& batch) const {
    const Loaded loaded(batch);
    const Batch& whole = loaded.batch();
    Cut cut = cut_for_requests(whole, kMaxRows, kMaxBytes,
                               [this](const BatchRow& row) { return collections_.bound(row); });
    return cut.fits ? collections_.begin(whole) : std::move(cut.step);
  }

  Target target_;
  Collections collections_;
  bool hard_delete_;
  Bulk bulk_;
  Api api_;
  FileLimits files_;
  std::size_t match_ = 0;
  std::vector<Column> fields_;
  Capabilities can_;
};

}  // namespace
}  // namespace tailrace::salesforce

namespace tailrace {

std::unique_ptr<Destination> make_salesforce(const nlohmann::json& connection,
                                             const nlohmann::json& object, const Schema& schema) {
  return std::make_unique<salesforce::Salesforce>(connection, object, with_trimmed_match(schema));
}

}  // namespace tailrace
