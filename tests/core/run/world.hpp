#pragma once

#include <cstdlib>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "destination/registry.hpp"
#include "run/engine.hpp"
#include "source/source.hpp"

namespace tailrace::testing {

using Row = std::vector<std::optional<std::string>>;

/// A model in memory.
class MemorySource final : public Source {
 public:
  MemorySource(std::vector<SourceColumn> columns, std::vector<Row> rows, std::string encoding)
      : columns_(std::move(columns)), rows_(std::move(rows)), encoding_(std::move(encoding)) {}

  std::vector<SourceColumn> open() override { return columns_; }
  bool next(Chunk& chunk) override {
    chunk.clear();
    for (int i = 0; i < 7 && at_ < rows_.size(); ++i, ++at_) {
      std::string line;
      for (const auto& value : rows_[at_]) {
        if (&value != rows_[at_].data()) line += '\t';
        if (value) {
          append_escaped(line, *value);
        } else {
          line += "\\N";
        }
      }
      chunk.append(line);
    }
    return chunk.rows() > 0;
  }
  void cancel() noexcept override {}
  std::string encoding() const override { return encoding_; }

 private:
  std::vector<SourceColumn> columns_;
  std::vector<Row> rows_;
  std::string encoding_;
  std::size_t at_ = 0;
};

/// What becomes of one request.
struct Fate {
  bool apply = true;
  wire::Failure failure = wire::Failure::none;
  int status = 200;
  std::optional<std::string> body = {};  // unset: what the tool says
  std::optional<std::chrono::milliseconds> retry_after = {};
  bool dies = false;  // the process ends here
  bool hangs = false;  // never answered
  std::string text = {};  // of the failure
};

/// Thrown out of the run where a test lets its process die.
struct Died {};

/// What the tool says to one request.
struct Said {
  int status = 200;
  std::string body = "{}";
};

/// A tool with records by `id`, a row at a time but for writes of many: `POST /rows` (upsert) and
/// `POST /new` (insert) take an array, `PATCH`, `DELETE` and `GET /rows/ID` and `POST /archive/ID`
/// one. A row whose `v` is "poison" is refused. Everything that arrives is logged.
struct Tool {
  std::map<std::string, nlohmann::json> records;
  std::vector<nlohmann::json> created;         // by /new, one for each time
  std::map<std::string, Said> said_before;     // to an idempotency key
  std::vector<std::string> archived;
  std::map<std::string, int> writes;  // applied, by id
  std::vector<std::string> requests;  // "POST 3", "DELETE a"
  std::function<Fate(int nth)> fate = [](int) { return Fate{}; };

  static std::string id_of(const wire::Request& request) {
    return request.path.substr(request.path.rfind('/') + 1);
  }

  static std::string label(const wire::Request& request) {
    const std::string method(wire::to_text(request.method));
    if (request.path == "/rows" || request.path == "/new") {
      const std::string rows = std::to_string(nlohmann::json::parse(request.body).size());
      return (request.path == "/new" ? "NEW " : "POST ") + rows;
    }
    const bool archives = request.path.starts_with("/archive/");
    return (archives ? "ARCHIVE" : method) + " " + id_of(request);
  }

  Said apply(const wire::Request& request) {
    for (const wire::Header& header : request.headers) {
      if (header.name != "Idempotency-Key") continue;
      const auto before = said_before.find(header.value);
      if (before != said_before.end()) return before->second;
      return said_before[header.value] = write(request);
    }
    return write(request);
  }

 private:
  Said write(const wire::Request& request) {
    if (request.path == "/rows" || request.path == "/new") return write_rows(request);
    const std::string id = id_of(request);
    const bool there = records.contains(id);
    if (request.path.starts_with("/archive/")) {
      archived.push_back(id);
      return {};
    }
    switch (request.method) {
      case wire::Method::delete_: records.erase(id); return {};
      case wire::Method::get:
        return there ? Said{200, records[id].dump()} : Said{404, R"({"code": "not_found"})"};
      default: break;
    }
    if (!there) return {404, R"({"code": "not_found"})"};
    records[id].merge_patch(nlohmann::json::parse(request.body));
    ++writes[id];
    return {};
  }

  Said write_rows(const wire::Request& request) {
    nlohmann::json errors = nlohmann::json::array();
    for (const auto& row : nlohmann::json::parse(request.body)) {
      const std::string id = row.at("id");
      if (row.contains("v") && row["v"] == "poison") {
        errors.push_back({{"key", id}, {"code", "bad_value"}, {"message", "v may not be poison"}});
        continue;
      }
      if (request.path == "/new") created.push_back(row);
      if (records.contains(id)) {
        records[id].update(row);
      } else {
        records[id] = row;
      }
      ++writes[id];
    }
    return {200, nlohmann::json{{"errors", errors}}.dump()};
  }
};

class ToolTransport : public http::Transport {
 public:
  explicit ToolTransport(Tool& tool) : tool_(tool) {}
  void start(http::Outgoing outgoing) override { waiting_.push_back(std::move(outgoing)); }
  std::vector<http::Finished> poll(std::chrono::milliseconds wait) override {
    std::vector<http::Finished> finished = std::exchange(abandoned_, {});
    if (!finished.empty()) return finished;
    if (waiting_.empty()) {
      // Another thread (the committer) has to get on.
      std::this_thread::sleep_for(std::min(wait, std::chrono::milliseconds(1)));
      return finished;
    }
    http::Outgoing next = std::move(waiting_.front());
    waiting_.pop_front();
    if (answer(next, finished)) return finished;
    hanging_.push_back(std::move(next));
    return finished;
  }
  void wake() noexcept override {}
  void abandon() override {
    for (auto* list : {&waiting_, &hanging_}) {
      for (const http::Outgoing& outgoing : *list) {
        http::Finished finished;
        finished.id = outgoing.id;
        finished.sent_at = std::chrono::steady_clock::now();
        finished.reply.failure = wire::Failure::lost;
        abandoned_.push_back(std::move(finished));
      }
      list->clear();
    }
  }
  std::size_t in_flight() const override { return waiting_.size() + hanging_.size(); }

 private:
  bool answer(const http::Outgoing& outgoing, std::vector<http::Finished>& finished) {
    const wire::Request& request = outgoing.request;
    const int nth = static_cast<int>(tool_.requests.size()) + 1;
    tool_.requests.push_back(Tool::label(request));
    const Fate fate = tool_.fate(nth);
    if (fate.apply && fate.failure != wire::Failure::expired) {
      const Said said = tool_.apply(request);
      http::Finished one = make(outgoing, fate, said);
      if (fate.dies) throw Died{};
      if (fate.hangs) return false;
      finished.push_back(std::move(one));
      return true;
    }
    if (fate.dies) throw Died{};
    if (fate.hangs) return false;
    finished.push_back(make(outgoing, fate, {200, ""}));
    return true;
  }
  static http::Finished make(const http::Outgoing& outgoing, const Fate& fate, const Said& said) {
    http::Finished finished;
    finished.id = outgoing.id;
    finished.reply.failure = fate.failure;
    finished.reply.failure_text = fate.text;
    const int status = fate.status == 200 ? said.status : fate.status;
    finished.reply.status = fate.failure == wire::Failure::none ? status : 0;
    finished.reply.body = fate.body.value_or(said.body);
    finished.reply.headers = {{"content-type", "application/json"}};
    finished.reply.retry_after = fate.retry_after;
    const bool left = fate.failure == wire::Failure::none || fate.failure == wire::Failure::lost;
    if (left) finished.sent_at = std::chrono::steady_clock::now();
    finished.bytes_sent = outgoing.request.body.size();
    return finished;
  }

  Tool& tool_;
  std::deque<http::Outgoing> waiting_;
  std::deque<http::Outgoing> hanging_;
  std::vector<http::Finished> abandoned_;
};

/// One sync of a small model (`id`, `v`) to a Tool, with a SQLite store of its own: what tests of
/// whole runs change, one thing each.
class World {
 public:
  World() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tailrace-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder = pattern;
  }
  ~World() { std::filesystem::remove_all(folder); }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  std::filesystem::path folder;
  Tool tool;
  std::vector<Row> model;
  std::vector<SourceColumn> columns = {{"id", Type::text, "text"}, {"v", Type::text, "text"}};
  std::string encoding = "memory/1";
  int transports = 0;
  nlohmann::json changes = nlohmann::json::object();  // merged into the spec (RFC 7396)
  std::function<std::unique_ptr<StateStore>(std::unique_ptr<StateStore>)> around_store;
  decltype(Surroundings::transport) transport;      // unset: the tool's
  decltype(Surroundings::destination) destination;  // unset: as the connection's type says

  void fill(int rows, const std::string& value = "a") {
    model.clear();
    for (int i = 0; i < rows; ++i) model.push_back({"k" + std::to_string(i), value});
  }

  [[nodiscard]] nlohmann::json spec() {
    nlohmann::json spec = {
        {"format", 1},
        {"run_id", "r_" + std::to_string(++runs_)},
        {"sync", "rows_to_tool"},
        {"source", {{"kind", "memory"}}},
        {"columns", {{{"name", "id"}}, {{"name", "v"}}}},
        {"field_count", 2},
        {"key", {0}},
        {"key_names", {"id"}},
        {"match", 0},
        {"mapping_fingerprint", "m1"},
        {"connection",
         {{"name", "tool"},
          {"type", "rest"},
          {"account", "rest:test"},
          {"base_url", "http://127.0.0.1:9"},
          {"auth", {{"bearer", "t0ken-canary"}}}}},
        {"object",
         {{"name", "rows"},
          {"method", "POST"},
          {"path", "/rows"},
          {"batch_rows", 3},
          {"body", "rows"},
          {"idempotent", true},
          {"results",
           {{"path", "errors"}, {"key", "key"}, {"code", "code"}, {"message", "message"}}},
          {"delete", {{"method", "DELETE"}, {"path", "/rows/{key}"}}},
          {"update", {{"method", "PATCH"}, {"path", "/rows/{key}"}}},
          {"insert",
           {{"method", "POST"},
            {"path", "/new"},
            {"batch_rows", 3},
            {"results",
             {{"path", "errors"}, {"key", "key"}, {"code", "code"}, {"message", "message"}}}}},
          {"archive", {{"method", "POST"}, {"path", "/archive/{key}"}}},
          {"clear", {{"method", "PATCH"}, {"path", "/rows/{key}"}}},
          {"read", {{"path", "/rows/{match}"}}}}},
        {"state", {{"url", "sqlite:///" + (folder / "state.db").string()}}},
        {"timing", {{"drain_s", 0.6}, {"outage_s", 1.0}, {"store_patience_s", 0.3}}}};
    spec.merge_patch(changes);
    return spec;
  }

  [[nodiscard]] Surroundings surroundings() {
    Surroundings world;
    world.source = [this](const RunSpec&) {
      return std::make_unique<MemorySource>(columns, model, encoding);
    };
    world.store = [this](const std::string& url, bool create) {
      auto store = open_store(url, create);
      return around_store ? around_store(std::move(store)) : std::move(store);
    };
    world.transport =
        [this](const http::TransportOptions& options) -> std::unique_ptr<http::Transport> {
      ++transports;
      if (transport) return transport(options);
      return std::make_unique<ToolTransport>(tool);
    };
    world.clock = std::make_shared<SystemClock>();
    world.committer = make_threaded_committer;
    world.destination = destination ? destination : make_destination;
    return world;
  }

  [[nodiscard]] std::unique_ptr<Engine> engine() {
    return std::make_unique<Engine>(parse_run_spec(spec().dump()), surroundings());
  }
  RunResult run() { return engine()->run(); }

  /// The tool's records are the model, each row by its value.
  [[nodiscard]] bool tool_equals_model() const {
    if (tool.records.size() != model.size()) return false;
    for (const Row& row : model) {
      const auto found = tool.records.find(*row[0]);
      if (found == tool.records.end()) return false;
      const nlohmann::json expected = row[1] ? nlohmann::json(*row[1]) : nlohmann::json(nullptr);
      if (found->second.at("v") != expected) return false;
    }
    return true;
  }

 private:
  int runs_ = 0;
};

}  // namespace tailrace::testing
