#pragma once

#include <functional>
#include <string>
#include <vector>

#include "destination/destination.hpp"
#include "destination/marketo/answer.hpp"
#include "destination/marketo/target.hpp"
#include "destination/records.hpp"

namespace tailrace::marketo {

/// What is done by Marketo's ids, 300 a request: leads deleted, put on a static list, taken off it.
/// Ids that are not known are looked up first.
class ById {
 public:
  explicit ById(const Target& target) : target_(target) {}

  [[nodiscard]] Step begin(const Batch& batch) const;
  [[nodiscard]] static bool is_ours(const Call& call);
  [[nodiscard]] Step reply(const Batch& batch, const Memo& memo, const Call& call,
                           const wire::Reply& reply) const;

 private:
  struct Lookup;
  [[nodiscard]] std::string known_id(const Batch& batch, RowIndex row) const;
  [[nodiscard]] Lookup lookup_of(const Batch& batch) const;
  [[nodiscard]] Step read_lookup(const Batch& batch, const wire::Reply& reply) const;
  void take_missing(Step& step, const Batch& batch, const std::vector<RowIndex>& rows) const;
  void write(Step& step, const Batch& batch, KnownRows rows) const;
  [[nodiscard]] Step read_written(const Batch& batch, const Memo& memo, const Call& call,
                                  const wire::Reply& reply) const;
  [[nodiscard]] Verdict read_result(const Batch& batch, RowIndex row, const std::string& id,
                                    const nlohmann::json& result) const;

  const Target& target_;
};

}  // namespace tailrace::marketo
