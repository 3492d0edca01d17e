#include <stdexcept>

#include "state/memory_store.hpp"
#include "state/postgres_store.hpp"
#include "state/sqlite_store.hpp"
#include "state/store.hpp"

namespace tailrace {

std::unique_ptr<StateStore> open_store(const std::string& url, bool create) {
  if (url == "memory:") return std::make_unique<MemoryStore>(std::make_shared<MemoryDisk>());
  if (is_postgres_url(url)) {
    PostgresOptions options;
    options.create = create;
    return std::make_unique<PostgresStore>(url, options);
  }
  // Not quoted: it may be a URL with a password in it and a typing mistake in front.
  if (!url.starts_with("sqlite:")) {
    throw std::invalid_argument(
        "state: the store's URL is of no kind that is known; write postgresql://…, "
        "sqlite:///relative/path or sqlite:////absolute/path");
  }
  SqliteOptions options;
  options.create = create;
  return std::make_unique<SqliteStore>(sqlite_path_of(url), options);
}

}  // namespace tailrace
