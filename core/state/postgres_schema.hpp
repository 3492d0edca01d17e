#pragma once

#include <string>

#include "state/postgres_link.hpp"

namespace tailrace {

/// The number of the tables' layout, in store.format. A store of a later one is refused.
inline constexpr int kPostgresFormat = 3;

/// SQL for psql that makes the schema, its tables and the rights of the role that runs
/// (`psql -v role=NAME -f FILE`): for an administrator, where that role may not make them itself.
/// The role then needs no more than CONNECT on the database, USAGE on the schema and SELECT,
/// INSERT, UPDATE, DELETE on its tables.
[[nodiscard]] std::string postgres_state_ddl();

/// Makes sure that the database has a store of this format and that the role may use it; makes it,
/// where `create`, and brings an older one up to date. Whole or not at all; of several processes at
/// once one does it. Throws StateLost (missing though expected, incomplete, newer format),
/// std::invalid_argument (rights are missing: names them and the GRANT; the server is too old or
/// has another encoding), PostgresFault.
void prepare_postgres_store(PostgresLink& link, bool create);

}  // namespace tailrace
