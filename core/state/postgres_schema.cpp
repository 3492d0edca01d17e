#include "state/postgres_schema.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "state/errors.hpp"
#include "state/postgres_rows.hpp"
#include "state/postgres_tables.hpp"
#include "state/postgres_transaction.hpp"
#include "state/protocol.hpp"

namespace tailrace {
namespace {

// Identity columns came with 10, what libpq tells of a read-only server with 14; 12 is the oldest
// that anybody may still have.
constexpr int kOldestServer = 120'000;

// Of the lock under which the store is made; any number that nobody else in the database uses.
constexpr std::int64_t kMakingStore = 0x7461696C72616365;  // "tailrace"

constexpr std::string_view kRestore = "; restore the store, or take a new baseline with reset";

using Columns = std::multiset<std::string>;

struct Found {
  std::string role;
  std::string database;
  bool may_create_schema = false;
  bool has_schema = false;
  bool may_use_schema = false;
  bool may_create_tables = false;
  std::map<std::string, Columns, std::less<>> tables;
  std::set<std::string, std::less<>> forbidden;  // "SELECT on tailrace.run"
};

constexpr const char* kWhere =
    "SELECT current_user::text, current_database()::text, "
    "has_database_privilege(current_database(), 'CREATE'), "
    "coalesce(has_schema_privilege(to_regnamespace('tailrace')::oid, 'USAGE'), false), "
    "coalesce(has_schema_privilege(to_regnamespace('tailrace')::oid, 'CREATE'), false), "
    "to_regnamespace('tailrace') IS NOT NULL";
constexpr const char* kColumns =
    "SELECT c.relname::text, a.attname::text || ' ' || format_type(a.atttypid, a.atttypmod) "
    "FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
    "WHERE c.relnamespace = to_regnamespace('tailrace') AND c.relkind IN ('r', 'p') "
    "AND a.attnum > 0 AND NOT a.attisdropped";
constexpr const char* kForbidden =
    "SELECT p.name || ' on tailrace.' || c.relname "
    "FROM pg_class c, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS p(name) "
    "WHERE c.relnamespace = to_regnamespace('tailrace') AND c.relkind IN ('r', 'p') "
    "AND c.relname = ANY($1) AND NOT has_table_privilege(c.oid, p.name)";

std::vector<std::string> table_names() {
  std::vector<std::string> names;
  for (const PostgresTable& table : postgres_tables()) names.emplace_back(table.name);
  return names;
}

Found look(PostgresTransaction& transaction) {
  const std::vector<PostgresResult> results =
      transaction.run(batch(PostgresStatement(kWhere), PostgresStatement(kColumns),
                            PostgresStatement(kForbidden, table_names())));
  Found found;
  const PostgresResult& where = results[0];
  found.role = where.text(0, 0);
  found.database = where.text(0, 1);
  found.may_create_schema = where.flag(0, 2);
  found.may_use_schema = where.flag(0, 3);
  found.may_create_tables = where.flag(0, 4);
  found.has_schema = where.flag(0, 5);
  for (int i = 0; i < results[1].rows(); ++i) {
    found.tables[results[1].text(i, 0)].insert(results[1].text(i, 1));
  }
  for (int i = 0; i < results[2].rows(); ++i) found.forbidden.insert(results[2].text(i, 0));
  return found;
}

Columns columns_of(const PostgresTable& table) {
  Columns columns;
  std::string_view rest = table.columns;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(", "), rest.size());
    columns.emplace(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 2, rest.size()));
  }
  return columns;
}

std::string quoted(const std::string& name) {
  std::string out = "\"";
  for (const char c : name) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

[[noreturn]] void forbid(const Found& found, const std::string& missing, const std::string& grant) {
  throw std::invalid_argument(
      "state: role " + quoted(found.role) + " lacks " + missing + " in database " +
      quoted(found.database) + "; have an administrator run once: " + grant +
      " (or make schema, tables and rights with the SQL that Tailrace prints for the state store)");
}

void check_rights(const Found& found) {
  const std::string role = quoted(found.role);
  if (found.has_schema && !found.may_use_schema) {
    forbid(found, "USAGE on schema tailrace", "GRANT USAGE ON SCHEMA tailrace TO " + role);
  }
  if (found.forbidden.empty()) return;
  std::string missing;
  for (const std::string& right : found.forbidden) missing += (missing.empty() ? "" : ", ") + right;
  forbid(found, missing,
         "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA tailrace TO " + role);
}

bool has_any_table(const Found& found) {
  const auto names = table_names();
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return found.tables.contains(name); });
}

/// Users may add tables and views of their own beside ours.
void check_tables(const Found& found) {
  for (const PostgresTable& table : postgres_tables()) {
    const std::string name = "table tailrace." + std::string(table.name);
    const auto there = found.tables.find(table.name);
    if (there == found.tables.end()) {
      throw StateLost("state: " + name + " is missing" + std::string(kRestore));
    }
    if (there->second != columns_of(table)) {
      throw StateLost("state: " + name + " is not what it was made as" + std::string(kRestore));
    }
  }
}

/// Those that are missing.
void make_tables(PostgresTransaction& transaction, const Found& found) {
  const std::string role = quoted(found.role);
  if (!found.has_schema && !found.may_create_schema) {
    forbid(found, "CREATE on the database, which making schema tailrace takes,",
           "CREATE SCHEMA tailrace AUTHORIZATION " + role);
  }
  if (found.has_schema && !found.may_create_tables) {
    forbid(found, "CREATE on schema tailrace, which making tables takes,",
           "GRANT CREATE ON SCHEMA tailrace TO " + role);
  }
  if (!found.has_schema) transaction.run(PostgresStatement("CREATE SCHEMA tailrace"));
  for (const PostgresTable& table : postgres_tables()) {
    if (found.tables.contains(table.name)) continue;
    for (const std::string& sql : ddl_of(table)) transaction.run(PostgresStatement(sql.c_str()));
  }
}

bool lacks_tables(const Found& found) {
  const auto names = table_names();
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return !found.tables.contains(name); });
}

/// Tables without a store's row are new (an administrator made them), or what a truncation left.
void make_row(PostgresTransaction& transaction) {
  for (const std::string& table : table_names()) {
    const std::string ask = "SELECT 1 FROM tailrace." + table + " LIMIT 1";
    if (transaction.run(PostgresStatement(ask.c_str())).rows() > 0) {
      throw StateLost("state: table tailrace.store is empty and table tailrace." + table +
                      " is not" + std::string(kRestore));
    }
  }
  const PostgresResult now = transaction.run(
      PostgresStatement("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"));
  PostgresStoreRow row;
  row.identity = new_identity();
  row.identity.format = kPostgresFormat;
  row.created_ms = now.integer(0, 0);
  PostgresCatalogue(transaction).add(row);
}

std::optional<int> format_in(PostgresTransaction& transaction) {
  const PostgresResult row =
      transaction.run(PostgresStatement("SELECT format FROM tailrace.store LIMIT 1"));
  if (row.rows() == 0) return std::nullopt;
  return static_cast<int>(row.integer(0, 0));
}

void check_format(int format) {
  if (format > kPostgresFormat) {
    throw StateLost("state: the store has format " + std::to_string(format) +
                    "; this version of Tailrace knows formats up to " +
                    std::to_string(kPostgresFormat) + ": use the newer version");
  }
  if (format < 1) throw StateLost("state: the row of table store is corrupt");
}

/// True where the store is there, whole and of this format.
bool is_ready(PostgresTransaction& transaction, const Found& found, bool create) {
  check_rights(found);
  if (!found.tables.contains("store")) {
    if (has_any_table(found)) check_tables(found);  // names what is missing
    if (create) return false;
    throw StateLost("state: database " + quoted(found.database) + " has no store (no table " +
                    "tailrace.store)" + std::string(kRestore));
  }
  const std::optional<int> format = format_in(transaction);
  if (format) check_format(*format);
  if (!format && !create) throw StateLost("state: table tailrace.store is empty");
  if (!format || *format < kPostgresFormat) return false;
  check_tables(found);
  return true;
}

/// What an older format lacks. Its number comes last, with the commit of all that it stands for.
void bring_up_to_date(PostgresTransaction& transaction, const Found& found, int format) {
  for (const PostgresTable& table : postgres_tables()) {
    if (table.since <= format && !found.tables.contains(table.name)) check_tables(found);
  }
  if (lacks_tables(found)) make_tables(transaction, found);
  PostgresCatalogue catalogue(transaction);
  PostgresStoreRow row = catalogue.store(true);
  row.identity.format = kPostgresFormat;
  catalogue.write(row);
}

void make_store(PostgresLink& link) {
  PostgresTransaction transaction(link, PostgresTransaction::Kind::writing, kPostgresLong);
  transaction.run(PostgresStatement("SELECT pg_catalog.pg_advisory_xact_lock($1)", kMakingStore));
  const Found found = look(transaction);
  if (is_ready(transaction, found, true)) return;  // somebody was faster
  const bool is_new = !found.tables.contains("store");
  if (is_new) make_tables(transaction, found);
  const std::optional<int> format = is_new ? std::nullopt : format_in(transaction);
  if (format) {
    bring_up_to_date(transaction, found, *format);
  } else {
    make_row(transaction);
  }
  check_tables(look(transaction));
  transaction.commit();
}

}  // namespace

std::string postgres_state_ddl() {
  std::string sql = "-- Tailrace's state store, format " + std::to_string(kPostgresFormat) +
                    ". Run once, and once more after an upgrade that says so, by\n-- a role that "
                    "may create schemas:\n"
                    "--   psql -v ON_ERROR_STOP=1 -v role=NAME -f FILE DATABASE\n"
                    "-- NAME is the role that Tailrace runs as. It needs no other rights.\n"
                    "BEGIN;\n"
                    "CREATE SCHEMA IF NOT EXISTS tailrace;\n";
  for (const PostgresTable& table : postgres_tables()) {
    for (const std::string& statement : ddl_of(table)) sql += statement + ";\n";
  }
  return sql +
         "GRANT USAGE ON SCHEMA tailrace TO :\"role\";\n"
         "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA tailrace TO :\"role\";\n"
         "COMMIT;\n";
}

void prepare_postgres_store(PostgresLink& link, bool create) {
  if (link.server_version() < kOldestServer) {
    throw std::invalid_argument(
        "state: the server is older than PostgreSQL 12, the oldest that "
        "can keep a store");
  }
  if (link.server_encoding() != "UTF8") {
    throw std::invalid_argument("state: the database has encoding " + link.server_encoding() +
                                "; a store needs one with UTF8 (CREATE DATABASE … ENCODING "
                                "'UTF8' TEMPLATE template0)");
  }
  {
    PostgresTransaction transaction(link, PostgresTransaction::Kind::reading);
    const Found found = look(transaction);
    const bool ready = is_ready(transaction, found, create);
    transaction.commit();
    if (ready) return;
  }
  make_store(link);
}

}  // namespace tailrace
