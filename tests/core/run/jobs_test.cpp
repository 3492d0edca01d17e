// A tool that works on a batch by itself: the job is asked for until it is done, also by later
// runs.
#include <gtest/gtest.h>

#include "destination/settle.hpp"
#include "run/by_hand.hpp"
#include "run/engine.hpp"
#include "world.hpp"

namespace tailrace {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using testing::Died;
using testing::Fate;
using testing::World;

/// Opens a job, uploads into it, asks until it is done. A job's id is in the memo from the upload
/// on; before that nothing is known of it.
class JobTool final : public Destination {
 public:
  enum Tag { create, upload, poll };

  explicit JobTool(const Schema&) {
    can_.operations = {Operation::upsert};
    can_.max_rows = 100;
  }
  const Capabilities& capabilities() const override { return can_; }
  bool identity_into(std::string_view match, std::string& out) const override {
    out.assign(match);
    return true;
  }
  std::size_t row_bytes(const BatchRow& row) const override { return row.line.size(); }
  Step begin(const Batch&) const override { return one(call("/jobs", create, Effect::none)); }
  Step reply(const Batch& batch, const Memo& memo, const Call& call,
             const wire::Reply& reply) const override {
    if (reply.status == 401) {
      Step refused;
      refused.reauthenticate = true;
      return refused;
    }
    const json said = json::parse(reply.body, nullptr, false);
    if (reply.failure != wire::Failure::none || !said.is_object()) {
      Step unknown;
      give_all(unknown, all_rows(batch), Outcome::unknown, {});
      return unknown;
    }
    if (call.tag == create) {
      Step next = one(this->call("/jobs/upload", upload, Effect::keyed_write));
      next.memo = said.at("id").get<std::string>();
      json ids = json::array();
      for (const BatchRow& row : batch.rows) ids.push_back(row.key);
      next.calls[0].request.body = ids.dump();
      return next;
    }
    if (call.tag == upload) return ask(memo);
    if (!said.value("done", false)) return ask(memo);
    Step step;
    const bool refused = said.value("refused", false);
    give_all(step, all_rows(batch), refused ? Outcome::rejected : Outcome::accepted, {});
    return step;
  }
  Step resume(const Batch&, const Memo& memo) const override { return ask(memo); }

 private:
  static Call call(const std::string& path, int tag, Effect effect) {
    Call call;
    call.request.path = path;
    call.tag = tag;
    call.effect = effect;
    return call;
  }
  static Step one(Call call) {
    Step step;
    step.calls.push_back(std::move(call));
    return step;
  }
  static Step ask(const Memo& memo) {
    Step step = one(call("/jobs/" + memo, poll, Effect::none));
    step.calls[0].request.method = wire::Method::get;
    step.wait = milliseconds(20);
    return step;
  }
  Capabilities can_;
};

/// Answers as the tool does: two jobs are never confused, an upload is worked on until `done`.
class JobTransport final : public http::Transport {
 public:
  struct Server {
    std::vector<std::string> requests;
    json uploaded = json::array();
    bool done = true;
    bool refused = false;
    std::string dies_at;  // a path
    int tokens = 0;       // given out
    std::string ends_at;  // the path at which the first token is good no more
  };
  explicit JobTransport(Server& server) : server_(server) {}
  void start(http::Outgoing outgoing) override { waiting_.push_back(std::move(outgoing)); }
  std::vector<http::Finished> poll(milliseconds wait) override {
    std::vector<http::Finished> finished;
    if (waiting_.empty()) std::this_thread::sleep_for(std::min(wait, milliseconds(1)));
    for (const http::Outgoing& one : waiting_) finished.push_back(answer(one));
    waiting_.clear();
    return finished;
  }
  void wake() noexcept override {}
  void abandon() override {}
  std::size_t in_flight() const override { return waiting_.size(); }

 private:
  http::Finished answer(const http::Outgoing& outgoing) {
    const std::string& path = outgoing.request.path;
    server_.requests.push_back(path);
    if (path == "/jobs/upload") server_.uploaded.push_back(json::parse(outgoing.request.body));
    if (path == server_.dies_at) throw Died{};
    http::Finished finished;
    finished.id = outgoing.id;
    finished.sent_at = std::chrono::steady_clock::now();
    finished.reply.status = 200;
    const json said{{"done", server_.done}, {"refused", server_.refused}};
    finished.reply.body = path == "/jobs" ? R"({"id": "j1"})" : said.dump();
    if (path == "/token") {
      const std::string token = "t" + std::to_string(++server_.tokens);
      finished.reply.body = json{{"access_token", token}, {"token_type", "bearer"}}.dump();
    } else if (path == server_.ends_at && outgoing.credentials.at(0).value == "Bearer t1") {
      finished.reply.status = 401;
    }
    return finished;
  }
  Server& server_;
  std::vector<http::Outgoing> waiting_;
};

struct JobWorld : World {
  JobWorld() {
    fill(5);
    destination = [](const json&, const json&, const Schema& schema) {
      return std::make_unique<JobTool>(schema);
    };
    transport = [this](const http::TransportOptions&) {
      return std::make_unique<JobTransport>(server);
    };
    changes["timing"]["job_patience_s"] = 0.1;
  }
  JobTransport::Server server;
};

TEST(Jobs, AJobIsAskedForUntilItIsDone) {
  JobWorld world;
  const Report report = world.run().report;
  EXPECT_EQ(report.status, Status::done) << report.message;
  EXPECT_EQ(report.outcomes.accepted, 5u);
  EXPECT_EQ(world.server.requests, (std::vector<std::string>{"/jobs", "/jobs/upload", "/jobs/j1"}));
}

/// Whoever asks for the job: the run that made it, or the next one, which takes it up.
TEST(Jobs, ATokenThatEndsWhileAJobIsAtWorkIsRenewedAndTheJobAskedForAgain) {
  for (const bool by_the_next_run : {false, true}) {
    JobWorld world;
    world.changes["connection"]["auth"] = {{"bearer", nullptr},
                                           {"oauth2",
                                            {{"grant", "client_credentials"},
                                             {"token_url", "https://login.example.com/token"},
                                             {"client_id", "app"},
                                             {"client_secret", "secret"}}}};
    if (by_the_next_run) {
      world.server.done = false;
      EXPECT_EQ(world.run().report.outcomes.pending, 5u);
      world.server.done = true;
      world.server.tokens = 0;
      world.server.requests.clear();
    }
    world.server.ends_at = "/jobs/j1";
    const Report report = world.run().report;
    EXPECT_EQ(report.status, Status::done) << report.message;
    EXPECT_EQ((by_the_next_run ? report.resumed : report.outcomes).accepted, 5u);
    std::vector<std::string> expected{"/token", "/jobs/j1", "/token", "/jobs/j1"};
    if (!by_the_next_run) expected.insert(expected.begin() + 1, {"/jobs", "/jobs/upload"});
    EXPECT_EQ(world.server.requests, expected);
    EXPECT_EQ(world.server.uploaded.size(), 1u) << "sent once";
  }
}

TEST(Jobs, OneThatTakesTooLongIsLeftPendingAndTakenUpByTheNextRun) {
  JobWorld world;
  world.server.done = false;
  const Report first = world.run().report;
  EXPECT_EQ(first.status, Status::unfinished);
  EXPECT_EQ(first.outcomes.pending, 5u);
  EXPECT_TRUE(first.not_before_ms.has_value());
  const Report second = world.run().report;
  EXPECT_EQ(second.status, Status::unfinished) << "still at work";
  EXPECT_EQ(second.resumed.pending, 5u);
  EXPECT_EQ(second.diff.scanned, 0u) << "the model is not compared before the job is done";
  world.server.done = true;
  const Report third = world.run().report;
  EXPECT_EQ(third.status, Status::done) << third.message;
  EXPECT_EQ(third.resumed.accepted, 5u);
  EXPECT_EQ(third.diff.unchanged, 5u);
  EXPECT_EQ(world.server.uploaded.size(), 1u) << "sent once";
  EXPECT_EQ(world.run().report.http.requests, 0u);
}

TEST(Jobs, ARowThatAPersonReleasesWhileItsJobIsAtWorkIsTriedAgain) {
  JobWorld world;
  world.server.refused = true;
  EXPECT_EQ(world.run().report.outcomes.rejected, 5u);
  world.fill(5, "b");
  world.server.done = false;
  EXPECT_EQ(world.run().report.outcomes.pending, 5u);
  const ByHand again{ByHand::Kind::retry, std::nullopt, "by-hand"};
  const auto store = open_store(world.spec().at("state").at("url").get<std::string>(), false);
  EXPECT_EQ(settle_by_hand(*store, {"rows_to_tool", "rest:test", "rows", 0, 1}, again), 5u);
  world.server.done = true;
  const Report third = world.run().report;
  EXPECT_EQ(third.resumed.rejected, 5u);
  EXPECT_EQ(third.outcomes.rejected, 5u);
  EXPECT_EQ(world.server.uploaded.size(), 3u) << "what the job was told before is not that try";
  EXPECT_EQ(world.run().report.outcomes.rejected, 5u);
  EXPECT_EQ(world.server.uploaded.size(), 3u) << "held back again";
}

TEST(Jobs, AProcessThatDiesAfterTheUploadLeavesTheJobToTheNextRun) {
  for (const char* path : {"/jobs/upload", "/jobs/j1"}) {
    JobWorld world;
    world.server.dies_at = path;
    EXPECT_THROW((void)world.run(), Died);
    world.server.dies_at.clear();
    world.model[0][1] = "newer";
    const Report report = world.run().report;
    EXPECT_EQ(report.status, Status::done) << report.message;
    EXPECT_EQ(report.resumed.accepted, 5u);
    EXPECT_EQ(report.diff.changed, 1u) << "of what the job delivered, one row has changed since";
    EXPECT_EQ(world.server.uploaded.size(), 2u);
  }
}

TEST(Jobs, OneThatWasNeverUploadedLeavesNothingBehind) {
  JobWorld world;
  world.server.dies_at = "/jobs";
  EXPECT_THROW((void)world.run(), Died);
  world.server.dies_at.clear();
  const Report report = world.run().report;
  EXPECT_EQ(report.status, Status::done);
  EXPECT_EQ(report.resumed.total(), 0u);
  EXPECT_EQ(report.outcomes.accepted, 5u);
}

}  // namespace
}  // namespace tailrace
