#include "row/hash.hpp"

#include <stdexcept>

#include "row/hkdf.hpp"
#include "row/number.hpp"

// Compiled in: the hash is that of the header we built against, on every machine.
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tailrace {
namespace {

constexpr std::string_view kIdentityLabel = "tailrace/1 identity";
constexpr std::string_view kVersionLabel = "tailrace/1 version";

/// The fields with rounded floats in their compared form. Tabs cannot be part of a value, so the
/// boundaries of fields stay unambiguous. What lies between two floats is copied in one go.
void append_compared_fields(const RowView& row, std::string& out) {
  const Schema& schema = row.schema();
  const std::string_view fields = row.fields();
  CellCursor cursor(fields);
  std::size_t copied = 0;
  for (std::size_t i = 0; i < schema.field_count; ++i) {
    const std::optional<Cell> cell = cursor.next();
    if (!cell) throw std::out_of_range("row: a line has fewer fields than the mapping");
    const Column& column = schema.columns[i];
    if (column.type != Type::floating || cell->is_null()) continue;
    const auto begin = static_cast<std::size_t>(cell->raw().data() - fields.data());
    out.append(fields.substr(copied, begin - copied));
    append_compared_float(out, cell->raw(), column.digits);
    copied = begin + cell->raw().size();
  }
  out.append(fields.substr(copied));
}

}  // namespace

Hasher::Hasher(const Secret& store_secret, std::string_view mapping_fingerprint) {
  static_assert(kExpandedBytes >= XXH3_SECRET_SIZE_MIN);
  // Not XXH3_generateSecret: that is outside xxHash's stable interface, and a library that derives
  // another secret would make every row look changed.
  hkdf_expand(store_secret, kIdentityLabel, identity_secret_);
  std::string info(kVersionLabel);
  info.push_back('\0');
  info.append(mapping_fingerprint);
  hkdf_expand(store_secret, info, version_secret_);
}

IdentityHash Hasher::identity(std::string_view normalised) const {
  const XXH128_hash_t hash = XXH3_128bits_withSecret(
      normalised.data(), normalised.size(), identity_secret_.data(), identity_secret_.size());
  return {hash.high64, hash.low64};
}

Version Hasher::version(const RowView& row, std::string& scratch) const {
  std::string_view bytes;
  if (row.schema().has_rounded_fields()) {
    scratch.clear();
    append_compared_fields(row, scratch);
    bytes = scratch;
  } else {
    bytes = row.fields();
  }
  return XXH3_64bits_withSecret(bytes.data(), bytes.size(), version_secret_.data(),
                                version_secret_.size());
}

}  // namespace tailrace
