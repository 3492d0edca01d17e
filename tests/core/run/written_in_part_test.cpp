// Rows that take two requests: what the first has written is never a row that nothing happened to.
#include <gtest/gtest.h>

#include "destination/settle.hpp"
#include "run/engine.hpp"
#include "world.hpp"

namespace tailrace {
namespace {

using nlohmann::json;
using testing::Fate;
using testing::World;

/// Writes its rows, then links them; a link that is refused stops the run without a word on a row.
class LinkingTool final : public Destination {
 public:
  LinkingTool() {
    can_.operations = {Operation::upsert};
    can_.max_rows = 100;
  }
  const Capabilities& capabilities() const override { return can_; }
  bool identity_into(std::string_view match, std::string& out) const override {
    out.assign(match);
    return true;
  }
  std::size_t row_bytes(const BatchRow& row) const override { return row.line.size(); }
  Step begin(const Batch& batch) const override {
    json rows = json::array();
    for (const BatchRow& row : batch.rows) rows.push_back({{"id", row.match}, {"v", "new"}});
    return one("/rows", rows.dump());
  }
  Step reply(const Batch& batch, const Memo&, const Call& call,
             const wire::Reply& reply) const override {
    Step step;
    if (reply.status == 401) {
      step.reauthenticate = true;
    } else if (reply.status == 403) {
      step.stop = Stop{Stop::Kind::configuration, "no rights to link", std::nullopt};
    } else if (call.request.path == "/rows") {
      step = one("/archive/all", "{}");
      step.written = true;
    } else {
      give_all(step, all_rows(batch), Outcome::accepted, {});
    }
    return step;
  }

 private:
  static Step one(const std::string& path, const std::string& body) {
    Step step;
    Call& call = step.calls.emplace_back();
    call.request.path = path;
    call.request.body = body;
    return step;
  }
  Capabilities can_;
};

struct TwoRequests : World {
  TwoRequests() {
    fill(3);
    destination = [](const json&, const json&, const Schema&) {
      return std::make_unique<LinkingTool>();
    };
  }
  void refuse(int nth, int status) {
    tool.fate = [nth, status](int at) {
      Fate fate;
      if (at == nth) fate = {false, wire::Failure::none, status};
      return fate;
    };
  }
};

TEST(WrittenInPart, ARefusedSecondRequestLeavesTheRowsInDoubt) {
  for (const int status : {401, 403}) {
    TwoRequests world;
    world.refuse(2, status);
    const Report report = world.run().report;
    EXPECT_EQ(report.status, Status::config) << status;
    EXPECT_EQ(report.outcomes.unknown, 3u) << status;
    EXPECT_EQ(report.outcomes.not_attempted, 0u);
    world.tool.fate = [](int) { return Fate{}; };
    EXPECT_EQ(world.run().report.outcomes.accepted, 3u) << "they are in doubt, and go again";
    EXPECT_EQ(world.tool.archived.size(), 1u);
  }
}

TEST(WrittenInPart, ARefusedFirstRequestHasWrittenNothing) {
  TwoRequests world;
  world.refuse(1, 403);
  const Report report = world.run().report;
  EXPECT_EQ(report.outcomes.not_attempted, 3u);
  EXPECT_EQ(report.outcomes.unknown, 0u);
}

TEST(WrittenInPart, ASecondRequestThatIsNeverSentLeavesThemInDoubtToo) {
  TwoRequests world;
  const std::unique_ptr<Engine> engine = world.engine();
  world.tool.fate = [&engine](int) {
    engine->cancel();
    return Fate{};
  };
  const Report report = engine->run().report;
  EXPECT_EQ(report.status, Status::cancelled);
  EXPECT_EQ(world.tool.requests.size(), 1u);
  EXPECT_EQ(report.outcomes.unknown, 3u);
  // The model goes back to what the tool had: the rows must go all the same.
  world.tool.fate = [](int) { return Fate{}; };
  EXPECT_EQ(world.run().report.outcomes.accepted, 3u);
}

}  // namespace
}  // namespace tailrace
