#include "destination/marketo/questions.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "destination/marketo/answer.hpp"
#include "destination/marketo/facts.hpp"
#include "destination/marketo/lookup.hpp"
#include "destination/records.hpp"
#include "destination/settle.hpp"
#include "wire/json_reader.hpp"

namespace tailrace::marketo {
namespace {

using nlohmann::json;

// Of describe: the list itself. Of by_match a tag tells which values a call asks for.
constexpr int kWhetherList = -1;
constexpr int kCounts = 512;  // more than values of one call

[[nodiscard]] ReadStep senseless() { return senseless_answer("Marketo"); }

// --- fields ----------------------------------------------------------------------------------

[[nodiscard]] Takes takes_of(std::string_view type) {
  if (type == "integer" || type == "score" || type == "percent") return Takes::whole_number;
  if (type == "float" || type == "currency") return Takes::number;
  if (type == "boolean") return Takes::yes_or_no;
  if (type == "date") return Takes::date;
  if (type == "datetime") return Takes::moment;
  return Takes::anything;
}

/// Fields that leads may be searched by. Those of several columns are none for one match field.
[[nodiscard]] std::unordered_set<std::string> searchable_in(const json& described) {
  std::unordered_set<std::string> names;
  const json* list = wire::member(described, "searchableFields");
  if (list == nullptr || !list->is_array()) return names;
  for (const json& one : *list) {
    if (one.is_array() && one.size() == 1) names.insert(wire::scalar_text(one.front()));
  }
  return names;
}

[[nodiscard]] FieldFact fact_of(const Target& target, const json& described,
                                const std::unordered_set<std::string>& searchable) {
  FieldFact field;
  field.name = wire::text_at(described, "name");
  field.type = wire::text_at(described, "dataType");
  field.takes = takes_of(field.type);
  field.unique = searchable.contains(field.name);
  const json* updateable = wire::member(described, "updateable");
  const bool open = updateable == nullptr || !updateable->is_boolean() || updateable->get<bool>();
  // What the CRM or Marketo fills finds leads all the same; a list has the match field alone.
  field.writable = (open && target.list.empty()) || field.name == target.match;
  const json* length = wire::member(described, "length");
  if (field.takes == Takes::anything && length != nullptr && length->is_number_unsigned() &&
      *length > 0u) {
    field.max_length = length->get<std::size_t>();
  }
  return field;
}

[[nodiscard]] ReadStep read_fields(const Target& target, const json& results) {
  const json* fields = results.size() == 1 ? wire::member(results.front(), "fields") : nullptr;
  if (fields == nullptr || !fields->is_array()) return senseless();
  const auto searchable = searchable_in(results.front());
  ReadStep step;
  for (const json& one : *fields) step.fields.push_back(fact_of(target, one, searchable));
  return step;
}

// --- leads -----------------------------------------------------------------------------------

[[nodiscard]] std::vector<std::string> names_of(const std::vector<Column>& fields) {
  std::vector<std::string> names;
  for (const Column& field : fields) names.push_back(field.name);
  return names;
}

/// Values of the question that leads can be asked for by, in its order.
[[nodiscard]] std::vector<std::string> askable(const ReadAsk& ask) {
  std::vector<std::string> values;
  for (const std::string& one : ask.match) {
    if (Target::can_ask(one)) values.push_back(one);
  }
  return values;
}

void ask_for(ReadStep& step, const Target& target, const std::vector<Column>& fields,
             std::span<const std::string> values, std::size_t from, std::size_t count) {
  step.calls.push_back(ask_by_match(target, names_of(fields), values.subspan(from, count)));
  step.calls.back().tag = static_cast<int>(from) * kCounts + static_cast<int>(count);
}

[[nodiscard]] Record record_of(const Target& target, const std::vector<Column>& fields,
                               const json& lead) {
  Record record;
  record.destination_id = wire::text_at(lead, kId);
  record.match = target.compared(wire::text_at(lead, target.match));
  record.fields = values_of(lead, fields);
  return record;
}

/// What was asked for and is not named is absent; of a value that several leads have, nothing is
/// known. More than a page of leads is asked for in halves until it is known which those are.
[[nodiscard]] ReadStep read_matches(const Target& target, const std::vector<Column>& fields,
                                    const ReadAsk& ask, const Call& call, const Answer& answer) {
  const std::vector<std::string> values = askable(ask);
  const auto from = static_cast<std::size_t>(call.tag / kCounts);
  const auto count = static_cast<std::size_t>(call.tag % kCounts);
  if (call.tag < 0 || count == 0 || from + count > values.size()) return senseless();
  ReadStep step;
  if (answer.has_more()) {
    if (count == 1) return step;
    ask_for(step, target, fields, values, from, count / 2);
    ask_for(step, target, fields, values, from + count / 2, count - count / 2);
    return step;
  }
  const json& results = *answer.results();
  const Found found(target, results);
  std::unordered_set<std::string> told;
  const auto begin = values.begin() + static_cast<std::ptrdiff_t>(from);
  const std::unordered_set<std::string> asked(begin, begin + static_cast<std::ptrdiff_t>(count));
  for (const json& lead : results) {
    Record record = record_of(target, fields, lead);
    const bool one = asked.contains(record.match) && !found.is_several(record.match);
    if (one && told.insert(record.match).second) step.records.push_back(std::move(record));
  }
  for (std::size_t i = from; i < from + count; ++i) {
    if (found.id_of(values[i]).empty()) step.absent.push_back(values[i]);
  }
  return step;
}

// --- the instance ----------------------------------------------------------------------------

[[nodiscard]] ReadStep read_usage(const json& results, double daily_calls) {
  const json* total = results.size() == 1 ? wire::member(results.front(), "total") : nullptr;
  if (total == nullptr || !total->is_number()) return senseless();
  ReadStep step;
  step.calls_left = std::max(0.0, daily_calls - total->get<double>());
  return step;
}

}  // namespace

ReadStep first_questions(const Target& target, const std::vector<Column>& fields,
                         const ReadAsk& ask) {
  ReadStep step;
  if (ask.kind == ReadAsk::Kind::describe) {
    step.calls.push_back(question(std::string(kDescribe)));
    if (target.list.empty()) return step;
    step.calls.push_back(question(target.list_path(".json")));
    step.calls.back().tag = kWhetherList;
  } else if (ask.kind == ReadAsk::Kind::limits) {
    step.calls.push_back(question(std::string(kUsage)));
  } else {
    const std::vector<std::string> values = askable(ask);
    for (std::size_t at = 0; at < values.size(); at += kMaxRows) {
      ask_for(step, target, fields, values, at, std::min(kMaxRows, values.size() - at));
    }
  }
  return step;
}

ReadStep read_answer_to(const Target& target, const std::vector<Column>& fields, const ReadAsk& ask,
                        double daily_calls, const Call& call, const wire::Reply& reply) {
  const Answer answer = read_answer(reply);
  const json* results = answer.results();
  if (results == nullptr) {
    ReadStep step = refused_question(answer, reply);
    const bool of_list = ask.kind == ReadAsk::Kind::describe && call.tag == kWhetherList;
    if (of_list && answer.refusal.reason.code == kNoObject) {
      return no_such_object("Marketo", "list:" + target.list, {});
    }
    return step;
  }
  switch (ask.kind) {
    case ReadAsk::Kind::describe:
      if (call.tag != kWhetherList) return read_fields(target, *results);
      return results->empty() ? senseless() : ReadStep{};
    case ReadAsk::Kind::limits: return read_usage(*results, daily_calls);
    case ReadAsk::Kind::by_match: return read_matches(target, fields, ask, call, answer);
    default: return senseless();
  }
}

}  // namespace tailrace::marketo
