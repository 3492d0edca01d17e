#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "destination/destination.hpp"
#include "destination/marketo/files.hpp"
#include "destination/marketo/target.hpp"
#include "wire/csv_writer.hpp"

namespace tailrace::marketo {

/// A batch as one bulk import: a CSV file that Marketo queues, works on by itself, and then tells
/// of by counts and by files of the rows that failed.
class Bulk {
 public:
  /// `has_requests`: small batches go another way, as those of an import that failed as a whole do.
  Bulk(const Target& target, const Schema& schema, std::string partition, bool has_requests);

  /// Whether imports do what `operation` wants: they create or update, and update alone by id.
  [[nodiscard]] bool can(Operation operation) const;
  /// Rows that a file cannot say for certain: with a NULL, an empty text or the word NULL in it, or
  /// of which some fields are not sent.
  [[nodiscard]] std::vector<RowIndex> unfit(const Batch& batch) const;

  [[nodiscard]] Step begin(const Batch& batch) const;
  [[nodiscard]] static bool is_ours(const Call& call);
  [[nodiscard]] Step reply(const Batch& batch, const Memo& memo, const Call& call,
                           const wire::Reply& reply) const;
  [[nodiscard]] Step resume(const Batch& batch, const Memo& memo) const;
  [[nodiscard]] Call poll(std::span<const JobBatch> batches) const;
  [[nodiscard]] Polled polled(std::span<const JobBatch> batches, const wire::Reply& reply) const;

  /// Upper bound of what a row adds to a file, and what there is besides.
  [[nodiscard]] static std::size_t bound(std::string_view line);
  [[nodiscard]] std::size_t header_bytes() const { return writer_->header_bytes(); }

 private:
  [[nodiscard]] std::shared_ptr<const wire::BodySource> file_of(const Batch& batch) const;
  [[nodiscard]] Step read_queued(const Batch& batch, const wire::Reply& reply) const;
  [[nodiscard]] Step read_file(const Memo& memo, const Call& call, const wire::Reply& reply) const;
  [[nodiscard]] Step read_status(const JobBatch& one, const nlohmann::json& status) const;
  [[nodiscard]] static Step next_file(const std::string& id,
                                      std::shared_ptr<ImportResults> results);

  const Target& target_;
  std::string partition_;
  bool has_requests_;
  std::size_t fields_;
  std::shared_ptr<const wire::CsvRowWriter> writer_;
};

}  // namespace tailrace::marketo
