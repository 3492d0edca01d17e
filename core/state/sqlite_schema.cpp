#include "state/sqlite_schema.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string_view>
#include <system_error>

#include "state/errors.hpp"
#include "state/protocol.hpp"
#include "state/sqlite_rows.hpp"

namespace tailrace {
namespace {

constexpr std::int64_t kApplicationId = 0x54726C63;  // "Trlc"
constexpr std::size_t kPageBytes = 4096;

struct Definition {
  const char* name;
  int format;  // that made it what it is
  const char* sql;
};

// `run`, `rejected_row` and `row_log` are for users to query: times in milliseconds since 1970,
// keys as text. Blobs come last, so that the columns before them are read without following their
// pages.
constexpr std::array<Definition, 16> kDefinitions{{
    {"store", 1,
     "CREATE TABLE store (id TEXT NOT NULL, hash_secret BLOB NOT NULL, format INTEGER NOT NULL, "
     "created_at INTEGER NOT NULL, syncs INTEGER NOT NULL, shards INTEGER NOT NULL, "
     "sum INTEGER NOT NULL)"},
    {"clock", 1,
     "CREATE TABLE clock (boot_id TEXT NOT NULL, boot_ms INTEGER NOT NULL, "
     "wall_ms INTEGER NOT NULL, sum INTEGER NOT NULL)"},
    {"sync", 2,
     "CREATE TABLE sync (id INTEGER PRIMARY KEY, sync TEXT NOT NULL, account TEXT NOT NULL, "
     "object TEXT NOT NULL, created_at INTEGER NOT NULL, fields_noted TEXT NOT NULL, "
     "fields_changed_at INTEGER NOT NULL, sum INTEGER NOT NULL)"},
    {"sync_shard", 2,
     "CREATE TABLE sync_shard (sync_id INTEGER NOT NULL, shard INTEGER NOT NULL, "
     "of INTEGER NOT NULL, epoch INTEGER NOT NULL, lease_until INTEGER NOT NULL, "
     "lock_boot_id TEXT NOT NULL, run_id TEXT NOT NULL, last_seq INTEGER NOT NULL, "
     "folded_seq INTEGER NOT NULL, bucket_bits INTEGER NOT NULL, entries INTEGER NOT NULL, "
     "snapshot_sum INTEGER NOT NULL, rejected_sum INTEGER NOT NULL, "
     "config_fingerprint TEXT NOT NULL, encoding TEXT NOT NULL, latest_at INTEGER NOT NULL, "
     "resynced_at INTEGER NOT NULL, sum INTEGER NOT NULL, "
     "PRIMARY KEY (sync_id, shard)) WITHOUT ROWID"},
    {"snapshot", 1,
     "CREATE TABLE snapshot (sync_id INTEGER NOT NULL, shard INTEGER NOT NULL, "
     "bucket INTEGER NOT NULL, sum INTEGER NOT NULL, keys_sum INTEGER NOT NULL, "
     "absent BLOB NOT NULL, entries BLOB NOT NULL, keys BLOB NOT NULL, "
     "PRIMARY KEY (sync_id, shard, bucket)) WITHOUT ROWID"},
    {"journal", 1,
     "CREATE TABLE journal (sync_id INTEGER NOT NULL, shard INTEGER NOT NULL, "
     "seq INTEGER NOT NULL, epoch INTEGER NOT NULL, run_id TEXT NOT NULL, kind INTEGER NOT NULL, "
     "send_by INTEGER NOT NULL, sum INTEGER NOT NULL, entries BLOB NOT NULL, "
     "PRIMARY KEY (sync_id, shard, seq)) WITHOUT ROWID"},
    {"rejected_row", 2,
     "CREATE TABLE rejected_row (sync_id INTEGER NOT NULL, shard INTEGER NOT NULL, "
     "identity TEXT NOT NULL, key TEXT NOT NULL, version TEXT NOT NULL, code TEXT NOT NULL, "
     "message TEXT NOT NULL, field TEXT NOT NULL, hold TEXT NOT NULL, "
     "attempts INTEGER NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, "
     "sum INTEGER NOT NULL, PRIMARY KEY (sync_id, shard, identity)) WITHOUT ROWID"},
    {"run", 1,
     "CREATE TABLE run (number INTEGER PRIMARY KEY, id TEXT NOT NULL, sync_id INTEGER NOT NULL, "
     "sync TEXT NOT NULL, shard INTEGER NOT NULL, of INTEGER NOT NULL, epoch INTEGER NOT NULL, "
     "status TEXT NOT NULL, counts TEXT NOT NULL, started_at INTEGER NOT NULL, "
     "ended_at INTEGER NOT NULL, sum INTEGER NOT NULL, report TEXT NOT NULL)"},
    {"run_of_sync", 1, "CREATE INDEX run_of_sync ON run (sync_id)"},
    {"run_running", 1, "CREATE INDEX run_running ON run (sync_id) WHERE status = 'running'"},
    {"row_log", 2,
     "CREATE TABLE row_log (number INTEGER PRIMARY KEY, run_id TEXT NOT NULL, sync TEXT NOT NULL, "
     "key TEXT NOT NULL, op TEXT NOT NULL, status TEXT NOT NULL, code TEXT NOT NULL, "
     "message TEXT NOT NULL, at INTEGER NOT NULL)"},
    {"row_log_of_key", 2, "CREATE INDEX row_log_of_key ON row_log (key)"},
    {"field_hashes", 2,
     "CREATE TABLE field_hashes (sync_id INTEGER NOT NULL, identity BLOB NOT NULL, "
     "sum INTEGER NOT NULL, hashes BLOB NOT NULL, PRIMARY KEY (sync_id, identity)) WITHOUT ROWID"},
    {"rate_budget", 2,
     "CREATE TABLE rate_budget (account TEXT NOT NULL, rule TEXT NOT NULL, slot INTEGER NOT NULL, "
     "used REAL NOT NULL, sum INTEGER NOT NULL, PRIMARY KEY (account, rule, slot)) WITHOUT ROWID"},
    {"shard_count", 2,
     "CREATE TABLE shard_count (sync_id INTEGER NOT NULL, shard INTEGER NOT NULL, "
     "round TEXT NOT NULL, counts TEXT NOT NULL, at INTEGER NOT NULL, sum INTEGER NOT NULL, "
     "PRIMARY KEY (sync_id, shard)) WITHOUT ROWID"},
    {"login", 3,
     "CREATE TABLE login (login TEXT NOT NULL, number INTEGER NOT NULL, "
     "lease_until INTEGER NOT NULL, sum INTEGER NOT NULL, sealed BLOB NOT NULL, "
     "PRIMARY KEY (login)) WITHOUT ROWID"},
}};

[[noreturn]] void lost(const std::string& path, const std::string& why) {
  throw StateLost("state: " + path + ": " + why +
                  "; restore the store, or take a new baseline with reset");
}

[[noreturn]] void unavailable(const std::string& path, const std::string& what) {
  throw StoreUnavailable("state: " + path + ": " + what + ": " +
                         std::generic_category().message(errno));
}

std::string directory_of(const std::string& path) {
  const std::string directory = std::filesystem::path(path).parent_path().string();
  return directory.empty() ? "." : directory;
}

void sync_directory(const std::string& directory) {
  const int file = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) unavailable(directory, "cannot open");
  const int code = ::fsync(file);
  ::close(file);
  if (code != 0) unavailable(directory, "cannot sync");
}

/// A file of our own until it gets its name; removed on every path that does not give it one.
class Draft {
 public:
  explicit Draft(const std::string& path) : path_(path + ".new-" + new_identity().id.substr(0, 8)) {
    const int file =
        ::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) unavailable(path_, "cannot make the file");
    ::close(file);
  }
  ~Draft() {
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) ::unlink((path_ + suffix).c_str());
  }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

  /// Never replaces a file that is there.
  void become(const std::string& path) {
    if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0) return;
    if (errno == EEXIST) return;
    if (::link(path_.c_str(), path.c_str()) == 0 || errno == EEXIST) return;
    unavailable(path, "cannot make the file");
  }

 private:
  std::string path_;
};

void make_tables(SqliteConnection& connection, const ClockReading& now) {
  connection.execute("PRAGMA application_id = " + std::to_string(kApplicationId));
  connection.execute("PRAGMA user_version = " + std::to_string(kSqliteFormat));
  for (int format = 1; format <= kSqliteFormat; ++format) make_sqlite_tables(connection, format);
  SqliteCatalogue catalogue(connection);
  StoreRow store;
  store.identity = new_identity();
  store.identity.format = kSqliteFormat;
  store.created_ms = now.wall_ms;
  catalogue.write(store);
  catalogue.write(ClockAnchor{now.boot_id, now.boot_ms, now.wall_ms});
}

void write_tables(const std::string& path, const std::string& vfs, const ClockReading& now) {
  SqliteConnection connection(path, vfs, kBusyTimeoutMs);
  connection.execute("PRAGMA page_size = " + std::to_string(kPageBytes));
  set_up_sqlite(connection);
  {
    SqliteTransaction transaction(connection);
    make_tables(connection, now);
    transaction.commit();
  }
  // The file gets its name without its log. Closing would write the log out as well, but does not
  // tell where that fails.
  if (connection.ask("PRAGMA wal_checkpoint(TRUNCATE)") != "0") {
    throw StoreUnavailable("state: " + path + ": cannot write the tables");
  }
}

/// SQLite passes over some failures of writing; what is not whole must not get its name.
void check_draft(const std::string& path, const std::string& vfs) {
  try {
    SqliteConnection connection(path, vfs, kBusyTimeoutMs);
    check_sqlite_schema(connection, path);
    static_cast<void>(SqliteCatalogue(connection).store());
    if (connection.ask("PRAGMA quick_check(1)") != "ok") lost(path, "is corrupt");
  } catch (const StateLost& error) {
    throw StoreUnavailable(std::string("state: cannot make the store: ") + error.what());
  }
}

/// Numbers in the file's head that never change, at their places.
void check_head(const std::string& head, const std::string& path) {
  const auto at = [&](std::size_t place, std::size_t bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i) {
      value = value << 8 | static_cast<unsigned char>(head[place + i]);
    }
    return static_cast<std::int64_t>(value);
  };
  struct Constant {
    std::size_t place;
    std::size_t bytes;
    std::int64_t value;
  };
  // Page size, WAL to write and to read, reserved bytes, payload fractions, schema format, no
  // vacuuming, UTF-8. https://www.sqlite.org/fileformat2.html, section 1.3
  constexpr std::array<Constant, 12> constants{{{16, 2, kPageBytes},
                                                {18, 1, 2},
                                                {19, 1, 2},
                                                {20, 1, 0},
                                                {21, 1, 64},
                                                {22, 1, 32},
                                                {23, 1, 32},
                                                {44, 4, 4},
                                                {52, 4, 0},
                                                {56, 4, 1},
                                                {64, 4, 0},
                                                {68, 4, kApplicationId}}};
  const bool sqlite = std::string_view(head).starts_with(std::string_view("SQLite format 3\0", 16));
  if (!sqlite) lost(path, "is not a state store");
  const std::int64_t format = at(60, 4);
  if (at(68, 4) == kApplicationId && format > kSqliteFormat) {
    throw StateLost("state: " + path + " has format " + std::to_string(format) +
                    "; this version of Tailrace knows formats up to " +
                    std::to_string(kSqliteFormat) + ": use the newer version");
  }
  if (format < 1) lost(path, "is not a state store, or is corrupt");
  for (const Constant& constant : constants) {
    if (at(constant.place, constant.bytes) != constant.value) {
      lost(path, "is not a state store, or is corrupt");
    }
  }
}

}  // namespace

void make_sqlite_tables(SqliteConnection& connection, int format) {
  for (const Definition& definition : kDefinitions) {
    if (definition.format == format) connection.execute(definition.sql);
  }
}

void make_state_directory(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0700) == 0) {
    sync_directory(directory_of(directory));
  } else if (errno != EEXIST) {
    unavailable(directory, "cannot make the directory");
  }
}

void set_up_sqlite(SqliteConnection& connection) {
  if (connection.ask("PRAGMA journal_mode = WAL") != "wal") {
    throw StoreUnavailable("state: the file system cannot keep a write-ahead log");
  }
  connection.execute(
      "PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF; "
      "PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -8192; PRAGMA temp_store = "
      "MEMORY");
}

void create_sqlite_store(const std::string& path, const std::string& vfs, const ClockReading& now) {
  Draft draft(path);
  write_tables(draft.path(), vfs, now);
  check_draft(draft.path(), vfs);
  draft.become(path);
  sync_directory(directory_of(path));
}

void check_sqlite_file(const std::string& path) {
  struct stat file{};
  if (::lstat(path.c_str(), &file) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) lost(path, "there is no such file");
    unavailable(path, "cannot look at the file");
  }
  if (!S_ISREG(file.st_mode)) lost(path, "is not a file of its own");
  if (file.st_size == 0) lost(path, "is empty");
  struct stat log{};
  const bool has_log = ::lstat((path + "-wal").c_str(), &log) == 0 && log.st_size > 0;
  // While there is a log, what is missing at the end may be in it.
  if (file.st_size % static_cast<off_t>(kPageBytes) != 0 && !has_log) lost(path, "is cut off");
}

int sqlite_format_of(SqliteConnection& connection, const std::string& path) {
  constexpr std::size_t head_bytes = 100;
  check_head(connection.read_head(head_bytes), path);
  // What a migration wrote may still be in the log alone.
  return std::stoi("0" + connection.ask("PRAGMA user_version"));
}

void check_sqlite_schema(SqliteConnection& connection, const std::string& path) {
  if (sqlite_format_of(connection, path) != kSqliteFormat) lost(path, "is of another format");
  std::map<std::string, std::string, std::less<>> found;
  SqliteStatement statement =
      connection.prepare("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL");
  while (statement.step()) found.emplace(statement.bytes(0), statement.bytes(1));
  for (const Definition& definition : kDefinitions) {
    const auto table = found.find(definition.name);
    if (table == found.end()) lost(path, std::string("table ") + definition.name + " is missing");
    if (table->second != definition.sql) {
      lost(path, std::string("table ") + definition.name + " is not what it was made as");
    }
  }
}

}  // namespace tailrace
