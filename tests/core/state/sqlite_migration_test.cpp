// A store of format 1, made by the version that had it, is brought to today's format: whole, or not
// at all, wherever the process or the disk breaks off.

#include "state/sqlite_migration.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "fault_vfs.hpp"
#include "state/errors.hpp"
#include "state/sqlite_rows.hpp"
#include "state/sqlite_schema.hpp"
#include "state/sqlite_store.hpp"
#include "store_contract.hpp"
#include "store_script.hpp"

namespace tailrace::test {
namespace {

using Fault = FaultPlan::Fault;

const std::string kFormat1 = TAILRACE_TEST_DATA "/state_format_1.db";
const std::string kNow = std::to_string(kSqliteFormat);
constexpr std::int64_t kMadeMs = 1'790'000'001'000;  // the file's first moment

class Migration : public ::testing::Test {
 protected:
  void SetUp() override { bring(); }

  [[nodiscard]] std::string path() const { return directory_->path() + "/state.db"; }

  void bring() {
    directory_ = std::make_unique<ScratchDirectory>();
    std::filesystem::copy_file(kFormat1, path());
  }

  std::unique_ptr<SqliteStore> open() {
    SqliteOptions options;
    options.vfs = fault_vfs();
    options.clock = [this] { return now_; };
    return std::make_unique<SqliteStore>(path(), options);
  }

  void execute(const std::string& sql) { SqliteConnection(path(), fault_vfs(), 1000).execute(sql); }
  std::string ask(const char* sql) { return SqliteConnection(path(), fault_vfs(), 1000).ask(sql); }

  /// The tables are all of one format.
  std::string format() {
    const std::string number = ask("PRAGMA user_version");
    EXPECT_EQ(ask("SELECT format FROM store"), number);
    const std::string flag =
        ask("SELECT count(*) FROM pragma_table_info('rejected_row') "
            "WHERE name = 'transient'");
    const std::string hold =
        ask("SELECT count(*) FROM pragma_table_info('rejected_row') "
            "WHERE name = 'hold'");
    const std::string added =
        ask("SELECT count(*) FROM sqlite_schema WHERE name IN "
            "('row_log', 'field_hashes', 'rate_budget', 'shard_count', 'row_log_of_key', 'login')");
    const std::string left =
        ask("SELECT count(*) FROM sqlite_schema WHERE name LIKE '%\\_1' "
            "ESCAPE '\\'");
    EXPECT_EQ(flag + hold + added + left, number == "1" ? "1000" : number == "2" ? "0150" : "0160");
    EXPECT_EQ(ask("PRAGMA integrity_check"), "ok");
    return number;
  }

  void expect_all_there(SqliteStore& store) {
    EXPECT_EQ(store.identity().format, kSqliteFormat);
    const Claim claim = claim_of(store, "now");
    EXPECT_EQ(claim.holder.epoch, 3);
    EXPECT_EQ(claim.last_seq, 8);
    EXPECT_EQ(claim.mapping_fingerprint, "mapping");
    EXPECT_EQ(claim.encoding, "copy/1");
    EXPECT_EQ(claim.resynced_at_ms, 0);
    EXPECT_EQ(claim.fields_changed_at_ms, 0);
    Picture seen;
    see(store, claim, seen);
    EXPECT_EQ(seen.acknowledged.size(), 20U);
    EXPECT_EQ(seen.in_doubt,
              (std::set<IdentityHash>{identity_of(4), identity_of(5), identity_of(6)}));
    EXPECT_EQ(seen.absent, (std::set<IdentityHash>{identity_of(0), identity_of(1)}));
    std::vector<RejectedRow> rejected = store.read_rejected(claim.holder);
    ASSERT_EQ(rejected.size(), 2U);
    std::sort(rejected.begin(), rejected.end(),
              [](const RejectedRow& a, const RejectedRow& b) { return a.key < b.key; });
    EXPECT_EQ(rejected[0].hold, Hold::transient);
    EXPECT_EQ(rejected[0].attempts, 2);
    EXPECT_EQ(rejected[0].first_at_ms, kMadeMs + 1000);
    EXPECT_EQ(rejected[1].hold, Hold::permanent);
    EXPECT_EQ(rejected[1].message, rejected_row(8, 0).message);
    finish_plain(store, claim, run_row("now"));
  }

  std::unique_ptr<ScratchDirectory> directory_;
  ClockReading now_{"boot-2", 5, kMadeMs + 3'600'000};
};

TEST_F(Migration, AStoreOfFormat1IsTakenOverAndWorks) {
  ASSERT_EQ(format(), "1");
  {
    const auto store = open();
    expect_all_there(*store);
    SyncAddress half = shard(1, 2);
    half.sync = "leads";
    EXPECT_EQ(claim_of(*store, "leads now", half).holder.epoch, 2);
    EXPECT_EQ(store->rejected_of(half).at(0).key, key_of(31));
    const std::vector<RunRow> runs = store->runs("", 10);
    ASSERT_EQ(runs.size(), 5U);
    EXPECT_EQ(runs[4].report, R"({"run_id":"first"})");
  }
  EXPECT_EQ(format(), kNow);
  const auto store = open();
  Claim claim = claim_of(*store, "next");
  Journalist(*store, claim, "next").accept({intent_row(4, 204)}, store->now_ms());
  finish_with_fold(*store, claim, run_row("next"));
  claim = claim_of(*store, "last");
  EXPECT_EQ(claim.snapshot_entries, 20U);
}

TEST_F(Migration, WhatItBecomesIsWhatANewStoreIs) {
  static_cast<void>(open());
  const std::string made = directory_->path() + "/new.db";
  static_cast<void>(open_store("sqlite:///" + made, true));
  const char* schema =
      "SELECT group_concat(sql, x'0a') FROM (SELECT sql FROM sqlite_schema "
      "WHERE sql IS NOT NULL ORDER BY name)";
  EXPECT_EQ(ask(schema), SqliteConnection(made, "", 1000).ask(schema));
}

TEST_F(Migration, AStoreOfFormat2GetsWhatItLacks) {
  static_cast<void>(open());
  {
    SqliteConnection connection(path(), fault_vfs(), 1000);
    SqliteCatalogue tables(connection);
    StoreRow store = tables.store();
    store.identity.format = 2;
    tables.write(store);
    connection.execute("DROP TABLE login; PRAGMA user_version = 2");
  }
  ASSERT_EQ(format(), "2");
  {
    const auto store = open();
    expect_all_there(*store);
    EXPECT_TRUE(store->take_login("crm", 1000).granted);
  }
  EXPECT_EQ(format(), kNow);
}

TEST_F(Migration, AUsersViewStays) {
  execute("CREATE VIEW failed AS SELECT key, code FROM rejected_row");
  static_cast<void>(open());
  EXPECT_EQ(ask("SELECT count(*) FROM failed"), "3");
}

TEST_F(Migration, ARunOfTheEarlierVersionIsLeftToEnd) {
  now_ = {"boot-1", 3'000, kMadeMs + 2'000};  // the lease of "half" runs, its lock cannot be taken
  const std::string lock = path() + ".lock";
  HolderLock holder(lock);
  ASSERT_TRUE(holder.take({2, 1, 2, 1}));
  EXPECT_THROW(static_cast<void>(open()), StoreUnavailable);
  EXPECT_EQ(format(), "1");
  holder.release({2, 1, 2, 1});
  EXPECT_NO_THROW(static_cast<void>(open())) << "it is dead";
  EXPECT_EQ(format(), kNow);
}

TEST_F(Migration, DamageIsNotCarriedAlong) {
  for (const char* sql :
       {"UPDATE rejected_row SET attempts = 9", "DELETE FROM rejected_row WHERE key = 'key-7'",
        "UPDATE sync SET object = 'Lead' WHERE id = 1", "DELETE FROM sync WHERE id = 2",
        "UPDATE sync_shard SET epoch = 1 WHERE sync_id = 1", "DELETE FROM sync_shard",
        "UPDATE store SET created_at = 1", "DROP TABLE rejected_row",
        "UPDATE rejected_row SET identity = 'x' WHERE key = 'key-7'"}) {
    bring();
    execute(sql);
    EXPECT_THROW(static_cast<void>(open()), StateLost) << sql;
    EXPECT_EQ(ask("PRAGMA user_version"), "1") << sql;
  }
}

TEST_F(Migration, AnErrorAtAnyStepLeavesTheOneOrTheOther) {
  for (const Fault fault : {Fault::io_error, Fault::torn_write, Fault::disk_full}) {
    int old = 0;
    for (int at = 1;; ++at) {
      bring();
      bool failed = false;
      int met = 0;
      {
        const ScopedFault plan({.fault = fault, .at = at, .sync = false});
        try {
          static_cast<void>(open());
        } catch (const StoreUnavailable&) {
          failed = true;
        }
        met = fault_plan().faults;
      }
      if (met == 0) break;
      const ScopedFault none({.sync = false});
      old += format() == "1" ? 1 : 0;
      expect_all_there(*open());
      EXPECT_EQ(format(), kNow);
      if (HasFailure()) FAIL() << "fault " << static_cast<int>(fault) << " at change " << at;
      EXPECT_TRUE(failed || old < at);
    }
    EXPECT_GT(old, 3);
  }
}

TEST_F(Migration, DeathAtAnyStepLeavesTheOneOrTheOther) {
  int old = 0;
  int killed = 0;
  for (int at = 1;; ++at) {
    bring();
    const pid_t child = ::fork();
    if (child == 0) {
      fault_plan() = {.fault = Fault::kill, .at = at, .sync = false};
      static_cast<void>(open());
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    const bool died = WIFSIGNALED(status);
    killed += died ? 1 : 0;
    const ScopedFault none({.sync = false});
    old += format() == "1" ? 1 : 0;
    expect_all_there(*open());
    EXPECT_EQ(format(), kNow);
    if (HasFailure()) FAIL() << "killed at change " << at;
    if (!died) break;
  }
  EXPECT_GT(killed, 10);
  EXPECT_GT(old, 3);
  EXPECT_LT(old, killed) << "there are steps after the commit";
}

TEST_F(Migration, ManyMayOpenItAtOnce) {
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      try {
        ::_exit(open()->identity().format == kSqliteFormat ? 0 : 1);
      } catch (const std::exception&) {
        ::_exit(9);
      }
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
  expect_all_there(*open());
}

}  // namespace
}  // namespace tailrace::test
