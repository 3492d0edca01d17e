// One batch, or one question, by one destination: a JSON document on standard input says which, one
// on standard output what came of it. Nothing is tried twice: what the engine would make of an
// outcome is not the question here.
#include <chrono>
#include <deque>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "destination/registry.hpp"
#include "http/auth.hpp"
#include "http/transport.hpp"
#include "row/row_view.hpp"
#include "run/ask.hpp"

namespace {

using nlohmann::json;
using namespace tailrace;
using std::chrono_literals::operator""s;

constexpr std::chrono::seconds kPatience{20};

// --- from JSON -------------------------------------------------------------------------------

Type type_of(const std::string& word) {
  const std::unordered_map<std::string, Type> types{{"text", Type::text},
                                                    {"boolean", Type::boolean},
                                                    {"integer", Type::integer},
                                                    {"floating", Type::floating},
                                                    {"decimal", Type::decimal},
                                                    {"date", Type::date},
                                                    {"timestamptz", Type::timestamptz},
                                                    {"json", Type::json}};
  return types.at(word);
}

Schema schema_of(const json& ask) {
  Schema schema;
  for (const json& field : ask.at("fields")) {
    Column column;
    column.name = field.at("name");
    column.type = type_of(field.value("type", "text"));
    if (field.value("nulls", "clear") == "keep") column.nulls = Nulls::keep;
    schema.columns.push_back(std::move(column));
  }
  schema.field_count = schema.columns.size();
  schema.match = ask.value("match", std::size_t{0});
  schema.key = {schema.match};
  return schema;
}

Operation operation_of(const std::string& word) {
  for (const Operation operation : {Operation::upsert, Operation::update, Operation::insert,
                                    Operation::delete_, Operation::archive, Operation::clear}) {
    if (to_text(operation) == word) return operation;
  }
  throw std::invalid_argument("there is no operation '" + word + "'");
}

/// The texts that a batch's views look into.
struct Rows {
  explicit Rows(const json& ask) {
    for (const json& row : ask.at("rows")) {
      texts.push_back({row.value("line", ""), row.at("key"), row.at("match"), row.value("id", ""),
                       row.value("send", "")});
    }
    for (const Row& row : texts) views.push_back({row.line, row.key, row.match, row.id, row.send});
  }

  struct Row {
    std::string line;
    std::string key;
    std::string match;
    std::string id;
    std::string send;
  };
  std::deque<Row> texts;
  std::vector<BatchRow> views;
};

// --- sending ---------------------------------------------------------------------------------

std::string_view word_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::accepted: return "accepted";
    case Outcome::rejected: return "rejected";
    case Outcome::skipped: return "skipped";
    case Outcome::pending: return "pending";
    case Outcome::unknown: return "unknown";
    case Outcome::retryable: return "retryable";
  }
  return "";
}

std::string_view word_of(Effect effect) {
  switch (effect) {
    case Effect::none: return "none";
    case Effect::keyed_write: return "keyed_write";
    case Effect::unkeyed_write: return "unkeyed_write";
  }
  return "";
}

/// Sends single requests and waits for each.
class Line {
 public:
  explicit Line(const json& connection)
      : transport_(http::make_curl_transport(transport_options(connection, "tailrace-probe"))),
        credentials_(http::make_auth(connection.value("auth", json::object()))->headers()) {}

  wire::Reply send(const Call& call) {
    http::Outgoing outgoing;
    outgoing.id = ++last_;
    outgoing.request = call.request;
    outgoing.credentials = credentials_;
    transport_->start(std::move(outgoing));
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < end) {
      auto finished = transport_->poll(1s);
      if (!finished.empty()) return std::move(finished.front().reply);
    }
    throw std::runtime_error("no answer and no failure");
  }

 private:
  std::unique_ptr<http::Transport> transport_;
  std::vector<wire::Header> credentials_;
  http::CallId last_ = 0;
};

class Probe {
 public:
  Probe(const Destination& destination, const Schema& schema, Line& line)
      : destination_(destination), schema_(schema), line_(line) {}

  json send(const json& ask) {
    const Rows rows(ask);
    outcomes_ = json::array();
    for (std::size_t i = 0; i < rows.views.size(); ++i) outcomes_.push_back({{"outcome", "open"}});
    Batch batch;
    batch.operation = operation_of(ask.at("operation"));
    batch.schema = &schema_;
    batch.trace = ask.value("trace", "probe-1");
    batch.idempotency_key = ask.value("idempotency_key", "");
    std::vector<RowIndex> all(rows.views.size());
    for (RowIndex i = 0; i < all.size(); ++i) all[i] = i;
    run(batch, rows.views, all);
    return {{"rows", outcomes_}, {"requests", requests_}, {"stop", stop_}};
  }

  json read(const json& ask) {
    ReadAsk question;
    const std::string kind = ask.at("read");
    question.kind = kind == "all_ids" ? ReadAsk::Kind::all_ids : ReadAsk::Kind::by_match;
    question.match = ask.value("match_values", std::vector<std::string>{});
    json records = json::array();
    json absent = json::array();
    ReadStep step = destination_.read(question);
    std::deque<Call> waiting(step.calls.begin(), step.calls.end());
    while (!waiting.empty() && stop_.is_null()) {
      const Call call = std::move(waiting.front());
      waiting.pop_front();
      const wire::Reply reply = ask_for(call);
      step = destination_.read(question, &call, &reply);
      for (const Record& record : step.records) records.push_back(told(record));
      for (const std::string& match : step.absent) absent.push_back(match);
      if (step.stop) stop_ = told(*step.stop);
      waiting.insert(waiting.end(), step.calls.begin(), step.calls.end());
    }
    return {{"records", records}, {"absent", absent}, {"requests", requests_}, {"stop", stop_}};
  }

 private:
  /// `names`: which rows of the whole these are.
  void run(Batch batch, std::vector<BatchRow> rows, const std::vector<RowIndex>& names) {
    batch.rows = rows;
    std::deque<std::pair<Call, Memo>> waiting;
    std::vector<Regroup> regroup;
    const auto take = [&](Step step) {
      for (const Verdict& verdict : step.verdicts) settle(names.at(verdict.row), verdict);
      for (Call& call : step.calls) waiting.emplace_back(std::move(call), step.memo);
      regroup.insert(regroup.end(), step.regroup.begin(), step.regroup.end());
      if (step.stop) stop_ = told(*step.stop);
    };
    take(destination_.begin(batch));
    while (!waiting.empty()) {
      const auto [call, memo] = std::move(waiting.front());
      waiting.pop_front();
      take(destination_.reply(batch, memo, call, ask_for(call)));
    }
    for (const Regroup& group : regroup) {
      std::vector<BatchRow> some;
      std::vector<RowIndex> whose;
      for (const RowIndex row : group.rows) {
        some.push_back(rows.at(row));
        whose.push_back(names.at(row));
      }
      Batch part = batch;
      part.operation = group.operation;
      run(part, some, whose);
    }
  }

  wire::Reply ask_for(const Call& call) {
    wire::Reply reply = line_.send(call);
    json headers = json::object();
    for (const wire::Header& header : call.request.headers) headers[header.name] = header.value;
    requests_.push_back({{"method", wire::to_text(call.request.method)},
                         {"path", call.request.path},
                         {"query", call.request.query},
                         {"headers", headers},
                         {"body", call.request.body},
                         {"effect", word_of(call.effect)},
                         {"status", reply.status}});
    return reply;
  }

  void settle(RowIndex row, const Verdict& verdict) {
    json& outcome = outcomes_.at(row);
    if (outcome.at("outcome") != "open") throw std::runtime_error("a row has two verdicts");
    outcome = {{"outcome", word_of(verdict.outcome)},
               {"code", verdict.reason.code},
               {"message", verdict.reason.message},
               {"field", verdict.reason.field},
               {"id", verdict.destination_id}};
  }

  static json told(const Stop& stop) {
    return {{"kind", stop.kind == Stop::Kind::quota ? "quota" : "configuration"},
            {"message", stop.message}};
  }

  static json told(const Record& record) {
    json fields = json::object();
    for (const auto& [name, value] : record.fields) {
      fields[name] = value ? json(*value) : json(nullptr);
    }
    return {{"match", record.match}, {"id", record.destination_id}, {"fields", fields}};
  }

  const Destination& destination_;
  const Schema& schema_;
  Line& line_;
  json outcomes_ = json::array();
  json requests_ = json::array();
  json stop_ = nullptr;
};

/// For each record that was read: the fields whose values are not equal to `cells`.
json differences(const Destination& destination, const Schema& schema, const json& records,
                 const json& cells) {
  json all = json::object();
  for (const json& record : records) {
    const json& ours = cells.at(record.at("match").get<std::string>());
    json unequal = json::array();
    for (std::size_t i = 0; i < schema.field_count; ++i) {
      const auto found = record.at("fields").find(schema.columns[i].name);
      std::optional<std::string> theirs;
      if (found != record.at("fields").end() && !found->is_null()) theirs = *found;
      const std::string raw = ours.at(i);
      const Cell cell(raw);
      std::string scratch;
      const bool equal = cell.is_null() ? !theirs || theirs->empty()
                                        : destination.equal_value(i, cell.text(scratch), theirs);
      if (!equal) unequal.push_back(schema.columns[i].name);
    }
    all[record.at("match").get<std::string>()] = unequal;
  }
  return all;
}

json answer_to(const json& ask) {
  const Schema schema = schema_of(ask);
  const json& connection = ask.at("connection");
  const auto destination = make_destination(connection, ask.at("object"), schema);
  const Capabilities& can = destination->capabilities();
  Line line(connection);
  Probe probe(*destination, schema, line);
  json answer = ask.contains("read") ? probe.read(ask) : probe.send(ask);
  if (ask.contains("cells")) {
    answer["different"] = differences(*destination, schema, answer.at("records"), ask.at("cells"));
  }
  json operations = json::array();
  for (const Operation operation : can.operations) operations.push_back(to_text(operation));
  answer["operations"] = operations;
  return answer;
}

}  // namespace

int main() {
  try {
    const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
    std::cout << answer_to(json::parse(text)).dump(-1, ' ', false, json::error_handler_t::replace);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "destination_probe: " << error.what() << '\n';
    return 1;
  }
}
