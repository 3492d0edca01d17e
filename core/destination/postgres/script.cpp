#include "destination/postgres/script.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "destination/postgres/facts.hpp"
#include "row/row_view.hpp"

namespace tailrace::postgres {
namespace {

// The rows of a request, beside the table's own columns. Nobody's column has such a name.
constexpr std::string_view kRows = "pg_temp.tailrace_rows";
constexpr std::string_view kRow = "\"tailrace.row\"";
constexpr std::string_view kSend = "\"tailrace.send\"";
// Of an index i: it keeps its one column unique, at once and in all rows.
constexpr std::string_view kKeepsUnique =
    "i.indisunique AND i.indisvalid AND i.indimmediate AND i.indnkeyatts = 1 AND i.indpred IS NULL";

template <class... Parts>
[[nodiscard]] std::string sql(const Parts&... parts) {
  std::string text;
  (text.append(parts), ...);
  return text;
}

void add(wire::Request& request, std::string statement) {
  request.headers.push_back({"sql", std::move(statement)});
}

[[nodiscard]] std::string identifier(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) out.append(c == '"' ? 2 : 1, c);
  return out + '"';
}

/// Whatever standard_conforming_strings says.
[[nodiscard]] std::string literal(std::string_view text) {
  std::string out = "E'";
  for (const char c : text) out.append(c == '\'' || c == '\\' ? 2 : 1, c);
  return out + '\'';
}

[[nodiscard]] std::string table_name(std::string_view table) {
  const std::size_t dot = table.find('.');
  const std::string_view schema = dot == std::string_view::npos ? "" : table.substr(0, dot);
  const std::string_view name = dot == std::string_view::npos ? table : table.substr(dot + 1);
  const bool plain = !name.empty() && name.find('.') == std::string_view::npos &&
                     (dot == std::string_view::npos || !schema.empty()) &&
                     table.find('\0') == std::string_view::npos;
  if (!plain) {
    throw std::invalid_argument("object: '" + std::string(table) +
                                "' is not the name of a table, as accounts or crm.accounts");
  }
  return schema.empty() ? identifier(name) : sql(identifier(schema), ".", identifier(name));
}

/// A line of a rows' table that has the match column alone.
void add_match(std::string& body, std::size_t index, std::string_view match) {
  body.append(std::to_string(index)).append("\t\t");
  append_escaped(body, match);
  body += '\n';
}

/// "a, b, c", each as `each` makes it.
template <class Each>
[[nodiscard]] std::string joined(const std::vector<std::string>& columns, const Each& each) {
  std::string out;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) out += ", ";
    out += each(i);
  }
  return out;
}

}  // namespace

Script::Script(std::string_view table, const Schema& schema)
    : table_(table_name(table)),
      match_(identifier(schema.columns.at(schema.match).name)),
      schema_(schema) {
  for (const Column& field : schema.fields()) {
    columns_.push_back(identifier(field.name));
    keeps_nulls_ = keeps_nulls_ || field.nulls == Nulls::keep;
  }
}

wire::Request Script::request(std::string_view verb) const {
  wire::Request request;
  request.path = "/";
  wire::append_percent_encoded(request.path, table_);
  request.path.append("/").append(verb);
  request.content_type = "text/plain";
  return request;
}

/// Columns of the types that the table's have: COPY reads the values as the table would.
void Script::add_rows_table(wire::Request& request, bool whole_rows) const {
  const std::string own =
      whole_rows ? joined(columns_, [&](std::size_t i) { return columns_[i]; }) : match_;
  add(request, sql("CREATE TEMPORARY TABLE tailrace_rows ON COMMIT DROP AS SELECT 0::integer AS ",
                   kRow, ", ''::text AS ", kSend, ", ", own, " FROM ", table_, " WITH NO DATA"));
  add(request, sql("COPY ", kRows, " FROM STDIN"));
}

/// Without a unique index a match value could be several records: nothing is written then. Two
/// values that are different texts may be one for the column's type (1 and 1.0, or citext): what
/// becomes of such rows would be left to chance.
void Script::add_checks(wire::Request& request, bool must_be_unique) const {
  if (must_be_unique) {
    const std::string unique =
        sql("EXISTS (SELECT 1 FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_attribute AS a ON "
            "a.attrelid = i.indrelid AND a.attnum = i.indkey[0] WHERE i.indrelid = ",
            literal(table_), "::regclass AND ", kKeepsUnique,
            " AND a.attname = ", literal(schema_.columns[schema_.match].name), ")");
    add(request, sql("DELETE FROM ", kRows, " WHERE NOT ", unique));
    add(request, sql("SELECT ", unique));
  } else {
    add(request, "SELECT true");
  }
  add(request, sql("DELETE FROM ", kRows, " WHERE ", match_, " IN (SELECT ", match_, " FROM ",
                   kRows, " GROUP BY ", match_, " HAVING count(*) > 1) RETURNING ", kRow));
}

/// The match field is what it is already, unless nothing else is mapped.
void Script::add_update(wire::Request& request, bool masked) const {
  std::string changes;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const std::string& column = columns_[i];
    if (i == schema_.match && columns_.size() > 1) continue;
    if (!changes.empty()) changes += ", ";
    if (!masked) {
      changes += sql(column, " = r.", column);
      continue;
    }
    changes += sql(column, " = CASE WHEN substr(r.", kSend, ", ", std::to_string(i + 1),
                   ", 1) = '0' THEN t.", column, " ELSE r.", column, " END");
  }
  add(request, sql("UPDATE ", table_, " AS t SET ", changes, " FROM ", kRows, " AS r WHERE t.",
                   match_, " = r.", match_, " RETURNING r.", kRow));
}

/// A statement for each set of fields that rows send: what is not sent gets the column's default.
void Script::add_insert(wire::Request& request, const std::vector<std::string>& masks,
                        bool merge) const {
  for (const std::string& mask : masks) {
    std::vector<std::string> sent;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (mask.empty() || mask[i] == '1' || i == schema_.match) sent.push_back(columns_[i]);
    }
    const auto name = [&](std::size_t i) { return sent[i]; };
    const std::string list = joined(sent, name);
    std::string absent;
    std::string conflict = "DO NOTHING";
    if (merge) {
      absent = sql(" AND NOT EXISTS (SELECT 1 FROM ", table_, " AS t WHERE t.", match_, " = r.",
                   match_, ")");
      conflict =
          sql("(", match_, ") DO UPDATE SET ",
              joined(sent, [&](std::size_t i) { return sql(sent[i], " = excluded.", sent[i]); }));
    }
    add(request, sql("WITH done AS (INSERT INTO ", table_, " (", list, ") SELECT ", list, " FROM ",
                     kRows, " AS r WHERE r.", kSend, " = ", literal(mask), absent, " ON CONFLICT ",
                     conflict, " RETURNING ", match_, ") SELECT r.", kRow, " FROM ", kRows,
                     " AS r JOIN done ON done.", match_, " = r.", match_));
  }
}

void Script::add_delete(wire::Request& request) const {
  add(request, sql("DELETE FROM ", table_, " AS t USING ", kRows, " AS r WHERE t.", match_, " = r.",
                   match_, " RETURNING r.", kRow));
}

void Script::add_clear(wire::Request& request) const {
  std::vector<std::string> emptied;
  for (const std::string& column : columns_) {
    if (column != match_) emptied.push_back(column);
  }
  if (emptied.empty()) return add(request, sql("SELECT ", kRow, " FROM ", kRows));
  add(request, sql("UPDATE ", table_, " AS t SET ",
                   joined(emptied, [&](std::size_t i) { return emptied[i] + " = NULL"; }), " FROM ",
                   kRows, " AS r WHERE t.", match_, " = r.", match_, " RETURNING r.", kRow));
}

std::string Script::mask_of(const BatchRow& row) const {
  if (row.send.empty() && !keeps_nulls_) return {};
  std::string mask(columns_.size(), '1');
  CellCursor cells(row.line);
  bool all = true;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const auto cell = cells.next();
    if (i == schema_.match) continue;
    const bool unsent = !row.send.empty() && row.send[i] != '\1';
    const bool kept = schema_.columns[i].nulls == Nulls::keep && cell && cell->is_null();
    if (!unsent && !kept) continue;
    mask[i] = '0';
    all = false;
  }
  return all ? std::string() : mask;
}

std::vector<std::string> Script::write_rows(std::string& body, const Batch& batch) const {
  std::set<std::string> masks;
  std::size_t room = 0;
  for (const BatchRow& row : batch.rows) room += row_bytes(row);
  body.reserve(room);
  for (std::size_t i = 0; i < batch.rows.size(); ++i) {
    const BatchRow& row = batch.rows[i];
    std::string mask = mask_of(row);
    body.append(std::to_string(i)).append("\t").append(mask).append("\t");
    body.append(RowView(row.line, schema_).fields()).append("\n");
    masks.insert(std::move(mask));
  }
  return {masks.begin(), masks.end()};
}

wire::Request Script::write(const Batch& batch) const {
  const Operation operation = batch.operation;
  const bool by_match_alone = operation == Operation::delete_ || operation == Operation::clear;
  wire::Request made = request(to_text(operation));
  add_rows_table(made, !by_match_alone);
  add_checks(made, operation != Operation::insert);
  if (by_match_alone) {
    for (std::size_t i = 0; i < batch.rows.size(); ++i) {
      add_match(made.body, i, batch.rows[i].match);
    }
    operation == Operation::delete_ ? add_delete(made) : add_clear(made);
    return made;
  }
  const std::vector<std::string> masks = write_rows(made.body, batch);
  const bool masked = masks.size() > 1 || !masks.front().empty();
  if (operation != Operation::insert) add_update(made, masked);
  if (operation != Operation::update) {
    add_insert(made, masks, operation == Operation::upsert);
  }
  return made;
}

std::size_t Script::row_bytes(const BatchRow& row) const {
  constexpr std::size_t kIndex = 8;  // and its tab
  return kIndex + columns_.size() + 2 + std::max(row.line.size(), 2 * row.match.size());
}

wire::Request Script::describe() const {
  wire::Request made = request("describe");
  add(made,
      sql("SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), t.typname, "
          "t.typtype, a.atttypmod, a.attnotnull AND NOT a.atthasdef AND a.attidentity = '', "
          "a.attgenerated = '' AND a.attidentity <> 'a', EXISTS (SELECT 1 FROM "
          "pg_catalog.pg_index AS i WHERE i.indrelid = a.attrelid AND i.indkey[0] = a.attnum AND ",
          kKeepsUnique,
          "), (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM "
          "pg_catalog.pg_enum AS e WHERE e.enumtypid = t.oid) FROM pg_catalog.pg_attribute AS a "
          "JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid WHERE a.attrelid = to_regclass(",
          literal(table_), ") AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"));
  return made;
}

wire::Request Script::tables() const {
  wire::Request made = request("tables");
  add(made, sql("SELECT n.nspname, c.relname, pg_catalog.pg_table_is_visible(c.oid) FROM "
                "pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = "
                "c.relnamespace WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\\_%' AND "
                "n.nspname <> 'information_schema' ORDER BY 1, 2 LIMIT ",
                std::to_string(kTablesShown)));
  return made;
}

wire::Request Script::by_match(const std::vector<std::string>& values) const {
  wire::Request made = request("read");
  add_rows_table(made, false);
  for (std::size_t i = 0; i < values.size(); ++i) add_match(made.body, i, values[i]);
  const auto text = [&](std::size_t i) { return sql("to_jsonb(t.", columns_[i], ") #>> '{}'"); };
  add(made, sql("SELECT r.", kRow, ", t.", match_, "::text, ", joined(columns_, text), " FROM ",
                kRows, " AS r LEFT JOIN ", table_, " AS t ON t.", match_, " = r.", match_));
  return made;
}

wire::Request Script::page(const std::string* after) const {
  wire::Request made = request("list");
  const std::string behind =
      after == nullptr ? std::string() : sql(" AND ", match_, " > ", literal(*after));
  add(made, sql("SELECT ", match_, "::text FROM ", table_, " WHERE ", match_, " IS NOT NULL",
                behind, " ORDER BY ", match_, " LIMIT ", std::to_string(kIdPage)));
  return made;
}

}  // namespace tailrace::postgres
