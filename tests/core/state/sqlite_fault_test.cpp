// The disk fails, fills up, or the process dies, at each change of a file in turn.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "fault_vfs.hpp"
#include "journal_script.hpp"
#include "state/errors.hpp"
#include "state/sqlite_store.hpp"
#include "store_contract.hpp"

namespace tailrace::test {
namespace {

using Fault = FaultPlan::Fault;

constexpr int kCommits = 8;
constexpr std::uint64_t kRowsACommit = 40;

std::vector<IntentRow> rows_of(int commit) {
  std::vector<IntentRow> rows;
  for (std::uint64_t i = 0; i < kRowsACommit; ++i) {
    rows.push_back(
        intent_row(static_cast<std::uint64_t>(commit) * 30 + i, static_cast<Version>(commit + 1)));
  }
  return rows;
}

class FailingDisk : public ::testing::Test {
 protected:
  std::unique_ptr<SqliteStore> open() {
    SqliteOptions options;
    options.create = true;
    options.vfs = fault_vfs();
    options.clock = [] { return ClockReading{"boot-1", 1'000, 1'790'000'000'000}; };
    return std::make_unique<SqliteStore>(directory_->path() + "/state.db", options);
  }

  /// Makes a call again after StoreUnavailable, a few times, as the engine does.
  template <typename Call>
  auto again(const Call& call) {
    for (int attempt = 1;; ++attempt) {
      try {
        return call();
      } catch (const StoreUnavailable&) {
        ++unavailable_;
        if (attempt == 3) throw;
      }
    }
  }

  /// A whole run in `kCommits` commits, each an intent and its outcome, and a fold. `done` is told
  /// of every call that returned.
  void run(const std::string& run_id, const std::function<void(int)>& done = {}) {
    const auto tell = [&](int step) {
      if (done) done(step);
    };
    const auto store = again([&] { return open(); });
    const std::optional<Claim> claim =
        again([&] { return store->claim(kAccounts, run_row(run_id), kLeaseMs); });
    ASSERT_TRUE(claim) << run_id;
    tell(0);
    std::int64_t seq = claim->last_seq;
    for (int i = 0; i < kCommits; ++i) {
      Commit commit;
      commit.journal.push_back({seq + 1, claim->holder.epoch, run_id, JournalKind::intent, 1,
                                pack_intents({{StateOp::write, 1, {}, {}, rows_of(i)}})});
      commit.journal.push_back({seq + 2, claim->holder.epoch, run_id, JournalKind::outcome, 0,
                                pack_outcomes({{seq + 1, 0, 1, {{RowOutcome::accepted, {}}}}})});
      commit.rejected.emplace_back().identity = identity_of(900 + static_cast<std::uint64_t>(i));
      commit.log = {{"key", "upsert", "accepted", {}, {}}};
      commit.fields = {{identity_of(900 + static_cast<std::uint64_t>(i)), "hashes"}};
      seq += 2;
      again([&] { store->append(claim->holder, commit); });
      tell(i + 1);
    }
    Finish finish;
    finish.run = run_row(run_id);
    finish.run.status = "done";
    again([&] {
      fold_state(*store, *claim, {}, store->now_ms(), kQuietMs, finish);
      store->finish(claim->holder, finish);
    });
    tell(kCommits + 1);
  }

  /// Acknowledged versions as a new run finds them; everything is checked by loading it.
  std::map<IdentityHash, Version> found() {
    const ScopedFault plan({.sync = false});
    const auto store = open();
    const std::optional<Claim> claim = store->claim(kAccounts, run_row("look"), kLeaseMs);
    EXPECT_TRUE(claim) << "the dead run's lease is taken at once";
    const StateView view = load_state(*store, *claim, kQuietMs);
    EXPECT_TRUE(view.doubts.empty());
    for (const auto& [identity, row] : view.rejected) {
      EXPECT_EQ(row.attempts, 1);
      EXPECT_EQ(store->read_fields(claim->holder, {&identity, 1}).at(0), "hashes");
    }
    EXPECT_EQ(store->log_of("", "key", 100).size(), view.rejected.size()) << "with its commit";
    std::map<IdentityHash, Version> versions;
    for (StateTable::Slot slot = 0; slot < view.table.capacity(); ++slot) {
      if (!view.table.marks(slot).acknowledged) continue;
      versions[view.table.identity(slot)] = view.table.version(slot);
    }
    finish_plain(*store, *claim, run_row("look"));
    return versions;
  }

  static std::map<IdentityHash, Version> after(int commits) {
    std::map<IdentityHash, Version> versions;
    for (int i = 0; i < commits; ++i) {
      for (const IntentRow& row : rows_of(i)) versions[row.identity] = row.version;
    }
    return versions;
  }

  void fresh() { directory_ = std::make_unique<ScratchDirectory>(); }

  /// How many changes of files a run without faults makes.
  int changes() {
    fresh();
    const ScopedFault plan({.sync = false});
    run("counted");
    return fault_plan().changes;
  }

  void fail_at_each_change(Fault fault) {
    const int total = changes();
    ASSERT_GT(total, 60);
    int met = 0;
    for (int at = 1; at <= total; ++at) {
      fresh();
      {
        const ScopedFault plan({.fault = fault, .at = at, .sync = false});
        run("r1");
        met += fault_plan().faults;
      }
      ASSERT_EQ(found(), after(kCommits)) << "the fault came at change " << at;
      if (HasFailure()) return;
    }
    EXPECT_GT(met, total / 2);
    EXPECT_GT(unavailable_, total / 4) << "failures must be told, not passed over";
  }

  std::unique_ptr<ScratchDirectory> directory_;
  int unavailable_ = 0;
};

TEST_F(FailingDisk, EachCallMadeAgainAfterAnIoErrorHappensOnce) {
  fail_at_each_change(Fault::io_error);
}

TEST_F(FailingDisk, EachCallMadeAgainAfterATornWriteHappensOnce) {
  fail_at_each_change(Fault::torn_write);
}

TEST_F(FailingDisk, ADiskThatIsFullForOnceLosesNothing) { fail_at_each_change(Fault::disk_full); }

TEST_F(FailingDisk, TokensAreDrawnWithoutWaitingForTheDiskAndCommitsAreNot) {
  fresh();
  const ScopedFault plan({});
  const auto store = open();
  const Claim claim = *store->claim(kAccounts, run_row("r1"), kLeaseMs);
  for (int i = 0; i < 3; ++i) {
    int before = fault_plan().syncs;
    const RateAsk ask{"crm:acme", "calls", 100, 10'000, 200, 1};
    EXPECT_EQ(store->draw(ask).granted, 1);
    EXPECT_EQ(fault_plan().syncs, before);
    before = fault_plan().syncs;
    store->renew(claim.holder, kLeaseMs);
    EXPECT_GT(fault_plan().syncs, before) << "what follows is synced again";
  }
}

TEST_F(FailingDisk, ADrawThatFailedTakesTokensOnceAtMostAndLeavesTheStoreSynced) {
  for (int at = 1;; ++at) {
    fresh();
    const auto store = open();
    const RateAsk ask{"crm:acme", "calls", 100, 10'000, 200, 40};
    int met = 0;
    {
      const ScopedFault plan({.fault = Fault::io_error, .at = at, .sync = false});
      try {
        EXPECT_EQ(store->draw(ask).granted, 40);
      } catch (const StoreUnavailable&) {}
      met = fault_plan().faults;
    }
    if (met == 0) break;
    const double left = store->draw({"crm:acme", "calls", 100, 10'000, 200, 100}).granted;
    EXPECT_TRUE(left == 60 || left == 100) << left << " after a fault at change " << at;
    const int before = fault_plan().syncs;
    static_cast<void>(store->claim(kAccounts, run_row("r1"), kLeaseMs));
    EXPECT_GT(fault_plan().syncs, before);
  }
}

TEST_F(FailingDisk, AClaimThatWasNotAnsweredIsOursOnlyIfItHappened) {
  int lost = 0;
  for (int at = 1;; ++at) {
    fresh();
    const auto store = open();
    const auto other = open();
    bool failed = false;
    {
      const ScopedFault plan({.fault = Fault::io_error, .at = at, .sync = false});
      try {
        static_cast<void>(store->claim(kAccounts, run_row("r1"), kLeaseMs));
      } catch (const StoreUnavailable&) {
        failed = true;
      }
    }
    if (!failed) break;
    const bool taken = other->claim(kAccounts, run_row("r2"), kLeaseMs).has_value();
    EXPECT_NE(taken, store->claim(kAccounts, run_row("r1"), kLeaseMs).has_value())
        << "one of the two has it, after a fault at change " << at;
    lost += taken ? 1 : 0;
  }
  EXPECT_GT(lost, 0);
}

TEST_F(FailingDisk, WhatWasAnsweredBeforeTheDiskFailedForGoodIsThere) {
  const int total = changes();
  for (int at = 5; at <= total; at += 7) {
    fresh();
    int done = -1;
    {
      const ScopedFault plan({.fault = Fault::io_error, .at = at, .lasts = true, .sync = false});
      try {
        run("r1", [&](int step) { done = step; });
      } catch (const StoreUnavailable&) {}
    }
    if (done < 0) continue;
    const auto versions = found();
    const int least = std::min(done, kCommits);
    EXPECT_TRUE(versions == after(least) || versions == after(std::min(least + 1, kCommits)))
        << at << ": " << done << " calls returned";
  }
}

TEST_F(FailingDisk, WhatWasAnsweredBeforeTheProcessDiedIsThere) {
  const int total = changes();
  std::mt19937_64 random(2);
  int killed = 0;
  for (int round = 0; round < 60; ++round) {
    fresh();
    const int at = 1 + static_cast<int>(random() % static_cast<std::uint64_t>(total));
    int pipe_ends[2];
    ASSERT_EQ(::pipe(pipe_ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(pipe_ends[0]);
      fault_plan() = {.fault = Fault::kill, .at = at, .sync = false};
      run("r1", [&](int step) {
        const char byte = static_cast<char>(step);
        if (::write(pipe_ends[1], &byte, 1) != 1) ::_exit(1);
      });
      ::_exit(0);
    }
    ::close(pipe_ends[1]);
    int done = -1;
    char step = 0;
    while (::read(pipe_ends[0], &step, 1) == 1) done = step;
    ::close(pipe_ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    killed += WIFSIGNALED(status) ? 1 : 0;
    const auto versions = found();
    const int least = std::clamp(done, 0, kCommits);
    EXPECT_TRUE(versions == after(least) || versions == after(std::min(least + 1, kCommits)))
        << "killed at change " << at << ", " << done << " calls returned";
    if (HasFailure()) return;
  }
  EXPECT_GT(killed, 40);
}

}  // namespace
}  // namespace tailrace::test
