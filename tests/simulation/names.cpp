#include "names.hpp"

#include <algorithm>

#include "state/snapshot.hpp"

namespace tailrace::simulation {

Names::Names(const Hasher::Secret& secret)
    : hashers_{Hasher(secret, kMappings[0]), Hasher(secret, kMappings[1])} {
  schema_.columns = {{"id", Type::text}, {"v", Type::text}};
  schema_.field_count = 2;
  schema_.key = {0};
}

const IdentityHash& Names::identity(const std::string& key) {
  const auto [found, fresh] = identities_.try_emplace(key);
  if (fresh) found->second = hashers_.front().identity(key);
  return found->second;
}

std::uint32_t Names::shard(const std::string& key, std::uint32_t of) {
  return of == 1 ? 0 : shard_of(identity(key), of);
}

const Names::Versions& Names::versions(const std::string& key, const std::string& value) {
  const auto [found, fresh] = versions_.try_emplace({key, value});
  if (fresh) {
    const std::string line = key + "\t" + value;
    for (std::size_t i = 0; i < hashers_.size(); ++i) {
      found->second[i] = hashers_[i].version(RowView(line, schema_), scratch_);
    }
  }
  return found->second;
}

Version Names::version(const std::string& key, const std::string& value) {
  return versions(key, value).front();
}

bool Names::is_of(Version version, const std::string& key, const std::string& value) {
  const Versions& all = versions(key, value);
  return std::find(all.begin(), all.end(), version) != all.end();
}

std::string Names::key_of(const IdentityHash& identity) const {
  for (const auto& [key, hash] : identities_) {
    if (hash == identity) return key;
  }
  return {};
}

std::string Names::row_of(Version version) const {
  for (const auto& [row, known] : versions_) {
    if (std::find(known.begin(), known.end(), version) != known.end()) {
      return row.first + "=" + row.second;
    }
  }
  return "another row";
}

}  // namespace tailrace::simulation
