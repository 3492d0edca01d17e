#include "state/postgres_tables.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace tailrace {
namespace {

// Times are milliseconds since 1970 in private tables, timestamptz in the users' ones. Blobs of
// hashes cannot be compressed and are not tried to be (EXTERNAL). Counts and reports are json, not
// jsonb: they come back as they were written, and a vendor's message may quote a NUL, which jsonb
// refuses. sync_shard is written at each commit, so its pages leave room for the new row beside
// the old one.
constexpr std::array<PostgresTable, 12> kTables{{
    {1, "store",
     "id text, hash_secret bytea, format integer, created_at bigint, syncs bigint, shards bigint, "
     "sum bigint",
     "", "", "", "CREATE UNIQUE INDEX IF NOT EXISTS store_is_one ON tailrace.store ((true))"},
    {1, "sync",
     "id bigint, sync text, account text, object text, created_at bigint, "
     "fields_noted text, fields_changed_at bigint, sum bigint",
     "", "", "PRIMARY KEY (id)", ""},
    {1, "sync_shard",
     "sync_id bigint, shard integer, of integer, epoch bigint, lease_until bigint, "
     "lock_key bigint, run_id text, last_seq bigint, folded_seq bigint, bucket_bits integer, "
     "entries bigint, snapshot_sum bigint, rejected_sum bigint, config_fingerprint text, "
     "encoding text, resynced_at bigint, latest_at bigint, sum bigint",
     "", "", "PRIMARY KEY (sync_id, shard)",
     "ALTER TABLE tailrace.sync_shard SET (fillfactor = 20)"},
    {1, "snapshot",
     "sync_id bigint, shard integer, bucket bigint, sum bigint, keys_sum bigint, absent bytea, "
     "entries bytea, keys bytea",
     "", "", "PRIMARY KEY (sync_id, shard, bucket)",
     "ALTER TABLE tailrace.snapshot ALTER COLUMN entries SET STORAGE EXTERNAL"},
    {1, "journal",
     "sync_id bigint, shard integer, seq bigint, epoch bigint, run_id text, kind bigint, "
     "send_by bigint, sum bigint, entries bytea",
     "", "", "PRIMARY KEY (sync_id, shard, seq)",
     "ALTER TABLE tailrace.journal ALTER COLUMN entries SET STORAGE EXTERNAL"},
    {1, "rejected_row",
     "sync_id bigint, shard integer, identity text, key text, version text, code text, "
     "message text, field text, hold text, attempts bigint, first_at timestamp with time zone, "
     "last_at timestamp with time zone, sum bigint",
     "", "", "PRIMARY KEY (sync_id, shard, identity)", ""},
    {1, "run",
     "number bigint, id text, sync_id bigint, sync text, shard integer, of integer, epoch bigint, "
     "status text, counts json, started_at timestamp with time zone, "
     "ended_at timestamp with time zone, report json",
     " counts started_at ended_at report ", "number", "PRIMARY KEY (number)",
     "CREATE INDEX IF NOT EXISTS run_of_shard ON tailrace.run (sync_id, shard, epoch)"},
    {2, "row_log",
     "number bigint, run_id text, sync text, key text, op text, status text, code text, "
     "message text, at timestamp with time zone",
     "", "number", "PRIMARY KEY (number)",
     "CREATE INDEX IF NOT EXISTS row_log_of_key ON tailrace.row_log USING hash (key)"},
    {2, "field_hashes", "sync_id bigint, identity bytea, sum bigint, hashes bytea", "", "",
     "PRIMARY KEY (sync_id, identity)", ""},
    {2, "rate_budget", "account text, rule text, slot bigint, used double precision, sum bigint",
     "", "", "PRIMARY KEY (account, rule, slot)", ""},
    {2, "shard_count",
     "sync_id bigint, shard integer, round text, counts text, at bigint, sum bigint", "", "",
     "PRIMARY KEY (sync_id, shard)", ""},
    {3, "login", "login text, number bigint, lease_until bigint, sum bigint, sealed bytea", "", "",
     "PRIMARY KEY (login)", ""},
}};

std::string column_list(const PostgresTable& table) {
  std::string out;
  std::string_view rest = table.columns;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(", "), rest.size());
    const std::string_view column = rest.substr(0, end);
    const std::string name(column.substr(0, column.find(' ')));
    out += "  " + std::string(column);
    if (table.nullable.find(" " + name + " ") == std::string_view::npos) out += " NOT NULL";
    if (name == table.numbered) out += " GENERATED ALWAYS AS IDENTITY";
    rest.remove_prefix(std::min(end + 2, rest.size()));
    if (!rest.empty()) out += ",\n";
  }
  return out;
}

}  // namespace

std::span<const PostgresTable> postgres_tables() { return kTables; }

std::vector<std::string> ddl_of(const PostgresTable& table) {
  std::string create = "CREATE TABLE IF NOT EXISTS tailrace." + std::string(table.name) + " (\n";
  create += column_list(table);
  if (!table.more.empty()) create += ",\n  " + std::string(table.more);
  std::vector<std::string> statements{create + ")"};
  if (!table.after.empty()) statements.emplace_back(table.after);
  return statements;
}

}  // namespace tailrace
