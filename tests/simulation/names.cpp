#include "names.hpp"

#include <algorithm>

#include "content.hpp"
#include "state/snapshot.hpp"

namespace tailrace::simulation {

Names::Names(const Hasher::Secret& secret)
    : hashers_{Hasher(secret, kMappings[0]), Hasher(secret, kMappings[1])} {
  for (Schema& schema : schemas_) {
    schema.columns = {{"id", Type::text}, {"v", Type::text}};
    schema.key = {0};
  }
  schemas_.back().columns.push_back({"w", Type::text});
  for (Schema& schema : schemas_) schema.field_count = schema.columns.size();
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
    const Schema& schema = schemas_.at(cells_in(value) - 1);
    for (std::size_t i = 0; i < hashers_.size(); ++i) {
      found->second[i] = hashers_[i].version(RowView(line, schema), scratch_);
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

bool Names::is_of(Version version, const std::string& key, const Ask::Row& row) {
  if (row.left_out == 0) return is_of(version, key, row.value);
  const std::string* value = value_of(version, key);
  return value != nullptr && agrees(row, *value);
}

const std::string* Names::value_of(Version version, const std::string& key) const {
  for (auto at = versions_.lower_bound({key, {}}); at != versions_.end(); ++at) {
    if (at->first.first != key) break;
    const Versions& all = at->second;
    if (std::find(all.begin(), all.end(), version) != all.end()) return &at->first.second;
  }
  return nullptr;
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
      return row.first + "=" + shown(row.second);
    }
  }
  return "another row";
}

}  // namespace tailrace::simulation
