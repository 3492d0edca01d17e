#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "destination/destination.hpp"
#include "destination/salesforce/results.hpp"
#include "destination/salesforce/target.hpp"
#include "wire/csv_writer.hpp"

namespace tailrace::salesforce {

/// A batch as a job of Bulk API 2.0: opened, its file uploaded, closed, which is what writes; asked
/// for until it has ended; its result sets read. The name of the job is on record before the close.
class Bulk {
 public:
  Bulk(const Target& target, const Schema& schema, bool hard_delete);

  /// Whether jobs do what `operation` wants of this object.
  [[nodiscard]] bool can(Operation operation) const;
  /// Rows that a file cannot say: a text that means NULL there, a removed record of unknown id, and
  /// inserts of one match value, whose results could not be told apart.
  [[nodiscard]] std::vector<RowIndex> unfit(const Batch& batch) const;

  [[nodiscard]] Step begin(const Batch& batch) const;
  [[nodiscard]] static bool is_ours(const Call& call);
  [[nodiscard]] Step reply(const Batch& batch, const Memo& memo, const Call& call,
                           const wire::Reply& reply) const;
  [[nodiscard]] Step resume(const Batch& batch, const Memo& memo) const;
  [[nodiscard]] Call poll(std::span<const JobBatch> batches) const;
  [[nodiscard]] Polled polled(std::span<const JobBatch> batches, const wire::Reply& reply) const;
  /// Upper bound of what a row adds to a file.
  [[nodiscard]] std::size_t bound(std::string_view line) const;

 private:
  [[nodiscard]] std::string_view verb(Operation operation) const;
  [[nodiscard]] std::string job_path(std::string_view job, std::string_view rest = {}) const;
  void upload(Step& step, const Batch& batch, const std::string& job) const;
  [[nodiscard]] Call set_state(const std::string& job, std::string_view state) const;
  [[nodiscard]] Step read_opened(const Batch& batch, const wire::Reply& reply) const;
  [[nodiscard]] Step read_uploaded(const Batch& batch, const Memo& memo,
                                   const wire::Reply& reply) const;
  [[nodiscard]] Step read_closed(const Batch& batch, const Memo& memo,
                                 const wire::Reply& reply) const;
  [[nodiscard]] Step read_aborted(const Batch& batch, const Memo& memo,
                                  const wire::Reply& reply) const;
  [[nodiscard]] Step read_results(const Memo& memo, const Call& call,
                                  const wire::Reply& reply) const;
  void give_up(Step& step, const std::string& job) const;
  [[nodiscard]] Step next_results(const std::string& job, std::shared_ptr<Results> results) const;
  [[nodiscard]] Step read_job(const JobBatch& one, const nlohmann::json& job) const;

  const Target& target_;
  bool hard_delete_;
  std::shared_ptr<const wire::CsvRowWriter> writer_;
};

}  // namespace tailrace::salesforce
