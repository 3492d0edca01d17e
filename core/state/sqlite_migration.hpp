#pragma once

#include <functional>
#include <vector>

#include "state/sqlite.hpp"
#include "state/sqlite_rows.hpp"

namespace tailrace {

/// Brings a store of an earlier format to this version's, in one transaction: whoever looks finds
/// the one or the other. Everything read on the way is checked, all sums are made anew. Does
/// nothing where another process was faster. `check_free` throws where a run that knows only the
/// earlier format still works with one of the shards.
using CheckFree = std::function<void(const std::vector<ShardRow>&)>;
void migrate_sqlite(SqliteConnection& connection, const CheckFree& check_free);

}  // namespace tailrace
