#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "destination/destination.hpp"
#include "destination/hubspot/target.hpp"
#include "destination/linking.hpp"

namespace tailrace::hubspot {

/// Links a batch's records to records of another object: those are looked up before the rows are
/// written, and associated behind it. A row is accepted once both its record and its association
/// are acknowledged. Associations are added, never taken away; adding one that is there changes
/// nothing, so that every request here may be repeated.
class Associating {
 public:
  Associating(const Target& target, const Schema& schema);

  /// Whether rows of this operation may need it. Throws std::logic_error for inserts: a record
  /// that was made while its association was lost would be taken for delivered.
  [[nodiscard]] bool concerns(Operation operation) const;
  /// Requests beside the writes of so many batches, at most.
  [[nodiscard]] std::uint64_t requests_for(std::uint64_t batches) const { return 2 * batches; }

  /// Asks for the records that the rows name; nothing where no row names any.
  [[nodiscard]] std::optional<Call> look_up(const Batch& batch) const;

  /// What the answer says: rows that end here are in `step`, the others are to be written.
  struct Parents {
    Step step;
    std::vector<RowIndex> rows;
    KnownRows ids;  // of the rows that are to be associated
  };
  [[nodiscard]] Parents read_parents(const Batch& batch, const wire::Reply& reply) const;

  /// Takes the rows that were accepted and have a parent out of the verdicts of a write: they wait
  /// for the association that the step goes on with.
  void associate(Step& step, const KnownRows& parents) const;
  [[nodiscard]] Step read_associated(const Batch& batch, const Call& call,
                                     const wire::Reply& reply) const;

  static bool is_lookup(const Call& call);
  static bool is_association(const Call& call);

 private:
  /// A row, its record's id and its parent's.
  struct Pair {
    RowIndex row = 0;
    std::string from;
    std::string to;
  };
  using Pairs = std::vector<Pair>;
  struct Answer;

  [[nodiscard]] static Pairs pairs_of(const Call& call, std::size_t rows);
  [[nodiscard]] Call call_for(const Pairs& pairs) const;
  void halve(Step& step, const Pairs& pairs) const;
  [[nodiscard]] Step read_pairs(const Pairs& pairs, const wire::Reply& reply) const;
  [[nodiscard]] Step read_refusal(const Pairs& pairs, const wire::Reply& reply,
                                  const Refusal& refusal) const;
  void settle(Step& step, const Pair& pair, const Answer& answer, const Pairs& open) const;
  [[nodiscard]] Verdict refused(const Pair& pair, const Problem& problem) const;

  const Target& target_;
  Linking linking_;
  std::optional<Target> parents_;
};

}  // namespace tailrace::hubspot
