#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "row/row_view.hpp"
#include "row/schema.hpp"

namespace tailrace {

/// Hash of an identity, keyed by the store's secret. Ordered, because snapshots are sorted by it.
struct IdentityHash {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  auto operator<=>(const IdentityHash&) const = default;
};

/// Hash of a row's mapped bytes, keyed by the store's secret and the mapping's fingerprint.
using Version = std::uint64_t;

/// Hashes identities and versions for one sync. Format 1 of the state rests on this class:
/// what it returns for given bytes may never change.
///
/// Both are xxHash3 with a secret of 192 bytes, expanded from the store's secret by HKDF-SHA-256
/// (RFC 5869) under a label of its own; the version's label is followed by the mapping's
/// fingerprint, so the same bytes under other fields are another version. The values do not depend
/// on the machine's byte order or on the version of libxxhash.
///
/// A row's version is taken over its raw encoded fields. Floating columns are first brought to
/// the form that `digits` asks for (see row/number.hpp), so that noise in the last bits of an
/// aggregate is not a change.
class Hasher {
 public:
  static constexpr std::size_t kSecretBytes = 32;
  using Secret = std::array<std::uint8_t, kSecretBytes>;

  Hasher(const Secret& store_secret, std::string_view mapping_fingerprint);

  [[nodiscard]] IdentityHash identity(std::string_view normalised) const;
  /// `scratch` is reused from row to row. Not for use from two threads with one scratch. Throws
  /// std::out_of_range where the line has fewer columns than the schema.
  [[nodiscard]] Version version(const RowView& row, std::string& scratch) const;

 private:
  static constexpr std::size_t kExpandedBytes = 192;
  std::array<std::uint8_t, kExpandedBytes> identity_secret_{};
  std::array<std::uint8_t, kExpandedBytes> version_secret_{};
};

}  // namespace tailrace
