#pragma once

#include <string>

#include "state/clock.hpp"
#include "state/sqlite.hpp"

namespace tailrace {

/// The number of the tables' layout. A store of a later one is refused.
inline constexpr int kSqliteFormat = 3;

/// How long a connection waits for another process's write.
inline constexpr int kBusyTimeoutMs = 30'000;

/// Makes the directory, 0700, where it is missing. Its parent must be there.
void make_state_directory(const std::string& directory);

/// Makes a store with its tables at `path`, whole or not at all, 0600. Does nothing where another
/// process was faster. `now`: its first anchor in time.
void create_sqlite_store(const std::string& path, const std::string& vfs, const ClockReading& now);

/// Throws StateLost where there is no file, or none that can be a store: a link, empty, cut off.
void check_sqlite_file(const std::string& path);

/// The tables and indices that have been what they are since this format.
void make_sqlite_tables(SqliteConnection& connection, int format);

/// Throws StateLost where the open file is no store, or one of a later format.
[[nodiscard]] int sqlite_format_of(SqliteConnection& connection, const std::string& path);

/// Throws StateLost unless the open file is a store of this format with just our tables' layout.
void check_sqlite_schema(SqliteConnection& connection, const std::string& path);

/// How every connection to a store is set up: WAL, every commit synced.
void set_up_sqlite(SqliteConnection& connection);

}  // namespace tailrace
