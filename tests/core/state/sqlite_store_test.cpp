#include "state/sqlite_store.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "journal_script.hpp"
#include "state/errors.hpp"
#include "state/protocol.hpp"
#include "state/sqlite.hpp"
#include "state/sqlite_runs.hpp"
#include "state/sqlite_schema.hpp"
#include "store_contract.hpp"

namespace tailrace::test {
namespace {

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreContract, ::testing::Values(sqlite_backend()),
                         [](const auto& kind) { return kind.param.name; });

class SqliteFile : public ::testing::Test {
 protected:
  [[nodiscard]] std::string path() const { return directory_.path() + "/state.db"; }
  [[nodiscard]] std::string url() const { return "sqlite:///" + path(); }

  std::unique_ptr<SqliteStore> open(bool create = true) {
    SqliteOptions options;
    options.create = create;
    options.clock = [this] { return now_; };
    return std::make_unique<SqliteStore>(path(), options);
  }

  /// Why the store is refused; empty where it is not.
  std::string refusal() {
    try {
      static_cast<void>(open(false));
    } catch (const StateLost& error) {
      return error.what();
    }
    return {};
  }

  void execute(const std::string& sql) { SqliteConnection(path(), "", 1000).execute(sql); }

  static mode_t mode_of(const std::string& file) {
    struct stat found{};
    EXPECT_EQ(::lstat(file.c_str(), &found), 0) << file;
    return found.st_mode & 0777;
  }

  ScratchDirectory directory_;
  ClockReading now_{"boot-1", 1'000, 1'790'000'000'000};
};

TEST_F(SqliteFile, IsMadeForItsOwnerOnly) {
  const std::string inner = directory_.path() + "/.tailrace";
  const mode_t before = ::umask(0);
  const auto store = open_store("sqlite:///" + inner + "/state.db", true);
  static_cast<void>(store->claim(kAccounts, run_row("r1"), kLeaseMs));
  ::umask(before);
  EXPECT_EQ(mode_of(inner), 0700U);
  for (const char* suffix : {"", "-wal", "-shm", ".lock"}) {
    EXPECT_EQ(mode_of(inner + "/state.db" + suffix), 0600U) << suffix;
  }
  std::size_t files = 0;
  for (const auto& file : std::filesystem::directory_iterator(inner)) {
    ++files;
    EXPECT_EQ(file.path().string().find(".new-"), std::string::npos) << file.path();
  }
  EXPECT_EQ(files, 4U);
}

TEST_F(SqliteFile, APathMayBeRelativeToTheDirectory) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(directory_.path());
  const std::string id = open_store("sqlite:///.tailrace/state.db", true)->identity().id;
  std::filesystem::current_path(before);
  const std::string absolute = "sqlite:///" + directory_.path() + "/.tailrace/state.db";
  EXPECT_EQ(open_store(absolute, false)->identity().id, id);
}

TEST_F(SqliteFile, ALinkInPlaceOfTheFileIsNotFollowed) {
  open();
  const std::string link = directory_.path() + "/link.db";
  std::filesystem::create_symlink(path(), link);
  for (const bool create : {false, true}) {
    EXPECT_THROW(static_cast<void>(open_store("sqlite:///" + link, create)), StateLost);
  }
  const std::string dangling = directory_.path() + "/dangling.db";
  std::filesystem::create_symlink(directory_.path() + "/nowhere", dangling);
  EXPECT_THROW(static_cast<void>(open_store("sqlite:///" + dangling, true)), StateLost);
  EXPECT_FALSE(std::filesystem::exists(directory_.path() + "/nowhere"));
}

TEST_F(SqliteFile, ALinkedDirectoryIsFine) {
  const std::string real = directory_.path() + "/real";
  const std::string link = directory_.path() + "/linked";
  std::filesystem::create_directory(real);
  std::filesystem::create_directory_symlink(real, link);
  const auto store = open_store("sqlite:///" + link + "/state.db", true);
  EXPECT_EQ(open_store("sqlite:///" + real + "/state.db", false)->identity().id,
            store->identity().id);
}

TEST_F(SqliteFile, AMissingStoreIsNotMadeUnasked) {
  EXPECT_NE(refusal().find("no such file"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(SqliteFile, AnEmptyFileIsNeverTakenForANewStore) {
  std::ofstream(path()).close();
  EXPECT_NE(refusal().find("empty"), std::string::npos);
  EXPECT_THROW(open(true), StateLost);
  EXPECT_EQ(std::filesystem::file_size(path()), 0U);
}

TEST_F(SqliteFile, SomethingElseIsRefused) {
  std::ofstream(path()) << std::string(8192, 'x');
  EXPECT_NE(refusal().find("not a state store"), std::string::npos);
  std::filesystem::remove(path());
  std::filesystem::create_directory(path());
  EXPECT_NE(refusal(), "");
  std::filesystem::remove(path());
  std::ofstream(path()).close();
  execute("PRAGMA journal_mode = WAL; CREATE TABLE store (id TEXT)");
  EXPECT_NE(refusal().find("not a state store"), std::string::npos) << "a database, but not ours";
}

TEST_F(SqliteFile, ALaterFormatIsRefusedByNameOfBoth) {
  open();
  execute("PRAGMA user_version = " + std::to_string(kSqliteFormat + 1));
  const std::string why = refusal();
  EXPECT_NE(why.find("format " + std::to_string(kSqliteFormat + 1)), std::string::npos) << why;
  EXPECT_NE(why.find("up to " + std::to_string(kSqliteFormat)), std::string::npos) << why;
  execute("PRAGMA user_version = 0");
  EXPECT_NE(refusal(), "");
}

TEST_F(SqliteFile, ChangedTablesAreRefused) {
  open();
  execute("ALTER TABLE journal ADD COLUMN extra INTEGER");
  EXPECT_NE(refusal().find("table journal"), std::string::npos);
  std::filesystem::remove(path());
  open();
  execute("DROP TABLE rejected_row");
  EXPECT_NE(refusal().find("rejected_row is missing"), std::string::npos);
}

TEST_F(SqliteFile, AUsersOwnViewIsNoReasonToRefuse) {
  open();
  execute("CREATE VIEW failed AS SELECT * FROM run WHERE status <> 'done'");
  EXPECT_EQ(refusal(), "");
}

TEST_F(SqliteFile, RowsThatVanishAreMissed) {
  struct Loss {
    const char* sql;
    const char* what;
  };
  for (const Loss& loss :
       {Loss{"DELETE FROM sync_shard", "sync_shard"}, Loss{"DELETE FROM sync", "table sync "},
        Loss{"DELETE FROM store", "table store"}, Loss{"DELETE FROM clock", "clock"},
        Loss{"UPDATE sync_shard SET epoch = epoch - 1", "sync_shard"},
        Loss{"UPDATE store SET id = 'x'", "table store"}}) {
    std::filesystem::remove(path());
    open()->claim(kAccounts, run_row("r1"), kLeaseMs);
    execute(loss.sql);
    const std::string why = refusal();
    EXPECT_NE(why.find(loss.what), std::string::npos) << loss.sql << ": " << why;
  }
  for (const char* sql :
       {"DELETE FROM snapshot WHERE bucket = 0", "DELETE FROM journal WHERE seq = 3",
        "DELETE FROM journal WHERE seq = 4", "DELETE FROM rejected_row",
        "UPDATE rejected_row SET version = '0000000000000001'", "UPDATE journal SET send_by = 1"}) {
    std::filesystem::remove(path());
    const auto store = open();
    Claim claim = *store->claim(kAccounts, run_row("r1"), kLeaseMs);
    Journalist(*store, claim, "r1").accept({intent_row(1, 1)}, store->now_ms());
    finish_with_fold(*store, claim, run_row("r1"));
    claim = *store->claim(kAccounts, run_row("r2"), kLeaseMs);
    Journalist(*store, claim, "r2").accept({intent_row(2, 1)}, store->now_ms());
    Commit commit;
    commit.rejected.emplace_back().key = "k";
    store->append(claim.holder, commit);
    static_cast<void>(load_state(*store, claim, kQuietMs));
    execute(sql);
    EXPECT_THROW(static_cast<void>(load_state(*store, claim, kQuietMs)), StateLost) << sql;
  }
}

TEST_F(SqliteFile, NotesThatWereChangedAreFound) {
  const auto store = open();
  const Claim claim = *store->claim(kAccounts, run_row("r1"), kLeaseMs);
  const RateAsk ask{"crm:acme", "calls", 10, 10'000, 200, 1};
  const IdentityHash identity{1, 2};
  const auto read = [&] {
    static_cast<void>(store->draw(ask));
    static_cast<void>(store->shard_counts(claim.holder, "monday"));
    static_cast<void>(store->read_fields(claim.holder, {&identity, 1}));
  };
  for (const char* sql :
       {"UPDATE rate_budget SET used = 0", "UPDATE rate_budget SET slot = slot + 1",
        "UPDATE shard_count SET counts = '[]'", "UPDATE field_hashes SET hashes = x'00'"}) {
    store->put_shard_count(claim.holder, "monday", "{}");
    Commit commit;
    commit.fields = {{identity, "hashes"}};
    store->append(claim.holder, commit);
    read();
    execute(sql);
    EXPECT_THROW(read(), StateLost) << sql;
    execute("DELETE FROM rate_budget");
  }
}

TEST_F(SqliteFile, AKeptLoginThatWasChangedIsFound) {
  const auto store = open();
  for (const char* sql : {"UPDATE login SET sealed = x'00'", "UPDATE login SET number = 7",
                          "UPDATE login SET lease_until = 5"}) {
    const LoginLease lease = store->take_login("crm", 1000);
    ASSERT_TRUE(store->end_login("crm", lease.number, "sealed"));
    execute(sql);
    EXPECT_THROW(static_cast<void>(store->take_login("crm", 1000)), StateLost) << sql;
    EXPECT_THROW(static_cast<void>(store->logins()), StateLost) << sql;
    execute("DELETE FROM login");
  }
}

TEST_F(SqliteFile, AStoreTakenAwayDuringARunIsNoticed) {
  const auto store = open();
  const Claim claim = *store->claim(kAccounts, run_row("r1"), kLeaseMs);
  std::filesystem::rename(path(), path() + ".old");
  EXPECT_THROW(store->renew(claim.holder, kLeaseMs), StateLost);
  EXPECT_THROW(static_cast<void>(store->claim(kAccounts, run_row("r2"), kLeaseMs)), StateLost);
}

TEST_F(SqliteFile, UserTablesReadAsDocumented) {
  const auto store = open();
  const Claim claim = *store->claim(kAccounts, run_row("r1", 40), kLeaseMs);
  Commit commit;
  RejectedRow& row = commit.rejected.emplace_back();
  row.identity = {1, 2};
  row.key = "a-17";
  row.version = 0xABC;
  row.code = "TOO_LONG";
  row.first_at_ms = row.last_at_ms = 5;
  store->append(claim.holder, commit);
  SqliteConnection connection(path(), "", 1000);
  EXPECT_EQ(
      connection.ask("SELECT id || ' ' || sync || ' ' || status || ' ' || started_at FROM run"),
      "r1 accounts running 40");
  EXPECT_EQ(connection.ask("SELECT key || ' ' || code || ' ' || attempts || ' ' || first_at || ' ' "
                           "|| identity || ' ' || version FROM rejected_row"),
            "a-17 TOO_LONG 1 5 00000000000000010000000000000002 0000000000000abc");
  EXPECT_EQ(connection.ask("PRAGMA journal_mode"), "wal");
}

TEST_F(SqliteFile, KeepsTheLastThousandRuns) {
  open();
  SqliteConnection connection(path(), "", 1000);
  SqliteTransaction transaction(connection);
  SqliteRuns runs(connection);
  for (std::int64_t i = 0; i < 1100; ++i) {
    runs.start({1, 0, 1, i}, run_row("r" + std::to_string(i)));
    runs.start({2, 0, 1, i}, run_row("other" + std::to_string(i)));
    runs.keep(1, kRunsKept);
  }
  EXPECT_EQ(connection.ask("SELECT count(*) FROM run WHERE sync_id = 1"), "1000");
  EXPECT_EQ(connection.ask("SELECT min(epoch) FROM run WHERE sync_id = 1"), "100");
  EXPECT_EQ(connection.ask("SELECT count(*) FROM run WHERE sync_id = 2"), "1100");
}

TEST_F(SqliteFile, AWallClockThatJumpsMovesNothing) {
  const auto store = open();
  const std::int64_t before = store->now_ms();
  now_.wall_ms -= 86'400'000;
  now_.boot_ms += 5;
  EXPECT_EQ(store->now_ms(), before + 5);
  now_.wall_ms += 10 * 86'400'000LL;
  EXPECT_EQ(store->now_ms(), before + 5);
  EXPECT_EQ(open()->now_ms(), before + 5) << "another process of the same start agrees";
}

TEST_F(SqliteFile, AcrossARestartTimeNeverGoesBack) {
  std::int64_t latest = 0;
  {
    const auto store = open();
    const Claim claim = *store->claim(kAccounts, run_row("r1"), kLeaseMs);
    now_.boot_ms += 50'000;
    store->renew(claim.holder, kLeaseMs);
    latest = store->now_ms();
  }
  now_ = {"boot-2", 7, latest - 3'600'000};
  const auto behind = open();
  EXPECT_EQ(behind->now_ms(), latest);
  now_.boot_ms += 10;
  EXPECT_EQ(behind->now_ms(), latest + 10);
  EXPECT_FALSE(behind->claim(kAccounts, run_row("r2"), kLeaseMs))
      << "another machine's lock cannot be asked for, so the lease counts";
  now_ = {"boot-3", 3, latest + 3'600'000};
  const auto ahead = open();
  EXPECT_EQ(ahead->now_ms(), latest + 3'600'000);
  EXPECT_TRUE(ahead->claim(kAccounts, run_row("r3"), kLeaseMs));
}

TEST_F(SqliteFile, AHolderInAnotherProcessIsSeenAliveAndDead) {
  open();
  int ready[2];
  int end[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(end), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(end[1]);
    const auto store = open();
    const bool claimed = store->claim(kAccounts, run_row("child"), kLeaseMs).has_value();
    const char answer = claimed ? 'y' : 'n';
    if (::write(ready[1], &answer, 1) != 1) ::_exit(2);
    char ignored = 0;
    const ssize_t ended = ::read(end[0], &ignored, 1);
    ::_exit(ended == 0 ? 0 : 3);  // dies with the lease in its hands
  }
  char answer = 0;
  ASSERT_EQ(::read(ready[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  const auto store = open();
  EXPECT_FALSE(store->claim(kAccounts, run_row("r1"), kLeaseMs));
  ::close(end[1]);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  const std::optional<Claim> claim = store->claim(kAccounts, run_row("r2"), kLeaseMs);
  ASSERT_TRUE(claim);
  EXPECT_EQ(claim->holder.epoch, 2);
  for (const int file : {ready[0], ready[1], end[0]}) ::close(file);
}

TEST_F(SqliteFile, AForkedChildLeavesTheParentsStoreAlone) {
  auto store = open();
  const Claim claim = *store->claim(kAccounts, run_row("r1"), kLeaseMs);
  const pid_t child = ::fork();
  if (child == 0) {
    int code = 0;
    try {
      store->renew(claim.holder, kLeaseMs);
      code = 1;
    } catch (const std::logic_error&) {}
    store.reset();
    ::_exit(code);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0) << "used across fork() without an error";
  EXPECT_FALSE(open()->claim(kAccounts, run_row("r2"), kLeaseMs)) << "the lock is still held";
  Journalist(*store, claim, "r1").accept({intent_row(1, 1)}, store->now_ms());
  finish_plain(*store, claim, run_row("r1"));
}

TEST_F(SqliteFile, ManyMayMakeOneStoreAtOnce) {
  std::vector<pid_t> children;
  for (int i = 0; i < 6; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      try {
        const auto store = open();
        ::_exit(store->claim(kAccounts, run_row(std::to_string(::getpid())), kLeaseMs) ? 0 : 1);
      } catch (const std::exception&) {
        ::_exit(9);
      }
    }
    children.push_back(child);
  }
  int claimed = 0;
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_LE(WEXITSTATUS(status), 1);
    claimed += WEXITSTATUS(status) == 0 ? 1 : 0;
  }
  EXPECT_GE(claimed, 1);
  const auto store = open(false);
  EXPECT_EQ(store->claim(kAccounts, run_row("last"), kLeaseMs)->holder.epoch, claimed + 1)
      << "each that got it had an epoch of its own";
}

}  // namespace
}  // namespace tailrace::test
