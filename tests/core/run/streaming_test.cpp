// Files that are too long for memory, through a whole run: a job is opened, the file of its batch
// uploaded, the job closed, and the file of results read back, in no order.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <mutex>
#include <unordered_map>

#include "destination/settle.hpp"
#include "run/engine.hpp"
#include "support/memory.hpp"
#include "support/stream_server.hpp"
#include "wire/csv_reader.hpp"
#include "wire/csv_writer.hpp"
#include "world.hpp"

namespace tailrace {
namespace {

using nlohmann::json;
using testing::Exchange;
using testing::PeakMemory;
using testing::StreamServer;
using testing::World;

std::string key_at(std::uint64_t row) { return "k" + std::to_string(row); }

/// The long cell of a row.
std::string cell_at(std::uint64_t row, std::size_t bytes) {
  return "row " + std::to_string(row) + ", \"long\" " +
         std::string(bytes, static_cast<char>('a' + row % 26));
}

/// A model that is made while it is read.
class MadeSource final : public Source {
 public:
  MadeSource(std::uint64_t rows, std::size_t bytes) : rows_(rows), bytes_(bytes) {}
  std::vector<SourceColumn> open() override {
    return {{"id", Type::text, "text"}, {"v", Type::text, "text"}};
  }
  bool next(Chunk& chunk) override {
    chunk.clear();
    for (; at_ < rows_ && !chunk.full(); ++at_) {
      std::string line = key_at(at_) + "\t";
      append_escaped(line, cell_at(at_, bytes_));
      chunk.append(line);
    }
    return chunk.rows() > 0;
  }
  void cancel() noexcept override {}
  std::string encoding() const override { return "made/1"; }

 private:
  std::uint64_t rows_;
  std::size_t bytes_;
  std::uint64_t at_ = 0;
};

/// Reads a file of results: the rows that it names were accepted.
class ResultSink final : public wire::ReplySink {
 public:
  explicit ResultSink(const Batch& batch) : accepted(batch.rows.size()) {
    for (RowIndex i = 0; i < batch.rows.size(); ++i) rows_.emplace(batch.rows[i].match, i);
  }
  bool begin(const wire::Reply& head) override {
    accepted.assign(accepted.size(), false);
    reader_ = std::make_unique<wire::CsvReader>([this](std::span<const std::string_view> cells) {
      const auto key = reader_->column("id");
      const auto found = key ? rows_.find(std::string(cells[*key])) : rows_.end();
      if (found != rows_.end()) accepted[found->second] = true;
      return key.has_value();
    });
    return head.status == 200;
  }
  bool take(std::string_view bytes) override { return reader_->take(bytes); }
  std::vector<bool> accepted;

 private:
  std::unordered_map<std::string, RowIndex> rows_;
  std::unique_ptr<wire::CsvReader> reader_;
};

class BulkTool final : public Destination {
 public:
  enum Tag { create, upload, close, results };

  BulkTool(const Schema& schema, std::size_t max_rows)
      : writer_(std::make_shared<wire::CsvRowWriter>(schema, wire::CsvForm{})) {
    can_.operations = {Operation::upsert};
    can_.max_rows = max_rows;
    can_.max_bytes = 150'000'000;
    can_.streams = true;
    can_.max_jobs = 2;
  }
  const Capabilities& capabilities() const override { return can_; }
  bool identity_into(std::string_view match, std::string& out) const override {
    out = match;
    return true;
  }
  std::size_t row_bytes(const BatchRow& row) const override {
    wire::CsvScratch scratch;
    return writer_->bytes(row.line, scratch, row.send);
  }
  Step begin(const Batch&) const override {
    return one(wire::Method::post, "/jobs", create, Effect::none);
  }
  Step reply(const Batch& batch, const Memo& memo, const Call& call,
             const wire::Reply& reply) const override {
    if (reply.failure != wire::Failure::none || reply.status / 100 != 2) {
      return refused(batch, call, reply);
    }
    switch (call.tag) {
      case create: {
        const std::string id = json::parse(reply.body).at("id");
        Step next = one(wire::Method::put, "/jobs/" + id + "/batches", upload, Effect::none);
        next.memo = id;
        next.calls[0].request.content_type = "text/csv";
        next.calls[0].request.patience = std::chrono::minutes(5);
        next.calls[0].request.source = std::make_shared<wire::CsvSource>(writer_, batch.lines);
        return next;
      }
      case upload: return one(wire::Method::patch, "/jobs/" + memo, close, Effect::keyed_write);
      case close: {
        Step next = one(wire::Method::get, "/jobs/" + memo + "/results", results, Effect::none);
        next.calls[0].request.patience = std::chrono::minutes(5);
        next.calls[0].request.sink = std::make_shared<ResultSink>(batch);
        return next;
      }
      default: break;
    }
    const auto& sink = static_cast<const ResultSink&>(*call.request.sink);
    Step step;
    for (RowIndex i = 0; i < batch.rows.size(); ++i) {
      if (sink.accepted[i]) step.verdicts.push_back({i, Outcome::accepted, {}, {}});
    }
    return step;
  }
  Step resume(const Batch&, const Memo&) const override { return {}; }

 private:
  /// Nothing happens to a row before its job is closed. A file that is too large goes in halves.
  static Step refused(const Batch& batch, const Call& call, const wire::Reply& reply) {
    Step step;
    if (reply.status == 413 && batch.rows.size() > 1) {
      const auto middle = static_cast<RowIndex>(batch.rows.size() / 2);
      step.regroup.resize(2);
      for (RowIndex i = 0; i < batch.rows.size(); ++i) {
        step.regroup[i < middle ? 0 : 1].rows.push_back(i);
      }
      return step;
    }
    const bool nothing = call.tag == create || call.tag == upload;
    give_all(step, all_rows(batch), nothing ? Outcome::retryable : Outcome::unknown, {});
    return step;
  }
  static Step one(wire::Method method, const std::string& path, int tag, Effect effect) {
    Step step;
    step.calls.emplace_back();
    step.calls[0].request.method = method;
    step.calls[0].request.path = path;
    step.calls[0].tag = tag;
    step.calls[0].effect = effect;
    return step;
  }
  std::shared_ptr<const wire::CsvRowWriter> writer_;
  Capabilities can_;
};

/// The tool: keeps of each row its number alone, and gives results back in the opposite order.
struct BulkServer {
  explicit BulkServer(std::size_t cell_bytes)
      : bytes(cell_bytes), server([this](Exchange& exchange) { serve(exchange); }) {}

  std::size_t bytes;
  std::size_t most_bytes = SIZE_MAX;  // of an upload; more is refused with 413
  int refuse_uploads = 0;             // so many uploads are refused half-way
  std::atomic<std::uint64_t> uploaded = 0;
  std::atomic<std::uint64_t> sent_back = 0;
  std::atomic<std::uint64_t> wrong = 0;  // cells that are not what the model has
  std::vector<std::size_t> files;        // rows of each that was taken
  std::mutex mutex;
  std::map<std::string, std::vector<std::uint64_t>> jobs;
  StreamServer server;

 private:
  void serve(Exchange& exchange) {
    const std::string& head = exchange.head();
    const std::string path =
        head.substr(head.find(' ') + 1, head.find(" HTTP/") - head.find(' ') - 1);
    const std::string id = path.size() > 6 ? path.substr(6, path.find('/', 6) - 6) : "";
    if (head.starts_with("PUT")) return take(exchange, id);
    static_cast<void>(exchange.rest());
    const std::lock_guard lock(mutex);
    if (head.starts_with("POST")) {
      const std::string made = "j" + std::to_string(jobs.size());
      jobs[made] = {};
      return answer(exchange, 200, R"({"id": ")" + made + R"("})");
    }
    if (head.starts_with("PATCH")) return answer(exchange, 200, "{}");
    give(exchange, jobs.at(id));
  }

  void take(Exchange& exchange, const std::string& id) {
    std::vector<std::uint64_t> rows;
    wire::CsvReader reader([&](std::span<const std::string_view> cells) {
      const std::uint64_t row = std::stoull(std::string(cells[0].substr(1)));
      if (cells[1] != cell_at(row, bytes)) ++wrong;
      rows.push_back(row);
      return true;
    });
    std::size_t size = 0;
    for (std::string piece = exchange.piece(); !piece.empty(); piece = exchange.piece()) {
      size += piece.size();
      uploaded += piece.size();
      if (!reader.take(piece)) ++wrong;
      if (refuse_uploads > 0 && size > 100'000) {
        --refuse_uploads;
        return answer(exchange, 503, "{}");
      }
      if (size > most_bytes) return answer(exchange, 413, "{}");
    }
    if (!reader.end()) ++wrong;
    const std::lock_guard lock(mutex);
    files.push_back(rows.size());
    jobs[id] = std::move(rows);
    answer(exchange, 201, "");
  }

  void give(Exchange& exchange, const std::vector<std::uint64_t>& rows) {
    exchange.send("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n");
    std::string piece = "sf__Id,v,id\n";
    const auto flush = [&] {
      char size[24];
      std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
      exchange.send(size + piece + "\r\n");
      sent_back += piece.size();
      piece.clear();
    };
    for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
      std::string cell = cell_at(*row, bytes);
      for (std::size_t at = 0; (at = cell.find('"', at)) != std::string::npos; at += 2) {
        cell.insert(at, 1, '"');
      }
      piece += "001" + std::to_string(*row) + ",\"" + cell + "\"," + key_at(*row) + "\n";
      if (piece.size() > 100'000) flush();
    }
    if (!piece.empty()) flush();
    exchange.send("0\r\n\r\n");
  }

  static void answer(const Exchange& exchange, int status, const std::string& body) {
    exchange.send("HTTP/1.1 " + std::to_string(status) +
                  " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }
};

struct BulkWorld : World {
  BulkWorld(std::uint64_t rows, std::size_t bytes, std::size_t max_rows)
      : tool_server(bytes), rows_(rows), bytes_(bytes) {
    destination = [max_rows](const json&, const json&, const Schema& schema) {
      return std::make_unique<BulkTool>(schema, max_rows);
    };
    transport = [](const http::TransportOptions& options) {
      return http::make_curl_transport(options);
    };
    changes["connection"] = {{"base_url", tool_server.server.url()}};
    // Refusals are waited out, however long the random waits are.
    changes["timing"]["outage_s"] = 60;
    changes["memory"] = {{"directory", folder.string()}};
  }
  RunResult run() {
    Surroundings world = surroundings();
    world.source = [this](const RunSpec&) { return std::make_unique<MadeSource>(rows_, bytes_); };
    return Engine(parse_run_spec(spec().dump()), std::move(world)).run();
  }
  BulkServer tool_server;

 private:
  std::uint64_t rows_;
  std::size_t bytes_;
};

TEST(StreamedBatches, GoUpAndComeBackByTheirKeys) {
  BulkWorld world(2'500, 100, 1'000);
  const Report report = world.run().report;
  EXPECT_EQ(report.status, Status::done) << report.message;
  EXPECT_EQ(report.outcomes.accepted, 2'500u);
  EXPECT_EQ(world.tool_server.wrong, 0u);
  std::sort(world.tool_server.files.begin(), world.tool_server.files.end());
  EXPECT_EQ(world.tool_server.files, (std::vector<std::size_t>{500, 1'000, 1'000}));
  EXPECT_EQ(report.http.bytes_sent, world.tool_server.uploaded);
  EXPECT_EQ(world.run().report.diff.unchanged, 2'500u) << "nothing is sent again";
}

TEST(StreamedBatches, AFileThatWasRefusedHalfwayIsMadeAgain) {
  BulkWorld world(2'500, 1'000, 10'000);
  world.tool_server.refuse_uploads = 2;
  const Report report = world.run().report;
  EXPECT_EQ(report.status, Status::done) << report.message;
  EXPECT_EQ(report.outcomes.accepted, 2'500u);
  EXPECT_EQ(world.tool_server.wrong, 0u);
  EXPECT_EQ(world.tool_server.files, (std::vector<std::size_t>{2'500}));
}

TEST(StreamedBatches, AFileThatIsTooLargeGoesInHalves) {
  BulkWorld world(1'000, 1'000, 10'000);
  world.tool_server.most_bytes = 600'000;
  const Report report = world.run().report;
  EXPECT_EQ(report.status, Status::done) << report.message;
  EXPECT_EQ(report.outcomes.accepted, 1'000u);
  EXPECT_EQ(world.tool_server.wrong, 0u);
  EXPECT_EQ(world.tool_server.files, (std::vector<std::size_t>{500, 500}));
}

TEST(StreamedBatches, AHundredMegabytesThroughAJobLeaveMemoryFlat) {
  constexpr std::size_t kMostGrowth = 32u << 20;  // the changeset's buffer, chunks on their way …
  {
    BulkWorld small(100, 100, 100);
    ASSERT_EQ(small.run().report.status, Status::done) << "what a first run needs is not counted";
  }
  BulkWorld world(10'000, 10'000, 100'000);
  const PeakMemory memory;
  const Report report = world.run().report;
  EXPECT_EQ(report.status, Status::done) << report.message;
  EXPECT_EQ(report.outcomes.accepted, 10'000u);
  EXPECT_EQ(world.tool_server.wrong, 0u);
  EXPECT_EQ(world.tool_server.files, (std::vector<std::size_t>{10'000}));
  EXPECT_GT(world.tool_server.uploaded, 100'000'000u);
  EXPECT_GT(world.tool_server.sent_back, 100'000'000u);
  EXPECT_LT(memory.growth(), kMostGrowth);
  RecordProperty("growth_bytes", std::to_string(memory.growth()));
  std::printf("memory grew by %.1f MB at the most\n", static_cast<double>(memory.growth()) / 1e6);
}

}  // namespace
}  // namespace tailrace
