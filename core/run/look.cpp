// The first rows of a model beside what the tool has: for a person's first try.
#include "run/look.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "diff/identify.hpp"
#include "row/chunk.hpp"
#include "row/row_view.hpp"
#include "run/spec.hpp"

namespace tailrace {
namespace {

using nlohmann::json;

struct Row {
  std::string line;
  std::string key;
  std::string match;  // as the tool compares it; empty: it can identify no record
};

[[nodiscard]] std::vector<Row> first_rows(Source& source, const Schema& schema,
                                          const Destination& destination) {
  std::vector<Row> rows;
  std::string scratch;
  Chunk chunk;
  while (rows.size() < Looked::kRows && source.next(chunk)) {
    for (std::size_t i = 0; i < chunk.rows() && rows.size() < Looked::kRows; ++i) {
      const RowView view(chunk.line(i), schema);
      Row& row = rows.emplace_back();
      row.line = chunk.line(i);
      key_text(view, row.key);
      const Cell match = view.cell(schema.match);
      const bool named =
          !match.is_null() && destination.identity_into(match.text(scratch), row.match);
      if (!named) row.match.clear();
    }
  }
  return rows;
}

void compare(SeenRow& seen, const Row& row, const Answer& answer, const Schema& schema,
             const Destination& destination) {
  const auto record = std::find_if(answer.records.begin(), answer.records.end(),
                                   [&](const Record& one) { return one.match == row.match; });
  if (record != answer.records.end()) {
    seen.fields = differing_fields(destination, schema, row.line, *record);
    seen.state = seen.fields.empty() ? "equal" : "different";
  } else if (std::find(answer.absent.begin(), answer.absent.end(), row.match) !=
             answer.absent.end()) {
    seen.state = "missing";
  }
}

}  // namespace

Looked look_at(Source& source, const Schema& schema, const Destination& destination,
               const std::function<Answer(const ReadAsk&)>& ask) {
  const std::vector<Row> rows = first_rows(source, schema, destination);
  ReadAsk question;
  question.kind = ReadAsk::Kind::by_match;
  for (const Row& row : rows) {
    if (!row.match.empty()) question.match.push_back(row.match);
  }
  Looked looked;
  Answer answer;
  if (!question.match.empty() && destination.capabilities().answers(question.kind)) {
    answer = ask(question);
    looked.failure = answer.failure;
  }
  for (const Row& row : rows) {
    SeenRow& seen = looked.rows.emplace_back();
    seen.key = row.key;
    if (!row.match.empty()) compare(seen, row, answer, schema, destination);
  }
  return looked;
}

json to_json(const Looked& looked) {
  json rows = json::array();
  for (const SeenRow& row : looked.rows) {
    json fields = json::array();
    for (const VerifiedRow::Field& one : row.fields) fields.push_back(one.field);
    rows.push_back({{"key", row.key}, {"state", row.state}, {"fields", std::move(fields)}});
  }
  return {{"rows", std::move(rows)},
          {"failure", looked.failure.empty() ? json(nullptr) : json(looked.failure)}};
}

}  // namespace tailrace
