#pragma once

#include <vector>

#include "destination/destination.hpp"
#include "destination/salesforce/target.hpp"
#include "destination/salesforce/writing.hpp"

namespace tailrace::salesforce {

/// A batch by sObject Collections, 200 rows a request. Upserts and inserts go as they are; what
/// goes by Salesforce's ids is looked up by the match field first, where the ids are not known.
class Collections {
 public:
  Collections(const Target& target, const Schema& schema)
      : target_(target), writing_(target, schema) {}

  [[nodiscard]] Step begin(const Batch& batch) const;
  [[nodiscard]] Step reply(const Batch& batch, const Memo& memo, const Call& call,
                           const wire::Reply& reply) const;
  /// Upper bound of what a row adds to a request.
  [[nodiscard]] std::size_t bound(const BatchRow& row) const {
    return writing_.bound(row.line) + 6 * row.match.size();
  }
  /// Whether reply() needs the lines of the batch.
  [[nodiscard]] static bool needs_lines(const Call& call, const wire::Reply& reply);

 private:
  struct Lookup;
  [[nodiscard]] std::string known_id(const Batch& batch, RowIndex row) const;
  [[nodiscard]] Lookup lookup_of(const Batch& batch) const;
  [[nodiscard]] Step look_up(const Batch& batch) const;
  [[nodiscard]] Step read_lookup(const Batch& batch, const Call& call,
                                 const wire::Reply& reply) const;
  void write_by_id(Step& step, const Batch& batch, const KnownRows& rows) const;
  [[nodiscard]] Step read_written(const Batch& batch, const KnownRows& sent,
                                  const wire::Reply& reply) const;
  void regroup_locked(Step& step, const Batch& batch, const std::vector<RowIndex>& locked) const;
  void ask_whether_gone(Step& step, const Batch& batch, const std::vector<Verdict>& gone) const;
  [[nodiscard]] Step read_gone(const Batch& batch, const Memo& memo,
                               const wire::Reply& reply) const;

  const Target& target_;
  Writing writing_;
};

}  // namespace tailrace::salesforce
