#include "run/engine.hpp"

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "support/forwarding_store.hpp"
#include "world.hpp"

namespace tailrace {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::Died;
using testing::Fate;
using testing::World;

TEST(Engine, SendsEveryRowOfAFirstRunInFullBatches) {
  World world;
  world.fill(10);
  const Report report = world.run().report;
  EXPECT_EQ(report.status, Status::done) << report.message;
  EXPECT_EQ(report.diff.added, 10u);
  EXPECT_EQ(report.outcomes.accepted, 10u);
  EXPECT_EQ(report.http.requests, 4u);
  EXPECT_EQ(world.tool.requests.size(), 4u);
  EXPECT_TRUE(world.tool_equals_model());
}

TEST(Engine, MakesNoRequestAndNoConnectionWhenNothingChanged) {
  World world;
  world.fill(10);
  (void)world.run();
  const int before = world.transports;
  const Report report = world.run().report;
  EXPECT_EQ(report.status, Status::done);
  EXPECT_EQ(report.diff.unchanged, 10u);
  EXPECT_EQ(report.http.requests, 0u);
  EXPECT_EQ(world.transports, before);
}

TEST(Engine, SendsExactlyTheChangedAndTheAddedRows) {
  World world;
  world.fill(100);
  (void)world.run();
  world.tool.writes.clear();
  world.model[7][1] = "b";
  world.model[60][1] = std::nullopt;
  world.model.push_back({"new", "c"});
  const Report report = world.run().report;
  EXPECT_EQ(report.diff.changed, 2u);
  EXPECT_EQ(report.diff.added, 1u);
  EXPECT_EQ(world.tool.writes, (std::map<std::string, int>{{"k7", 1}, {"k60", 1}, {"new", 1}}));
  EXPECT_TRUE(world.tool_equals_model());
}

TEST(Engine, ARejectedRowIsListedHeldBackAndStaysRejected) {
  World world;
  world.fill(5);
  world.model[2][1] = "poison";
  const Report first = world.run().report;
  EXPECT_EQ(first.status, Status::rejected);
  EXPECT_EQ(first.outcomes.accepted, 4u);
  EXPECT_EQ(first.outcomes.rejected, 1u);
  ASSERT_EQ(first.rejected_sample.size(), 1u);
  EXPECT_EQ(first.rejected_sample[0].key, "k2");
  EXPECT_EQ(first.rejected_sample[0].code, "bad_value");
  const auto requests = world.tool.requests.size();
  const Report second = world.run().report;
  EXPECT_EQ(second.status, Status::rejected);
  EXPECT_EQ(second.outcomes.rejected, 1u);
  EXPECT_EQ(world.tool.requests.size(), requests);
  world.model[2][1] = "cured";
  const Report third = world.run().report;
  EXPECT_EQ(third.status, Status::done) << third.message;
  EXPECT_TRUE(world.tool_equals_model());
  EXPECT_EQ(world.run().report.http.requests, 0u);
}

TEST(Engine, TolerateDecidesWhetherRejectedRowsFailTheRun) {
  World world;
  world.fill(10);
  world.model[2][1] = "poison";
  world.changes = {{"tolerate", {{"value", 1}, {"percent", false}}}};
  EXPECT_EQ(world.run().report.status, Status::done);
  world.model[3][1] = "poison";
  EXPECT_EQ(world.run().report.status, Status::rejected);
}

TEST(Engine, ALostReplyIsRetriedAndItsRowsAreCountedOnce) {
  World world;
  world.fill(9);
  world.tool.fate = [](int nth) {
    Fate fate;
    if (nth == 2) fate.failure = wire::Failure::lost;
    return fate;
  };
  const Report report = world.run().report;
  EXPECT_EQ(report.status, Status::done) << report.message;
  EXPECT_EQ(report.outcomes.accepted, 9u);
  EXPECT_EQ(report.http.requests, 4u);
  EXPECT_EQ(report.http.retries, 1u);
  EXPECT_EQ(report.in_doubt, 3u);  // until the quiet time is over
  EXPECT_TRUE(world.tool_equals_model());
  EXPECT_EQ(world.run().report.http.requests, 0u);
}

TEST(Engine, AnOutageEndsUnfinishedAndTheNextRunGoesOn) {
  World world;
  world.fill(30);
  world.tool.fate = [](int nth) {
    Fate fate;
    if (nth > 3) fate = {false, wire::Failure::not_sent, 0, {}, {}, false, false};
    fate.text = "nobody listens there";
    return fate;
  };
  const Report report = world.run().report;
  EXPECT_EQ(report.status, Status::unfinished);
  EXPECT_EQ(report.outcomes.accepted, 9u);
  EXPECT_EQ(report.outcomes.not_attempted, 21u);
  EXPECT_NE(report.message.find("nobody listens there"), std::string::npos) << report.message;
  EXPECT_LE(report.http.requests, 3u + 12u);
  world.tool.fate = [](int) { return Fate{}; };
  world.tool.writes.clear();
  const Report next = world.run().report;
  EXPECT_EQ(next.status, Status::done) << next.message;
  EXPECT_EQ(next.outcomes.accepted, 21u);
  EXPECT_EQ(world.tool.writes.size(), 21u);
}

TEST(Engine, RowsWhoseOutcomeStaysUnknownAreSaidToBeUnknown) {
  World world;
  world.fill(3);
  world.tool.fate = [](int) {
    return Fate{true, wire::Failure::lost, 0, {}, {}, false, false, {}};
  };
  const Report report = world.run().report;
  EXPECT_EQ(report.status, Status::unfinished);
  EXPECT_EQ(report.outcomes.unknown, 3u);
  EXPECT_EQ(report.in_doubt, 3u);
  world.tool.fate = [](int) { return Fate{}; };
  EXPECT_EQ(world.run().report.outcomes.accepted, 3u);
  EXPECT_TRUE(world.tool_equals_model());
}

class DiesAtRequest : public ::testing::TestWithParam<std::pair<int, bool>> {};

TEST_P(DiesAtRequest, TheNextRunDeliversEveryRowAndForgetsNone) {
  const auto [at, applied] = GetParam();
  World world;
  world.fill(20);
  (void)world.run();
  for (auto& row : world.model) row[1] = "b";
  const int before = static_cast<int>(world.tool.requests.size());
  world.tool.fate = [=, applied = applied, at = at](int nth) {
    Fate fate;
    fate.dies = nth == before + at;
    if (fate.dies) fate.apply = applied;
    return fate;
  };
  EXPECT_THROW((void)world.run(), Died);
  world.tool.fate = [](int) { return Fate{}; };
  const Report report = world.run().report;
  EXPECT_EQ(report.status, Status::done) << report.message;
  EXPECT_TRUE(world.tool_equals_model());
  // What was accepted and on record is not sent again; what was in flight may be, once.
  for (const auto& [id, times] : world.tool.writes) EXPECT_LE(times, 3) << id;
  EXPECT_EQ(world.run().report.http.requests, 0u);
}

INSTANTIATE_TEST_SUITE_P(Everywhere, DiesAtRequest,
                         ::testing::Values(std::pair{1, false}, std::pair{1, true},
                                           std::pair{3, false}, std::pair{3, true},
                                           std::pair{7, false}, std::pair{7, true}));

TEST(Engine, ARowFlippedBackAfterACrashIsSentAgain) {
  World world;
  world.fill(3, "old");
  (void)world.run();
  for (auto& row : world.model) row[1] = "new";
  world.tool.fate = [](int) { return Fate{true, wire::Failure::none, 200, {}, {}, true, false}; };
  EXPECT_THROW((void)world.run(), Died);
  for (auto& row : world.model) row[1] = "old";
  world.tool.fate = [](int) { return Fate{}; };
  (void)world.run();
  EXPECT_TRUE(world.tool_equals_model());
}

/// The world's tool, which would make two records of two requests at once.
class Doubling final : public Destination {
 public:
  explicit Doubling(std::unique_ptr<Destination> inner) : inner_(std::move(inner)) {
    can_ = inner_->capabilities();
    can_.resend_after = 300ms;
  }
  const Capabilities& capabilities() const override { return can_; }
  bool identity_into(std::string_view match, std::string& out) const override {
    return inner_->identity_into(match, out);
  }
  std::size_t row_bytes(const BatchRow& row) const override { return inner_->row_bytes(row); }
  Step begin(const Batch& batch) const override { return inner_->begin(batch); }
  Step reply(const Batch& batch, const Memo& memo, const Call& call,
             const wire::Reply& reply) const override {
    return inner_->reply(batch, memo, call, reply);
  }

 private:
  std::unique_ptr<Destination> inner_;
  Capabilities can_;
};

TEST(Engine, WhatACrashLeftInDoubtWaitsWhereTwoRequestsAtOnceMakeTwoRecords) {
  World world;
  world.destination = [](const auto& connection, const auto& object, const Schema& schema) {
    return std::make_unique<Doubling>(make_destination(connection, object, schema));
  };
  world.changes["timing"] = {{"send_window_s", 0.2}};
  world.fill(9);
  world.tool.fate = [](int nth) {
    Fate fate;
    fate.dies = nth == 1;
    return fate;
  };
  const auto before = std::chrono::steady_clock::now();
  EXPECT_THROW((void)world.run(), Died);
  world.tool.fate = [](int) { return Fate{}; };
  const Report report = world.run().report;
  EXPECT_EQ(report.status, Status::done) << report.message;
  EXPECT_TRUE(world.tool_equals_model());
  EXPECT_GE(std::chrono::steady_clock::now() - before, 500ms) << "the window, and what it takes";
}

TEST(Engine, AToolThatPutsEverythingOffIsAwayAfterAWhile) {
  World world;
  world.changes["object"] = {{"statuses", {{"409", "retry"}}}};
  world.fill(3);
  world.tool.fate = [](int) {
    Fate fate;
    fate.apply = false;
    fate.status = 409;
    fate.retry_after = 20ms;
    return fate;
  };
  const Report report = world.run().report;
  EXPECT_EQ(report.status, Status::unfinished) << report.message;
  EXPECT_EQ(report.outcomes.not_attempted, 3u);
  world.tool.fate = [](int) { return Fate{}; };
  EXPECT_EQ(world.run().report.outcomes.accepted, 3u);
}

TEST(Engine, AnEmptyModelIsRefusedBeforeTheFirstRequest) {
  World world;
  world.fill(5);
  (void)world.run();
  world.model.clear();
  world.changes = {{"on_removed", "delete"}};
  const auto requests = world.tool.requests.size();
  const Report report = world.run().report;
  EXPECT_EQ(report.status, Status::refused);
  ASSERT_FALSE(report.breaches.empty());
  EXPECT_EQ(world.tool.requests.size(), requests);
  EXPECT_EQ(world.tool.records.size(), 5u);
  EXPECT_EQ(report.outcomes.not_attempted, report.diff.removed);
}

TEST(Engine, AnEmptyModelAfterACrashIsRefusedToo) {
  World world;
  world.fill(5);
  world.tool.fate = [](int nth) {
    return Fate{true, wire::Failure::none, 200, {}, {}, nth == 2, false};
  };
  EXPECT_THROW((void)world.run(), Died);
  world.tool.fate = [](int) { return Fate{}; };
  world.model.clear();
  world.changes = {{"on_removed", "delete"}};
  EXPECT_EQ(world.run().report.status, Status::refused);
  EXPECT_EQ(world.tool.records.size(), 5u);
}

TEST(Engine, MirrorDeletesWhatLeftTheModel) {
  World world;
  world.changes = {{"on_removed", "delete"}};
  world.fill(10);
  (void)world.run();
  world.model.erase(world.model.begin() + 4);
  const Report report = world.run().report;
  EXPECT_EQ(report.status, Status::done) << report.message;
  EXPECT_EQ(report.diff.removed, 1u);
  EXPECT_EQ(report.outcomes.accepted, 1u);
  EXPECT_EQ(world.tool.requests.back(), "DELETE k4");
  EXPECT_TRUE(world.tool_equals_model());
  EXPECT_EQ(world.run().report.http.requests, 0u);
}

TEST(Engine, RowsThatLeaveAndComeBackUnchangedCostNothing) {
  World world;
  world.fill(10);
  (void)world.run();
  const auto gone = world.model[4];
  world.model.erase(world.model.begin() + 4);
  const Report away = world.run().report;
  EXPECT_EQ(away.status, Status::done);
  EXPECT_EQ(away.diff.removed, 0u);
  EXPECT_EQ(away.http.requests, 0u);
  world.model.push_back(gone);
  const Report back = world.run().report;
  EXPECT_EQ(back.http.requests, 0u);
  EXPECT_EQ(back.diff.unchanged, 10u);
}

TEST(Engine, InvalidRowsAreListedTheRestIsSent) {
  World world;
  world.fill(5);
  world.model.push_back({"k1", "again"});
  world.model.push_back({std::nullopt, "x"});
  world.model.push_back({"bad", std::string("\xff\xfe")});
  const Report report = world.run().report;
  EXPECT_EQ(report.status, Status::rejected);
  EXPECT_EQ(report.diff.invalid, 4u);
  EXPECT_EQ(report.outcomes.accepted, 4u);
  ASSERT_EQ(report.invalid_sample.size(), 3u);  // a repeated key is listed once
  EXPECT_EQ(report.invalid_sample[0].key, "k1");
  EXPECT_EQ(report.invalid_sample[0].code, "duplicate_match");
  EXPECT_FALSE(world.tool.records.contains("k1"));
  EXPECT_FALSE(world.tool.records.contains("bad"));
}

TEST(Engine, RefusedCredentialsEndTheRunAsConfiguration) {
  World world;
  world.fill(60);
  world.tool.fate = [](int) {
    return Fate{false, wire::Failure::none, 401, "{\"error\":\"no t0ken-canary\"}", {}, false,
                false};
  };
  const Report report = world.run().report;
  EXPECT_EQ(report.status, Status::config);
  EXPECT_EQ(report.outcomes.not_attempted, 60u);
  EXPECT_LE(report.http.requests, 16u);
  EXPECT_EQ(report.to_json().dump().find("t0ken-canary"), std::string::npos);
}

TEST(Engine, RetryAfterIsObeyedAndCostsNoRow) {
  World world;
  world.fill(6);
  world.tool.fate = [](int nth) {
    if (nth == 1) return Fate{false, wire::Failure::none, 429, "", 150ms, false, false};
    return Fate{};
  };
  const auto before = std::chrono::steady_clock::now();
  const Report report = world.run().report;
  EXPECT_EQ(report.status, Status::done) << report.message;
  EXPECT_EQ(report.http.rate_limited, 1u);
  EXPECT_GE(std::chrono::steady_clock::now() - before, 150ms);
}

TEST(Engine, AWaitOfHoursIsQuotaWithATime) {
  World world;
  world.fill(6);
  world.tool.fate = [](int) {
    return Fate{false, wire::Failure::none, 429, "", 10h, false, false};
  };
  const Report report = world.run().report;
  EXPECT_EQ(report.status, Status::quota);
  EXPECT_TRUE(report.not_before_ms);
  EXPECT_EQ(report.outcomes.not_attempted, 6u);
}

TEST(Engine, AnIntentThatRanOutIsAskedForAgainAndCostsNothing) {
  World world;
  world.fill(6);
  world.tool.fate = [](int nth) {
    Fate fate;
    if (nth == 1) fate.failure = wire::Failure::expired;
    return fate;
  };
  const Report report = world.run().report;
  EXPECT_EQ(report.status, Status::done) << report.message;
  EXPECT_EQ(report.outcomes.accepted, 6u);
  EXPECT_EQ(report.http.retries, 0u);
  EXPECT_EQ(report.in_doubt, 0u);
}

TEST(Engine, CancelSettlesWhatIsInFlightAndCountsTheRest) {
  World world;
  world.fill(300);
  std::promise<void> reached;
  world.tool.fate = [&](int nth) {
    if (nth == 5) reached.set_value();
    Fate fate;
    fate.hangs = nth >= 5;
    return fate;
  };
  const auto engine = world.engine();
  auto ended = std::async(std::launch::async, [&] { return engine->run(); });
  reached.get_future().wait();
  const auto before = std::chrono::steady_clock::now();
  engine->cancel();
  const Report report = ended.get().report;
  EXPECT_LT(std::chrono::steady_clock::now() - before, 3s);
  EXPECT_EQ(report.status, Status::cancelled);
  EXPECT_EQ(report.outcomes.accepted, 12u);
  EXPECT_GT(report.outcomes.unknown, 0u);
  EXPECT_GT(report.outcomes.not_attempted, 0u);
  EXPECT_EQ(report.outcomes.total(), 300u);
  world.tool.fate = [](int) { return Fate{}; };
  EXPECT_EQ(world.run().report.status, Status::done);
  EXPECT_TRUE(world.tool_equals_model());
}

TEST(Engine, ASecondRunOfTheSameSyncIsBusy) {
  World world;
  world.fill(30);
  std::promise<void> reached;
  std::promise<void> go_on;
  world.tool.fate = [&](int nth) {
    if (nth == 1) {
      reached.set_value();
      go_on.get_future().wait();
    }
    return Fate{};
  };
  auto first = std::async(std::launch::async, [&] { return world.run(); });
  reached.get_future().wait();
  World other;
  other.model = world.model;
  other.changes = {{"state", {{"url", "sqlite:///" + (world.folder / "state.db").string()}}}};
  const auto before = std::chrono::steady_clock::now();
  const Report second = other.run().report;
  EXPECT_LT(std::chrono::steady_clock::now() - before, 2s);
  EXPECT_EQ(second.status, Status::busy);
  EXPECT_TRUE(other.tool.requests.empty());
  go_on.set_value();
  EXPECT_EQ(first.get().report.status, Status::done);
}

TEST(Engine, APlanCountsAndShowsAndSendsNothing) {
  World world;
  world.fill(10);
  (void)world.run();
  world.model[0][1] = "b";
  world.model.push_back({"new", "9007199254740993"});
  world.changes = {{"task", "plan"}};
  const auto requests = world.tool.requests.size();
  const RunResult result = world.run();
  EXPECT_EQ(result.report.status, Status::planned) << result.report.message;
  EXPECT_EQ(world.tool.requests.size(), requests);
  EXPECT_EQ(result.plan["counts"]["changed"], 1);
  EXPECT_EQ(result.plan["counts"]["added"], 1);
  EXPECT_EQ(result.plan["requests"], 1);
  EXPECT_EQ(result.plan["samples"]["added"][0]["fields"]["v"], "9007199254740993");
  const std::string fingerprint = result.plan["plan_fingerprint"];
  std::reverse(world.model.begin(), world.model.end());
  EXPECT_EQ(world.run().plan["plan_fingerprint"], fingerprint);
}

TEST(Engine, APlanOfASyncThatNeverRanLeavesNoStore) {
  World world;
  world.fill(4);
  world.changes = {{"task", "plan"}};
  EXPECT_EQ(world.run().plan["counts"]["added"], 4);
  world.changes = json::object();
  EXPECT_EQ(world.run().report.status, Status::done);
}

TEST(Engine, AnotherStoreThanExpectedIsStateLostAndNothingIsSent) {
  World world;
  world.fill(4);
  const Report first = world.run().report;
  world.changes = {
      {"state", {{"expect", {{"store_id", "another"}, {"epoch", 1}, {"last_seq", 0}}}}}};
  EXPECT_EQ(world.run().report.status, Status::state_lost);
  world.changes = {{"state",
                    {{"expect",
                      {{"store_id", first.store_id},
                       {"epoch", first.epoch + 5},
                       {"last_seq", first.last_seq}}}}}};
  EXPECT_EQ(world.run().report.status, Status::state_lost);
  world.changes = {{"state",
                    {{"url", "sqlite:///" + (world.folder / "gone.db").string()},
                     {"expect", {{"store_id", first.store_id}, {"epoch", 1}, {"last_seq", 1}}}}}};
  EXPECT_EQ(world.run().report.status, Status::state_lost);
  EXPECT_EQ(world.tool.requests.size(), 2u);
}

TEST(Engine, AnotherEncodingAloneIsRefusedAndSaidSo) {
  World world;
  world.fill(30);
  (void)world.run();
  world.encoding = "memory/2";
  for (auto& row : world.model) row[1] = *row[1] + " ";
  const Report report = world.run().report;
  EXPECT_EQ(report.status, Status::refused);
  ASSERT_EQ(report.breaches.size(), 1u);
  EXPECT_EQ(report.breaches[0].guard, "encoding");
  world.changes = {{"allow_guards", {"encoding"}}};
  EXPECT_EQ(world.run().report.status, Status::done);
}

TEST(Engine, ATransportThatRefusesItsSettingsCountsItsRowsAsNotAttempted) {
  World world;
  world.fill(3);
  world.transport = http::make_curl_transport;
  world.changes["connection"]["ca_file"] = "/nowhere/ca.pem";
  const RunResult result = world.run();
  EXPECT_EQ(result.report.status, Status::config);
  EXPECT_NE(result.report.message.find("/nowhere/ca.pem"), std::string::npos);
  EXPECT_EQ(result.report.outcomes.not_attempted, 3u);
}

TEST(Engine, AFullRefreshSendsEveryRowAgain) {
  World world;
  world.fill(10);
  (void)world.run();
  world.changes = {{"full_refresh", true}};
  const Report report = world.run().report;
  EXPECT_EQ(report.outcomes.accepted, 10u);
  world.changes = json::object();
  EXPECT_EQ(world.run().report.http.requests, 0u);
}

TEST(Engine, AnotherAccountHasNoBaseline) {
  World world;
  world.fill(4);
  (void)world.run();
  world.changes = {{"connection", {{"account", "rest:other"}}}};
  EXPECT_EQ(world.run().report.diff.added, 4u);
}

TEST(Engine, ARowLargerThanARequestIsRejectedHere) {
  World world;
  world.fill(3);
  world.model[1][1] = std::string(3u << 20, 'x');
  world.changes = {{"object", {{"batch_bytes", 1 << 20}}}};
  const Report report = world.run().report;
  EXPECT_EQ(report.status, Status::rejected);
  ASSERT_EQ(report.rejected_sample.size(), 1u);
  EXPECT_EQ(report.rejected_sample[0].code, "row_too_large");
  EXPECT_EQ(report.outcomes.accepted, 2u);
}

/// A store that lets a test get in before its n-th append, counted from 0.
class WatchedStore final : public test::ForwardingStore {
 public:
  WatchedStore(std::unique_ptr<StateStore> inner, std::function<void(int)> before_append)
      : ForwardingStore(std::move(inner)), before_append_(std::move(before_append)) {}
  void append(const Holder& holder, const Commit& commit) override {
    before_append_(appends_++);
    ForwardingStore::append(holder, commit);
  }

 private:
  std::function<void(int)> before_append_;
  int appends_ = 0;
};

TEST(Engine, WithoutItsStoreItStopsSendingAndHidesNoRow) {
  for (int fail_at = 0; fail_at < 6; ++fail_at) {
    World world;
    world.fill(100);
    bool failed = false;
    world.around_store = [&](std::unique_ptr<StateStore> store) {
      return std::make_unique<WatchedStore>(std::move(store), [&, fail_at](int nth) {
        if (nth < fail_at) return;
        failed = true;
        throw StoreUnavailable("the store went away");
      });
    };
    const Report report = world.run().report;
    // How many batches share a commit is the machine's doing: the later ones may not be needed.
    EXPECT_TRUE(failed || fail_at > 1);
    EXPECT_EQ(report.status, failed ? Status::unfinished : Status::done);
    EXPECT_EQ(report.outcomes.total(), 100u);
    if (fail_at == 0) {
      EXPECT_TRUE(world.tool.requests.empty());
    }
    world.around_store = nullptr;
    EXPECT_EQ(world.run().report.status, Status::done);
    EXPECT_TRUE(world.tool_equals_model());
  }
}

TEST(Engine, AnAnswerIsKeptUntilASlowStoreHasTakenIt) {
  World world;
  world.fill(3);
  world.changes["timing"] = {{"drain_s", 0.05}, {"store_patience_s", 60}};
  world.around_store = [](std::unique_ptr<StateStore> store) {
    return std::make_unique<WatchedStore>(std::move(store), [](int nth) {
      // The outcome: a disk that takes its time over it, longer than a stopped run may.
      if (nth == 1) std::this_thread::sleep_for(400ms);
    });
  };
  const Report report = world.run().report;
  EXPECT_EQ(report.status, Status::done) << report.message;
  EXPECT_EQ(report.outcomes.accepted, 3u);
}

TEST(Engine, AStoreThatComesBackInTimeCostsNothing) {
  World world;
  world.fill(30);
  world.changes["timing"] = {{"store_patience_s", 60}};
  world.around_store = [](std::unique_ptr<StateStore> store) {
    return std::make_unique<WatchedStore>(std::move(store), [](int nth) {
      if (nth >= 1 && nth <= 3) throw StoreUnavailable("the store is away for a moment");
    });
  };
  const Report report = world.run().report;
  EXPECT_EQ(report.status, Status::done) << report.message;
  EXPECT_EQ(report.outcomes.accepted, 30u);
  for (const auto& [id, times] : world.tool.writes) EXPECT_EQ(times, 1) << id;
}

TEST(Engine, ABrokenSourceSendsNothing) {
  class Broken final : public Source {
    std::vector<SourceColumn> open() override {
      return {{"id", Type::text, "text"}, {"v", Type::text, "text"}};
    }
    bool next(Chunk& chunk) override {
      chunk.clear();
      if (++calls_ > 3) throw SourceError("the warehouse went away", false, "57P01");
      chunk.append("k" + std::to_string(calls_) + "\ta");
      return true;
    }
    void cancel() noexcept override {}
    std::string encoding() const override { return "memory/1"; }
    int calls_ = 0;
  };
  World world;
  Surroundings surroundings = world.surroundings();
  surroundings.source = [](const RunSpec&) { return std::make_unique<Broken>(); };
  Engine engine(parse_run_spec(world.spec().dump()), surroundings);
  const RunResult result = engine.run();
  EXPECT_EQ(result.report.status, Status::unfinished);
  EXPECT_EQ(result.source_code, "57P01");
  EXPECT_TRUE(world.tool.requests.empty());
}

}  // namespace
}  // namespace tailrace
