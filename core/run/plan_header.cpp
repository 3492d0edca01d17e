#include "run/plan_header.hpp"

#include <array>
#include <utility>

#include "run/plan_errors.hpp"
#include "run/report.hpp"

namespace tailrace {
namespace {

using nlohmann::json;

// The words of format 1: none may be changed, new ones may be added.
constexpr std::array kTypes = {std::pair{Type::text, "text"},
                               std::pair{Type::boolean, "boolean"},
                               std::pair{Type::integer, "integer"},
                               std::pair{Type::floating, "floating"},
                               std::pair{Type::decimal, "decimal"},
                               std::pair{Type::date, "date"},
                               std::pair{Type::time, "time"},
                               std::pair{Type::timestamp, "timestamp"},
                               std::pair{Type::timestamptz, "timestamptz"},
                               std::pair{Type::interval, "interval"},
                               std::pair{Type::uuid, "uuid"},
                               std::pair{Type::json, "json"},
                               std::pair{Type::bytes, "bytes"},
                               std::pair{Type::list, "list"}};
constexpr std::array kModes = {std::pair{Mode::upsert, "upsert"}, std::pair{Mode::update, "update"},
                               std::pair{Mode::insert, "insert"},
                               std::pair{Mode::append, "append"}};
constexpr std::array kOnRemoved = {
    std::pair{OnRemoved::ignore, "ignore"}, std::pair{OnRemoved::delete_, "delete"},
    std::pair{OnRemoved::archive, "archive"}, std::pair{OnRemoved::clear, "clear"}};
constexpr std::array kNulls = {std::pair{Nulls::clear, "clear"}, std::pair{Nulls::keep, "keep"}};

template <typename Table, typename Value>
const char* word_of(const Table& table, Value value) {
  for (const auto& [known, word] : table) {
    if (known == value) return word;
  }
  throw std::logic_error("plan: a value without a word");
}

template <typename Table>
auto value_of(const Table& table, const json& object, const char* key) {
  const auto word = object.at(key).get<std::string>();
  for (const auto& [value, known] : table) {
    if (word == known) return value;
  }
  throw PlanError(std::string("plan: '") + key + "' may not be '" + word +
                  "': the plan was made by another version of tailrace, plan again");
}

json counts_json(const DiffCounts& counts) {
  return {{"scanned", counts.scanned},     {"unchanged", counts.unchanged},
          {"added", counts.added},         {"changed", counts.changed},
          {"refreshed", counts.refreshed}, {"removed", counts.removed},
          {"invalid", counts.invalid},     {"gone", counts.gone}};
}

DiffCounts counts_of(const json& counts) {
  DiffCounts out;
  counts.at("scanned").get_to(out.scanned);
  counts.at("unchanged").get_to(out.unchanged);
  counts.at("added").get_to(out.added);
  counts.at("changed").get_to(out.changed);
  counts.at("refreshed").get_to(out.refreshed);
  counts.at("removed").get_to(out.removed);
  counts.at("invalid").get_to(out.invalid);
  counts.at("gone").get_to(out.gone);
  return out;
}

json schema_json(const Schema& schema) {
  json columns = json::array();
  for (const Column& column : schema.columns) {
    json& one = columns.emplace_back();
    one = {{"name", column.name},
           {"type", word_of(kTypes, column.type)},
           {"nulls", word_of(kNulls, column.nulls)},
           {"digits", column.digits}};
    if (column.link) {
      const Link& link = *column.link;
      one["link"] = {link.to, link.by, link.category, link.type};
    }
  }
  return {{"columns", std::move(columns)},
          {"field_count", schema.field_count},
          {"key", schema.key},
          {"match", schema.match}};
}

std::optional<Link> link_of(const json& column) {
  const auto found = column.find("link");
  if (found == column.end()) return std::nullopt;
  return Link{found->at(0).get<std::string>(), found->at(1).get<std::string>(),
              found->at(2).get<std::string>(), found->at(3).get<int>()};
}

Schema schema_of(const json& from) {
  Schema schema;
  for (const json& column : from.at("columns")) {
    schema.columns.push_back({column.at("name").get<std::string>(),
                              value_of(kTypes, column, "type"), value_of(kNulls, column, "nulls"),
                              column.at("digits").get<int>(), link_of(column)});
  }
  from.at("field_count").get_to(schema.field_count);
  from.at("key").get_to(schema.key);
  from.at("match").get_to(schema.match);
  return schema;
}

json positions_json(const std::vector<ShardPosition>& positions) {
  json list = json::array();
  for (const ShardPosition& at : positions)
    list.push_back({at.shard, at.of, at.epoch, at.last_seq});
  return list;
}

std::vector<ShardPosition> positions_of(const json& list) {
  std::vector<ShardPosition> positions;
  for (const json& at : list) {
    positions.push_back({at.at(0).get<int>(), at.at(1).get<int>(), at.at(2).get<std::int64_t>(),
                         at.at(3).get<std::int64_t>()});
  }
  return positions;
}

json breaches_json(const std::vector<Breach>& breaches) {
  json list = json::array();
  for (const Breach& breach : breaches) list.push_back(to_json(breach));
  return list;
}

std::vector<Breach> breaches_of(const json& list) {
  std::vector<Breach> breaches;
  for (const json& breach : list) {
    const json& limit = breach.at("limit");
    breaches.push_back({breach.at("guard").get<std::string>(), breach.at("value").get<double>(),
                        Limit{limit.at("value").get<double>(), limit.at("percent").get<bool>()},
                        breach.at("message").get<std::string>()});
  }
  return breaches;
}

json invalid_json(const std::vector<InvalidRow>& rows) {
  json list = json::array();
  for (const InvalidRow& row : rows) list.push_back({row.key, row.code, row.message, row.field});
  return list;
}

std::vector<InvalidRow> invalid_of(const json& list) {
  std::vector<InvalidRow> rows;
  for (const json& row : list) {
    rows.push_back({row.at(0).get<std::string>(), row.at(1).get<std::string>(),
                    row.at(2).get<std::string>(), row.at(3).get<std::string>()});
  }
  return rows;
}

json nulls_json(const std::optional<NullCounts>& nulls) {
  if (!nulls) return nullptr;
  return {{"rows", nulls->rows}, {"fields", nulls->nulls}};
}

std::optional<NullCounts> nulls_of(const json& from) {
  if (from.is_null()) return std::nullopt;
  NullCounts nulls;
  from.at("rows").get_to(nulls.rows);
  from.at("fields").get_to(nulls.nulls);
  return nulls;
}

PlanHeader parse_header(const json& from) {
  PlanHeader header;
  from.at("run_id").get_to(header.run_id);
  from.at("created_at_ms").get_to(header.created_at_ms);
  from.at("sync").get_to(header.sync);
  from.at("account").get_to(header.account);
  from.at("object").get_to(header.object);
  from.at("shard").get_to(header.shard);
  from.at("of").get_to(header.of);
  if (header.of < 1 || header.shard < 0 || header.shard >= header.of) {
    throw PlanError("plan: the header names part " + std::to_string(header.shard) + " of " +
                    std::to_string(header.of) + ": plan again");
  }
  header.positions = positions_of(from.at("positions"));
  from.at("state_sum").get_to(header.state_sum);
  from.at("mapping_fingerprint").get_to(header.mapping_fingerprint);
  from.at("source_kind").get_to(header.source_kind);
  from.at("encoding").get_to(header.encoding);
  header.schema = schema_of(from.at("schema"));
  header.mode = value_of(kModes, from, "mode");
  header.on_removed = value_of(kOnRemoved, from, "on_removed");
  from.at("resync").get_to(header.resync);
  header.counts = counts_of(from.at("counts"));
  header.whole = counts_of(from.at("whole"));
  from.at("known").get_to(header.known);
  header.breaches = breaches_of(from.at("breaches"));
  header.nulls = nulls_of(from.at("nulls"));
  header.invalid_sample = invalid_of(from.at("invalid_sample"));
  from.at("fingerprint").get_to(header.fingerprint);
  from.at("whole_fingerprint").get_to(header.whole_fingerprint);
  return header;
}

}  // namespace

json to_json(const PlanHeader& header) {
  return {{"run_id", header.run_id},
          {"created_at_ms", header.created_at_ms},
          {"sync", header.sync},
          {"account", header.account},
          {"object", header.object},
          {"shard", header.shard},
          {"of", header.of},
          {"positions", positions_json(header.positions)},
          {"state_sum", header.state_sum},
          {"mapping_fingerprint", header.mapping_fingerprint},
          {"source_kind", header.source_kind},
          {"encoding", header.encoding},
          {"schema", schema_json(header.schema)},
          {"mode", word_of(kModes, header.mode)},
          {"on_removed", word_of(kOnRemoved, header.on_removed)},
          {"resync", header.resync},
          {"counts", counts_json(header.counts)},
          {"whole", counts_json(header.whole)},
          {"known", header.known},
          {"breaches", breaches_json(header.breaches)},
          {"nulls", nulls_json(header.nulls)},
          {"invalid_sample", invalid_json(header.invalid_sample)},
          {"fingerprint", header.fingerprint},
          {"whole_fingerprint", header.whole_fingerprint}};
}

PlanHeader plan_header(const json& from) {
  try {
    return parse_header(from);
  } catch (const json::exception& error) {
    throw PlanError(std::string("plan: the header is not one of format 1 (") + error.what() +
                    "): plan again");
  }
}

}  // namespace tailrace
