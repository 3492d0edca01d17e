#include "destination/postgres/questions.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "destination/connection.hpp"
#include "destination/postgres/answer.hpp"
#include "destination/postgres/facts.hpp"
#include "wire/json_reader.hpp"

namespace tailrace::postgres {
namespace {

using nlohmann::json;

enum Tag : int { kDescribe = 1, kTables, kByMatch, kPage };

// Of a column that describe() tells of, in its order.
enum Of : std::size_t {
  kName,
  kType,
  kBase,
  kKind,
  kModifier,
  kRequired,
  kWritable,
  kUnique,
  kOptions,
  kParts
};

constexpr int kModifierBytes = 4;  // of a length, in what varchar(n) keeps it as

[[nodiscard]] Call asked(wire::Request request, int tag) {
  Call call;
  call.effect = Effect::none;
  call.tag = tag;
  call.request = std::move(request);
  return call;
}

[[nodiscard]] ReadStep senseless() { return senseless_answer("the database"); }

/// A row of texts; an empty list where it is none of that many.
[[nodiscard]] std::vector<std::string> texts_of(const json& row, std::size_t parts) {
  std::vector<std::string> texts;
  if (!row.is_array() || row.size() != parts) return texts;
  for (const json& one : row) texts.push_back(one.is_string() ? one.get<std::string>() : "");
  return texts;
}

[[nodiscard]] Takes takes_of(std::string_view base, std::string_view kind) {
  if (kind == "e") return Takes::one_of;
  if (base == "int2" || base == "int4" || base == "int8") return Takes::whole_number;
  if (base == "numeric" || base == "float4" || base == "float8") return Takes::number;
  if (base == "bool") return Takes::yes_or_no;
  if (base == "date") return Takes::date;
  return Takes::anything;
}

[[nodiscard]] FieldFact fact_of(const std::vector<std::string>& parts) {
  FieldFact field;
  field.name = parts[kName];
  field.type = parts[kType];
  field.takes = takes_of(parts[kBase], parts[kKind]);
  field.required = parts[kRequired] == "t";
  field.writable = parts[kWritable] == "t";
  field.unique = parts[kUnique] == "t";
  if (parts[kBase] == "varchar" || parts[kBase] == "bpchar") {
    int modifier = -1;
    const std::string& text = parts[kModifier];
    std::from_chars(text.data(), text.data() + text.size(), modifier);
    if (modifier > kModifierBytes) {
      field.max_length = static_cast<std::size_t>(modifier - kModifierBytes);
    }
  }
  const json options = json::parse(parts[kOptions], nullptr, false);
  if (options.is_array()) {
    for (const json& option : options) field.options.push_back(wire::scalar_text(option));
  }
  return field;
}

[[nodiscard]] ReadStep read_columns(const Script& script, const json& rows) {
  ReadStep step;
  for (const json& row : rows) {
    const std::vector<std::string> parts = texts_of(row, kParts);
    if (parts.empty()) return senseless();
    step.fields.push_back(fact_of(parts));
  }
  if (rows.empty()) step.calls.push_back(asked(script.tables(), kTables));
  return step;
}

[[nodiscard]] ReadStep no_such_table(std::string_view table, const json& rows) {
  std::vector<std::string> names;
  for (const json& row : rows) {
    const std::vector<std::string> parts = texts_of(row, 3);
    if (parts.empty()) return senseless();
    names.push_back(parts[2] == "t" ? parts[1] : parts[0] + "." + parts[1]);
  }
  const std::string_view near = nearest(table, {names.begin(), names.end()});
  ReadStep step;
  step.stop = Stop{};
  step.stop->no_object = true;
  step.stop->message = "the database has no table '" + std::string(table) + "'" +
                       (near.empty() ? "" : "; did you mean '" + std::string(near) + "'?");
  return step;
}

/// Null beside a value that was asked for: no record has it. A value that several records have
/// comes several times, and nothing is known of it.
[[nodiscard]] ReadStep read_matches(const std::vector<Column>& fields, const ReadAsk& ask,
                                    const json& rows) {
  ReadStep step;
  std::unordered_map<std::string, int> told;
  for (const json& row : rows) {
    if (!row.is_array() || row.size() != fields.size() + 2) return senseless();
    std::size_t index = 0;
    const std::string text = wire::scalar_text(row[0]);
    const auto read = std::from_chars(text.data(), text.data() + text.size(), index);
    if (read.ec != std::errc{} || index >= ask.match.size()) return senseless();
    const std::string& value = ask.match[index];
    if (row[1].is_null()) {
      step.absent.push_back(value);
      continue;
    }
    Record record;
    record.match = value;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      std::optional<std::string> its;
      if (!row[i + 2].is_null()) its = wire::scalar_text(row[i + 2]);
      record.fields.emplace_back(fields[i].name, std::move(its));
    }
    ++told[value];
    step.records.push_back(std::move(record));
  }
  std::erase_if(step.records, [&](const Record& one) { return told[one.match] > 1; });
  return step;
}

[[nodiscard]] ReadStep read_page(const Script& script, const json& rows) {
  ReadStep step;
  for (const json& row : rows) {
    if (!row.is_array() || row.size() != 1 || !row.front().is_string()) return senseless();
    Record record;
    record.match = row.front().get<std::string>();
    step.records.push_back(std::move(record));
  }
  if (step.records.size() == kIdPage) {
    step.calls.push_back(asked(script.page(&step.records.back().match), kPage));
  }
  return step;
}

}  // namespace

ReadStep first_questions(const Script& script, const ReadAsk& ask) {
  ReadStep step;
  if (ask.kind == ReadAsk::Kind::describe) {
    step.calls.push_back(asked(script.describe(), kDescribe));
  } else if (ask.kind == ReadAsk::Kind::all_ids) {
    step.calls.push_back(asked(script.page(nullptr), kPage));
  } else if (!ask.match.empty()) {
    step.calls.push_back(asked(script.by_match(ask.match), kByMatch));
  }
  return step;
}

ReadStep read_answer(const Script& script, std::string_view table,
                     const std::vector<Column>& fields, const ReadAsk& ask, const Call& call,
                     const wire::Reply& reply) {
  const Refusal refusal = judge(reply);
  if (refusal.judgement.means != AnswerClass::ok) return end_question(refusal);
  const auto body = wire::read_json(reply);
  if (!body || !body->is_array() || body->size() != 1 || !body->front().is_array()) {
    return senseless();
  }
  const json& rows = body->front();
  switch (call.tag) {
    case kDescribe: return read_columns(script, rows);
    case kTables: return no_such_table(table, rows);
    case kByMatch: return read_matches(fields, ask, rows);
    case kPage: return read_page(script, rows);
    default: return senseless();
  }
}

}  // namespace tailrace::postgres
