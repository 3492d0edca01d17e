#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "destination/destination.hpp"
#include "destination/klaviyo/import_errors.hpp"
#include "destination/klaviyo/sent.hpp"
#include "destination/klaviyo/target.hpp"
#include "destination/records.hpp"

namespace tailrace::klaviyo {

/// Profiles as bulk imports: queued, asked for until they have ended, their errors read.
class Imports {
 public:
  Imports(const Target& target, const Schema& schema);

  /// Queues an import of these rows of the batch.
  void queue(Step& step, const Batch& batch, Sent sent) const;
  [[nodiscard]] static bool is_ours(const Call& call);
  [[nodiscard]] Step reply(const Batch& batch, const Memo& memo, const Call& call,
                           const wire::Reply& reply) const;
  [[nodiscard]] static Step resume(const Batch& batch, const Memo& memo);
  [[nodiscard]] static Call poll(std::span<const JobBatch> batches);
  [[nodiscard]] static Polled polled(std::span<const JobBatch> batches, const wire::Reply& reply);

  /// A row as a profile's document.
  void item(std::string& out, const Batch& batch, RowIndex row, wire::RowScratch& scratch) const;
  [[nodiscard]] std::size_t bound(std::string_view line) const;

 private:
  const Target& target_;
  RecordWriter records_;
};

}  // namespace tailrace::klaviyo
