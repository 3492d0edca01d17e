#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "destination/destination.hpp"
#include "destination/rest/body.hpp"
#include "destination/rest/declaration.hpp"

namespace tailrace::rest {

/// What a call is for.
enum class Stage : std::uint8_t {
  plain,
  find,        // which of the rows have records
  write,       // of a record that was found
  create,      // of one that was not
  find_again,  // after a create was told that the record is there
};

/// The stage of a call, and the first of its rows. Throws std::logic_error where the call is none
/// of this batch.
[[nodiscard]] Stage stage_of(const Call& call);
[[nodiscard]] RowIndex first_of(const Batch& batch, const Call& call);

/// The rows of a request, from its first one on.
[[nodiscard]] std::vector<RowIndex> rows_of(const Batch& batch, const Endpoint& endpoint,
                                            RowIndex first);

/// Makes the requests of batches, as they are declared. What is passed is referred to.
class Requests {
 public:
  Requests(const Declaration& declared, const BodyWriter& bodies, bool may_gzip)
      : declared_(declared), bodies_(bodies), may_gzip_(may_gzip) {}

  /// Adds the request of the rows from `first` on, or rejects a row whose values no address takes.
  /// `id`: the API's own, where the path has it.
  void add(Step& step, const Batch& batch, const Endpoint& endpoint, RowIndex first, Stage stage,
           std::string_view id) const;
  /// Asks for the API's ids of rows.
  [[nodiscard]] Call question(const Batch& batch, const std::vector<RowIndex>& rows, RowIndex first,
                              Stage stage) const;
  /// Rejects rows that are too large for the API; the others go on without them. False: none is.
  [[nodiscard]] bool leave_out_large(Step& step, const Batch& batch,
                                     const Endpoint& endpoint) const;

 private:
  [[nodiscard]] Call call_of(const Batch& batch, const Endpoint& endpoint, RowIndex first,
                             Stage stage, std::string_view id) const;
  [[nodiscard]] Effect effect_of(const Batch& batch) const;

  const Declaration& declared_;
  const BodyWriter& bodies_;
  bool may_gzip_;
};

}  // namespace tailrace::rest
