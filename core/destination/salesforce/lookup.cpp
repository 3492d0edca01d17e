#include "destination/salesforce/lookup.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "destination/salesforce/answer.hpp"
#include "destination/salesforce/facts.hpp"
#include "row/ascii.hpp"
#include "wire/cell.hpp"
#include "wire/json_reader.hpp"
#include "wire/json_scan.hpp"

namespace tailrace::salesforce {
namespace {

using nlohmann::json;

/// SOQL's escapes: a value can never end its text.
void append_quoted(std::string& out, std::string_view text) {
  out += '\'';
  for (const char c : text) {
    switch (c) {
      case '\\': out += "\\\\"; break;
      case '\'': out += "\\'"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      default: out += c;
    }
  }
  out += '\'';
}

[[nodiscard]] std::string literal(std::string_view value, Literals literals) {
  std::string out;
  if (literals == Literals::bare) {
    out = value;
  } else {
    append_quoted(out, value);
  }
  return out;
}

/// Up to the opening parenthesis.
[[nodiscard]] std::string beginning(const Target& target, std::span<const std::string> fields) {
  std::string soql("SELECT ");
  soql += kId;
  const auto add = [&soql](std::string_view name) { soql.append(",").append(name); };
  if (!target.by_id) add(target.match);
  for (const std::string& field : fields) {
    if (field != target.match && field != kId) add(field);
  }
  return soql.append(" FROM ")
      .append(target.object)
      .append(" WHERE ")
      .append(target.match)
      .append(" IN (");
}

}  // namespace

Call query_call(const Target& target, std::string_view soql) {
  Call call;
  call.effect = Effect::none;
  call.request.method = wire::Method::get;
  call.request.path = target.path("query");
  call.request.query = "q=";
  wire::append_percent_encoded(call.request.query, soql);
  return call;
}

Call ask_by_match(const Target& target, std::span<const std::string> fields,
                  std::span<const std::string> matches, Literals literals) {
  std::string soql = beginning(target, fields);
  bool first = true;
  for (const std::string& match : matches) {
    if (!std::exchange(first, false)) soql += ',';
    soql += literal(match, literals);
  }
  soql += ')';
  return query_call(target, soql);
}

Call ask_by_id(const Target& target, std::span<const std::string> ids) {
  std::string soql("SELECT Id FROM ");
  soql.append(target.object).append(" WHERE Id IN (");
  bool first = true;
  for (const std::string& id : ids) {
    if (!std::exchange(first, false)) soql += ',';
    append_quoted(soql, id);
  }
  soql += ')';
  return query_call(target, soql);
}

std::size_t that_fit(const Target& target, std::span<const std::string> fields,
                     std::span<const std::string> matches) {
  std::size_t bytes = wire::percent_encode(beginning(target, fields)).size();
  std::size_t count = 0;
  constexpr std::size_t kComma = 3;  // encoded
  for (const std::string& match : matches) {
    bytes += wire::percent_encode(literal(match, Literals::quoted)).size() + kComma;
    if (count == kMaxRows || (bytes > kMaxQueryBytes && count > 0)) break;
    ++count;
  }
  return count;
}

bool wants_bare(const wire::Reply& reply, std::span<const std::string> matches) {
  return reply.failure == wire::Failure::none && reply.status == 400 &&
         judge(reply).reason.code == "INVALID_FIELD" &&
         std::all_of(matches.begin(), matches.end(),
                     [](const std::string& match) { return wire::is_json_number(match); });
}

const json* records_in(const json& body) {
  const json* records = wire::member(body, "records");
  const json* done = wire::member(body, "done");
  const bool answered =
      records != nullptr && records->is_array() && done != nullptr && done->is_boolean();
  return answered ? records : nullptr;
}

bool is_whole(const json& body) {
  const json* records = records_in(body);
  const json* total = wire::member(body, "totalSize");
  return records != nullptr && body.at("done").get<bool>() && total != nullptr &&
         total->is_number_unsigned() && total->get<std::size_t>() == records->size();
}

std::string match_of(const Target& target, const json& record) {
  const json* value = wire::member(record, target.match);
  if (value == nullptr) return {};
  std::string text = wire::scalar_text(*value);
  // A number comes as 7.0.
  if (value->is_number_float() && text.ends_with(".0")) text.resize(text.size() - 2);
  return target.compared(text);
}

std::optional<Found> Found::read(const Target& target, const json& body,
                                 std::span<const std::string> asked) {
  const json* records = records_in(body);
  if (records == nullptr) return std::nullopt;
  std::unordered_set<std::string> folded;
  for (const std::string& match : asked) folded.insert(lowered(match));
  Found found;
  found.whole_ = is_whole(body);
  for (const json& record : *records) {
    const std::string match = match_of(target, record);
    const auto id = whole_id(wire::text_at(record, kId));
    if (match.empty() || !id) {
      found.whole_ = false;
      continue;
    }
    std::vector<std::string>& ids = found.ids_[match];
    if (std::find(ids.begin(), ids.end(), *id) == ids.end()) ids.push_back(*id);
    const std::string low = lowered(match);
    ++found.folded_[low];
    if (!folded.contains(low)) found.strays_ = true;
  }
  return found;
}

Looked Found::of(const std::string& match) const {
  const auto exact = ids_.find(match);
  if (exact != ids_.end() && exact->second.size() > 1) return {Looked::Sight::several, {}};
  if (!whole_) return {Looked::Sight::open, {}};
  if (exact != ids_.end()) return {Looked::Sight::found, exact->second.front()};
  if (strays_ || folded_.contains(lowered(match))) return {Looked::Sight::other_case, {}};
  return {Looked::Sight::missing, {}};
}

}  // namespace tailrace::salesforce
