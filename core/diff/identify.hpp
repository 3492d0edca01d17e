#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "diff/invalid_row.hpp"
#include "row/hash.hpp"
#include "row/row_view.hpp"
#include "row/schema.hpp"

namespace tailrace {

/// Writes the match value as the destination compares it to `out` (given empty). False: the value
/// can never identify a record.
using Normalise = std::function<bool(std::string_view match, std::string& out)>;

/// Who a row is. A row may be invalid and still have an identity: its entry has not left the model.
struct Identified {
  IdentityHash identity;
  IdentityHash key;
  std::size_t column = 0;  // at fault
  InvalidCode fault = InvalidCode::none;
  bool has_identity = false;
  bool has_key = false;  // only where keys are tracked
};

/// Finds a row's identity and checks its key, looking at no other column.
class Identifier {
 public:
  /// `identity_is_key`: insert and append, where the match value says nothing.
  Identifier(const Schema& schema, const Hasher& hasher, bool identity_is_key, Normalise normalise);

  /// True where two rows of different identities may have one key, so that keys must be compared
  /// by themselves.
  [[nodiscard]] bool tracks_keys() const { return tracks_keys_; }

  /// Throws std::out_of_range where the line has fewer columns than the schema.
  [[nodiscard]] Identified identify(std::string_view line);

 private:
  void locate(std::string_view line);
  void read_key(Identified& row);
  void read_match(Identified& row);
  [[nodiscard]] InvalidCode fault_of_key(Cell cell, bool floating);

  const Schema& schema_;
  const Hasher& hasher_;
  Normalise normalise_;
  bool identity_is_key_;
  bool reads_key_;  // false where the key is the match field itself
  bool tracks_keys_ = false;
  std::size_t front_ = 0;  // columns to find from the left
  std::size_t back_ = 0;   // first column to find from the right
  std::vector<std::string_view> raw_;
  std::string value_;
  std::string joined_;
  std::string normalised_;
};

/// The sync's key of a row as one text: columns joined by U+001F, NULL as the empty text. A schema
/// without key columns has the match field as its key.
void key_text(const RowView& row, std::string& out);

}  // namespace tailrace
