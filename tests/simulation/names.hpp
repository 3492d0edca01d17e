#pragma once

#include <array>
#include <map>
#include <string>
#include <utility>

#include "language.hpp"
#include "row/hash.hpp"
#include "row/schema.hpp"

namespace tailrace::simulation {

/// Field lists that the sync has in turn; under another one every row has another version.
inline constexpr std::array<const char*, 2> kMappings{"mapping-1", "mapping-2"};

/// Hashes of the keys and rows of a simulation, as the engine makes them.
class Names {
 public:
  explicit Names(const Hasher::Secret& secret);

  [[nodiscard]] const IdentityHash& identity(const std::string& key);
  [[nodiscard]] std::uint32_t shard(const std::string& key, std::uint32_t of);
  /// Under the first mapping.
  [[nodiscard]] Version version(const std::string& key, const std::string& value);
  /// Whether the version is that of the row, under one of the mappings.
  [[nodiscard]] bool is_of(Version version, const std::string& key, const std::string& value);
  /// Whether the version is that of a row of which the request names some cells, or all.
  [[nodiscard]] bool is_of(Version version, const std::string& key, const Ask::Row& row);
  /// The key's value with that version, under one of the mappings; nullptr where none was seen.
  [[nodiscard]] const std::string* value_of(Version version, const std::string& key) const;
  /// Of a key that was asked for before; empty for any other hash.
  [[nodiscard]] std::string key_of(const IdentityHash& identity) const;
  /// "k1=a" of a version that was asked for before.
  [[nodiscard]] std::string row_of(Version version) const;

 private:
  using Versions = std::array<Version, kMappings.size()>;
  [[nodiscard]] const Versions& versions(const std::string& key, const std::string& value);

  std::array<Hasher, kMappings.size()> hashers_;
  std::array<Schema, 2> schemas_;  // by a row's cells, less one
  std::string scratch_;
  std::map<std::string, IdentityHash> identities_;
  std::map<std::pair<std::string, std::string>, Versions> versions_;
};

}  // namespace tailrace::simulation
