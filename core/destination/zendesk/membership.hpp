#pragma once

#include <optional>
#include <string>
#include <vector>

#include "destination/destination.hpp"
#include "destination/linking.hpp"
#include "destination/zendesk/target.hpp"

namespace tailrace::zendesk {

/// Puts users into organizations: those that a batch's rows name are looked up first, and their
/// ids go with the users. A user whose organization is not there is not written.
class Membership {
 public:
  /// Throws std::invalid_argument for a link that Zendesk does not have.
  Membership(const Target& target, const Schema& schema);

  /// Whether rows of this operation may need it.
  [[nodiscard]] bool concerns(Operation operation) const;

  /// Asks for the organizations that the rows name, in a step whose call's `rows` are those that go
  /// on; nothing where no row names any.
  [[nodiscard]] std::optional<Step> look_up(const Batch& batch) const;

  /// What the answer says: rows that end here are in `step`, the others go on.
  struct Organizations {
    Step step;
    std::vector<RowIndex> rows;
    KnownRows ids;
  };
  [[nodiscard]] Organizations read(const Batch& batch, const Call& call,
                                   const wire::Reply& reply) const;

 private:
  Linking linking_;
  std::optional<Target> organizations_;
};

}  // namespace tailrace::zendesk
