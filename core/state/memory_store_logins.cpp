// Refresh tokens that were replaced, and who may renew them.

#include "state/memory_store.hpp"

namespace tailrace {

LoginLease MemoryStore::take_login(const std::string& login, std::int64_t lease_ms) {
  const Lock lock(disk_->mutex);
  LoginRow row = disk_->logins[login];
  row.login = login;
  const LoginLease lease = take_lease(row, lease_ms, now_ms());
  disk_->logins[login] = row;
  return lease;
}

bool MemoryStore::end_login(const std::string& login, std::int64_t number,
                            const std::optional<std::string>& sealed) {
  const Lock lock(disk_->mutex);
  const auto row = disk_->logins.find(login);
  return row != disk_->logins.end() && end_lease(row->second, number, sealed);
}

std::vector<LoginRow> MemoryStore::logins() {
  const Lock lock(disk_->mutex);
  std::vector<LoginRow> rows;
  for (const auto& [login, row] : disk_->logins) rows.push_back(row);
  return rows;
}

void MemoryStore::import_logins(std::span<const LoginRow> rows) {
  const Lock lock(disk_->mutex);
  for (const LoginRow& row : rows) {
    LoginRow& kept = disk_->logins[row.login];
    kept = imported_login(row, kept.number);
  }
}

}  // namespace tailrace
