// What ends the doubt of an insert or a delete whose outcome is unknown, and what does not.

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "journal_script.hpp"
#include "state/memory_store.hpp"
#include "state/table.hpp"
#include "store_script.hpp"

namespace tailrace::test {
namespace {

class InsertInDoubt : public ::testing::Test {
 protected:
  void SetUp() override { next(); }

  /// The next run, quiet time later.
  void next() {
    now_ms_ += 2 * kQuietMs;
    claim_ = claim_of(store_, "run " + std::to_string(++runs_));
    journal_ = std::make_unique<Journalist>(store_, claim_, "run");
  }

  void send(Version version, RowOutcome outcome, StateOp op = StateOp::insert) {
    const std::int64_t seq =
        journal_->intent({{op, 1, {}, {}, {intent_row(1, version)}}}, now_ms_ + 30'000);
    journal_->outcome({{seq, 0, now_ms_, {{outcome, {}}}}});
  }

  void hold(Hold hold, std::string_view code = kParkedCode) {
    RejectedRow row = rejected_row(1, now_ms_);
    row.code = code;
    row.version = 7;
    row.hold = hold;
    store_.append(claim_.holder, with_rejected({row}));
  }

  void fold() { finish_with_fold(store_, claim_, run_row("run")); }

  Doubts doubts() { return load_state(store_, claim_, kQuietMs).doubts; }

  std::int64_t now_ms_ = 1'790'000'000'000;
  MemoryStore store_{std::make_shared<MemoryDisk>(), [this] { return now_ms_; }};
  Claim claim_;
  std::unique_ptr<Journalist> journal_;
  int runs_ = 0;
};

TEST_F(InsertInDoubt, IsToldApart) {
  send(7, RowOutcome::unknown);
  ASSERT_EQ(doubts().size(), 1U);
  const Doubt doubt = doubts().begin()->second;
  EXPECT_TRUE(doubt.inserted);
  EXPECT_EQ(doubt.version, 7U);
  EXPECT_FALSE(doubt.deleted);
  send(8, RowOutcome::unknown, StateOp::write);
  EXPECT_TRUE(doubts().begin()->second.inserted) << "an insert is among them";
}

TEST_F(InsertInDoubt, OutlivesTimeAndFolds) {
  send(7, RowOutcome::unknown);
  for (int i = 0; i < 3; ++i) {
    fold();
    next();
    ASSERT_EQ(doubts().size(), 1U) << i;
    EXPECT_TRUE(doubts().begin()->second.inserted);
    journal_->accept({intent_row(2, 1)}, now_ms_);
  }
}

TEST_F(InsertInDoubt, IsEndedByAnotherVersionOnlyAfterItsHorizon) {
  send(7, RowOutcome::unknown);
  send(8, RowOutcome::accepted);
  ASSERT_EQ(doubts().size(), 1U) << "the first may land after the second";
  EXPECT_EQ(doubts().begin()->second.version, 7U);
  next();
  send(9, RowOutcome::accepted);
  EXPECT_TRUE(doubts().empty()) << "somebody looked before it was sent";
}

TEST_F(InsertInDoubt, IsNotEndedByAnEarlierInsertOfItsVersion) {
  send(7, RowOutcome::accepted);
  send(7, RowOutcome::unknown);
  fold();
  next();
  EXPECT_EQ(doubts().size(), 1U) << "it may have made a second record";
}

TEST_F(InsertInDoubt, EndsWhenItsVersionIsToldToBeThere) {
  send(7, RowOutcome::unknown);
  send(7, RowOutcome::accepted);
  EXPECT_TRUE(doubts().empty()) << "at once: a key of idempotency, or somebody who looked";
  fold();
  next();
  EXPECT_TRUE(doubts().empty());
}

TEST_F(InsertInDoubt, EndsWithAWriteThatWasSentAfterItsHorizon) {
  send(7, RowOutcome::unknown);
  send(9, RowOutcome::accepted, StateOp::write);
  EXPECT_EQ(doubts().size(), 1U) << "it may land after the write";
  next();
  send(9, RowOutcome::accepted, StateOp::write);
  EXPECT_TRUE(doubts().empty());
}

TEST_F(InsertInDoubt, IsLeftToTheRowThatIsParked) {
  send(7, RowOutcome::unknown);
  hold(Hold::parked);
  EXPECT_TRUE(doubts().empty());
  fold();
  next();
  EXPECT_EQ(load_state(store_, claim_, kQuietMs).rejected.begin()->second.hold, Hold::parked);
  hold(Hold::released);
  EXPECT_TRUE(doubts().empty()) << "what is sent now is in doubt by itself";
}

TEST_F(InsertInDoubt, IsNotCoveredByAReleaseOfBefore) {
  send(7, RowOutcome::unknown);
  hold(Hold::released);
  EXPECT_TRUE(doubts().empty()) << "somebody has asked for it to be sent again";
  now_ms_ += 1;
  send(7, RowOutcome::unknown);
  ASSERT_EQ(doubts().size(), 1U) << "once, and not each time that its answer is lost";
  fold();
  next();
  EXPECT_EQ(doubts().size(), 1U);
}

TEST_F(InsertInDoubt, IsNotEndedByTheReleaseOfARowThatWasOnlyRefused) {
  send(7, RowOutcome::unknown);
  send(7, RowOutcome::rejected);
  hold(Hold::permanent, "INVALID_EMAIL");
  ASSERT_EQ(doubts().size(), 1U) << "the first request may have been taken";
  hold(Hold::released, "INVALID_EMAIL");
  EXPECT_EQ(doubts().size(), 1U) << "nobody has looked";
  fold();
  next();
  EXPECT_EQ(doubts().size(), 1U);
}

TEST_F(InsertInDoubt, IsLeftInDoubtWhereItMayHaveBeenSentSinceTheRelease) {
  journal_->intent({{StateOp::insert, 1, {}, {}, {intent_row(1, 7)}}}, now_ms_ + 30'000);
  hold(Hold::released);
  EXPECT_EQ(doubts().size(), 1U);
}

TEST_F(InsertInDoubt, AnotherVersionIsNotParked) {
  send(7, RowOutcome::unknown);
  hold(Hold::parked);
  send(8, RowOutcome::unknown);
  ASSERT_EQ(doubts().size(), 1U);
  EXPECT_EQ(doubts().begin()->second.version, 8U);
  EXPECT_FALSE(doubts().begin()->second.mixed) << "the parked one is left to its rejected row";
  fold();
  next();
  ASSERT_EQ(doubts().size(), 1U);
  EXPECT_EQ(doubts().begin()->second.version, 8U);
}

TEST_F(InsertInDoubt, AWriteInDoubtIsNotParked) {
  send(7, RowOutcome::unknown, StateOp::write);
  hold(Hold::parked);
  EXPECT_EQ(doubts().size(), 1U);
}

/// A row that was delivered, and then taken away by a request that was not answered.
class DeleteInDoubt : public InsertInDoubt {
 protected:
  void SetUp() override {
    InsertInDoubt::SetUp();
    send(7, RowOutcome::accepted, StateOp::write);
    send(0, RowOutcome::unknown, StateOp::remove);
  }

  void next() {
    claim_ = claim_of(store_, "run " + std::to_string(++runs_));
    journal_ = std::make_unique<Journalist>(store_, claim_, "run");
  }

  StateView view() { return load_state(store_, claim_, kQuietMs); }

  /// Whether the row is one that a run has to take away.
  bool is_known() { return view().known == 1; }
};

TEST_F(DeleteInDoubt, IsSentAgainWhileTheRowIsAcknowledged) {
  EXPECT_TRUE(is_known());
  now_ms_ += 2 * kQuietMs;
  EXPECT_TRUE(is_known()) << "time alone does not tell that it landed";
}

TEST_F(DeleteInDoubt, LeavesNothingToDoWhereTheRowIsGone) {
  send(0, RowOutcome::accepted, StateOp::remove);
  EXPECT_FALSE(is_known());
  EXPECT_EQ(view().doubts.size(), 1U) << "remembered, in case the row comes back";
  now_ms_ += 2 * kQuietMs;
  EXPECT_TRUE(view().doubts.empty());
}

TEST_F(DeleteInDoubt, IsRememberedByAFoldUntilItsHorizon) {
  send(0, RowOutcome::accepted, StateOp::remove);
  fold();
  next();
  EXPECT_FALSE(is_known());
  EXPECT_EQ(view().doubts.size(), 1U);
  send(8, RowOutcome::accepted, StateOp::write);
  EXPECT_TRUE(view().table.marks(view().table.find(intent_row(1, 8).identity)).in_doubt);
  send(0, RowOutcome::accepted, StateOp::remove);
  now_ms_ += 2 * kQuietMs;
  fold();
  next();
  EXPECT_TRUE(view().doubts.empty());
}

TEST_F(DeleteInDoubt, IsNoEndWhileAWriteMayLandBehindIt) {
  send(8, RowOutcome::unknown, StateOp::write);
  send(0, RowOutcome::accepted, StateOp::remove);
  EXPECT_TRUE(is_known());
  now_ms_ += 2 * kQuietMs;
  EXPECT_TRUE(is_known()) << "the write may have landed last";
  send(0, RowOutcome::accepted, StateOp::remove);
  EXPECT_FALSE(is_known());
  EXPECT_TRUE(view().doubts.empty());
}

}  // namespace
}  // namespace tailrace::test
