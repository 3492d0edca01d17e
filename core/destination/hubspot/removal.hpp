#pragma once

#include "destination/destination.hpp"
#include "destination/hubspot/target.hpp"
#include "destination/records.hpp"

namespace tailrace::hubspot {

/// Archives records: all that HubSpot offers for deleting one too, so that delete and archive are
/// the same here (a person may restore what was archived for some weeks). HubSpot does so by its
/// own ids: those that are not known are looked up by the match property first. (Archiving by the
/// match property is described nowhere that we found, and a number that HubSpot took for a record's
/// id would archive somebody else's record.)
class Removal {
 public:
  explicit Removal(const Target& target) : target_(target) {}

  [[nodiscard]] Step begin(const Batch& batch) const;
  [[nodiscard]] Step reply(const Batch& batch, const Memo& memo, const Call& call,
                           const wire::Reply& reply) const;

 private:
  [[nodiscard]] Step read_lookup(const Batch& batch, const wire::Reply& reply) const;
  [[nodiscard]] Step read_archived(const Batch& batch, const Memo& memo,
                                   const wire::Reply& reply) const;
  void look_up(Step& step, const Batch& batch, const std::vector<RowIndex>& rows) const;
  void archive(Step& step, const KnownRows& ids) const;

  const Target& target_;
};

}  // namespace tailrace::hubspot
