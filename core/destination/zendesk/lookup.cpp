#include "destination/zendesk/lookup.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "destination/settle.hpp"
#include "destination/zendesk/answer.hpp"
#include "wire/json_reader.hpp"

namespace tailrace::zendesk {

using nlohmann::json;

Call show_many(const Target& target, const std::vector<std::string>& matches) {
  Call call;
  call.effect = Effect::none;
  call.request.method = wire::Method::get;
  call.request.path = target.path("show_many");
  std::string& query = call.request.query;
  query = target.by == Match::id ? "ids=" : "external_ids=";
  bool first = true;
  for (const std::string& match : matches) {
    if (!std::exchange(first, false)) query += ',';
    wire::append_percent_encoded(query, match);
  }
  return call;
}

std::size_t that_fit(const std::vector<std::string>& matches, std::size_t from) {
  std::size_t bytes = 0;
  std::size_t count = 0;
  while (from + count < matches.size() && count < kMaxRows) {
    bytes += wire::percent_encode(matches[from + count]).size() + 1;
    if (bytes > kMaxQueryBytes && count > 0) break;
    ++count;
  }
  return count;
}

const json* records_in(const Target& target, const json& body) {
  const json* list = wire::member(body, target.object);
  if (list == nullptr || !list->is_array()) return nullptr;
  const json* count = wire::member(body, "count");
  const bool said = count != nullptr && count->is_number_unsigned();
  if (said && count->get<std::size_t>() != list->size()) return nullptr;
  return list;
}

std::optional<Found> read_found(const Target& target, const json& body) {
  const json* list = records_in(target, body);
  if (list == nullptr) return std::nullopt;
  Found found;
  for (const json& record : *list) {
    const std::string match = target.compared(wire::text_at(record, target.match));
    const std::string id = wire::text_at(record, "id");
    if (match.empty() || !is_numeric_id(id)) continue;
    const auto [at, is_new] = found.ids.emplace(match, id);
    if (!is_new && at->second != id) found.twice.push_back(match);
  }
  return found;
}

Lookup lookup_of(const Target& target, const Batch& batch, const std::vector<RowIndex>& rows,
                 const std::function<std::string(RowIndex)>& known_id) {
  Lookup lookup;
  for (const RowIndex row : rows) {
    std::string match = target.compared(batch.rows[row].match);
    if (std::string id = known_id(row); !id.empty()) {
      lookup.known.emplace_back(row, std::move(id));
    } else if (match.empty() || !target.can_ask(match)) {
      lookup.unaskable.push_back(row);
    } else {
      lookup.rows.push_back(row);
      lookup.matches.push_back(std::move(match));
    }
  }
  const std::size_t fit = that_fit(lookup.matches, 0);
  lookup.later.assign(lookup.rows.begin() + static_cast<std::ptrdiff_t>(fit), lookup.rows.end());
  lookup.rows.resize(fit);
  lookup.matches.resize(fit);
  return lookup;
}

void put_aside(Step& step, const Lookup& lookup, Operation operation) {
  give_all(step, lookup.unaskable, Outcome::rejected,
           reason_of("match_has_comma",
                     "Zendesk looks records up by a list that is joined by commas, and this match "
                     "value has one"));
  if (!lookup.later.empty()) step.regroup.push_back({lookup.later, operation});
}

LookedUp read_lookup(const Target& target, Lookup lookup, Operation operation,
                     const wire::Reply& reply) {
  LookedUp told;
  Refusal refusal = judge(reply);
  std::optional<Found> found;
  if (refusal.judgement.means == AnswerClass::ok) {
    const auto body = wire::read_json(reply);
    if (body) found = read_found(target, *body);
    refusal.reason = unreadable_answer();
  }
  if (!found) {
    std::vector<RowIndex> open = std::move(lookup.rows);
    for (const auto& [row, id] : lookup.known) open.push_back(row);
    std::sort(open.begin(), open.end());
    told.step = settle_unanswered(std::move(refusal), open, operation);
    return told;
  }
  told.answered = true;
  told.known = std::move(lookup.known);
  for (std::size_t i = 0; i < lookup.rows.size(); ++i) {
    const RowIndex row = lookup.rows[i];
    const auto at = found->ids.find(lookup.matches[i]);
    if (is_one_of(lookup.matches[i], found->twice)) {
      give_all(told.step, {row}, Outcome::rejected,
               reason_of("ambiguous", "several records have this match value"));
    } else if (at != found->ids.end()) {
      told.known.emplace_back(row, at->second);
    } else {
      told.missing.push_back(row);
    }
  }
  std::sort(told.known.begin(), told.known.end());
  return told;
}

}  // namespace tailrace::zendesk
