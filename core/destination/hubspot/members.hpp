#pragma once

#include <string>
#include <vector>

#include "destination/destination.hpp"
#include "destination/hubspot/target.hpp"
#include "destination/records.hpp"

namespace tailrace::hubspot {

/// Puts records on a list and takes them off it, by HubSpot's own ids. Those that are not known are
/// looked up, kMaxRows an ask and one ask after the other; what was found goes along with the calls
/// until the one request that changes the list.
class Members {
 public:
  /// `target`: the objects that the list is of. `list`: its id.
  Members(Target target, std::string list) : target_(std::move(target)), list_(std::move(list)) {}

  [[nodiscard]] Step begin(const Batch& batch) const;
  [[nodiscard]] Step reply(const Batch& batch, const Call& call, const wire::Reply& reply) const;

 private:
  struct Asked;
  [[nodiscard]] bool has_id(const Batch& batch, RowIndex row) const;
  [[nodiscard]] Asked asked_from(const Batch& batch, std::size_t from) const;
  void go_on(Step& step, const Batch& batch, std::size_t from, KnownRows known) const;
  void change(Step& step, const Batch& batch, const KnownRows& known) const;
  [[nodiscard]] Step read_lookup(const Batch& batch, const Call& call,
                                 const wire::Reply& reply) const;
  static void take(Step& step, const Batch& batch, Verdict verdict, KnownRows& known);
  [[nodiscard]] static Step read_changed(const Batch& batch, const Call& call,
                                         const wire::Reply& reply);

  Target target_;
  std::string list_;
};

}  // namespace tailrace::hubspot
