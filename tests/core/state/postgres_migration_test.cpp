// A store of an earlier format in PostgreSQL is brought to today's: whole, or not at all, wherever
// the connection or the process breaks off.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "postgres_database.hpp"
#include "postgres_proxy.hpp"
#include "state/errors.hpp"
#include "state/postgres_schema.hpp"
#include "state/postgres_tables.hpp"
#include "store_script.hpp"

namespace tailrace::test {
namespace {

using Fault = PostgresProxy::Fault;
using Tables = std::map<std::string, std::string>;

class PostgresMigration : public ::testing::TestWithParam<int> {
 protected:
  PostgresMigration() {
    const auto store = database_.open();
    id_ = store->identity().id;
    Claim claim = claim_of(*store, "first");
    Journalist journal(*store, claim, "first");
    journal.accept({intent_row(1, 1), intent_row(2, 2)}, store->now_ms());
    store->append(claim.holder, with_rejected({rejected_row(7, 60), rejected_row(8, 60)}));
    finish_with_fold(*store, claim, run_row("first"));
    claim = claim_of(*store, "second");
    Journalist(*store, claim, "second")
        .intent({{StateOp::write, 1, {}, {}, {intent_row(3, 3)}}}, 1);
    finish_plain(*store, claim, run_row("second"));
    database_.take_back_to_format(format());
    before_ = contents();
  }

  [[nodiscard]] static int format() { return GetParam(); }

  /// Every table that the format had, row by row; of the store what no format changes.
  [[nodiscard]] Tables contents() const {
    Tables all;
    for (const PostgresTable& table : postgres_tables()) {
      if (table.since > format()) continue;
      const std::string name(table.name);
      const std::string of_a_row =
          name == "store" ? "(id, hash_secret, created_at, syncs, shards)::text" : "t::text";
      all[name] = database_.sql("SELECT string_agg(" + of_a_row + ", '|' ORDER BY " + of_a_row +
                                ") FROM tailrace." + name + " t");
    }
    return all;
  }

  [[nodiscard]] std::string format_there() const {
    return database_.sql("SELECT format FROM tailrace.store");
  }

  /// All tables are of one format, and nothing that was there is lost. Says whether it is today's.
  bool is_migrated() const {
    const bool migrated = format_there() == std::to_string(kPostgresFormat);
    EXPECT_EQ(format_there(), std::to_string(migrated ? kPostgresFormat : format()));
    const auto tables = postgres_tables();
    const auto expected = std::count_if(tables.begin(), tables.end(), [&](const auto& table) {
      return migrated || table.since <= format();
    });
    EXPECT_EQ(database_.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'tailrace'"),
              std::to_string(expected));
    EXPECT_EQ(contents(), before_);
    return migrated;
  }

  /// The next opening finishes it, and a run finds what the earlier ones left.
  void expect_to_work() {
    const auto store = database_.open(false);
    EXPECT_EQ(store->identity().id, id_);
    EXPECT_EQ(store->identity().format, kPostgresFormat);
    EXPECT_TRUE(is_migrated());
    const Claim claim = claim_of(*store, "next");
    EXPECT_EQ(claim.holder.epoch, 3);
    Picture seen;
    see(*store, claim, seen);
    EXPECT_EQ(seen.acknowledged.size(), 2U);
    EXPECT_EQ(seen.in_doubt, (std::set<IdentityHash>{identity_of(3)}));
    EXPECT_EQ(store->read_rejected(claim.holder).size(), 2U);
    Commit commit;
    commit.log = {{"k", "write", "accepted", "", ""}};
    commit.fields = {{identity_of(1), "hashes"}};
    store->append(claim.holder, commit);
    store->put_shard_count(claim.holder, "", "{}");
    EXPECT_EQ(store->draw({"crm", "calls", 10, 1000, 100, 1}).granted, 1);
    EXPECT_TRUE(store->take_login("crm", 1000).granted);
    finish_plain(*store, claim, run_row("next"));
  }

  ScratchDatabase database_;
  std::string id_;
  Tables before_;
};

TEST_P(PostgresMigration, GivesTheStoreWhatItLacks) {
  ASSERT_FALSE(is_migrated());
  expect_to_work();
}

TEST_P(PostgresMigration, ALossAtAnyRoundTripLeavesTheOneOrTheOther) {
  PostgresProxy proxy;
  const auto open_through = [&] {
    return std::make_unique<PostgresStore>(proxy.url(database_), ScratchDatabase::options(false));
  };
  for (const Fault fault : {Fault::lose_request, Fault::lose_answer, Fault::kill_session}) {
    int cut_before_the_commit = 0;
    int cut_after_it = 0;
    for (int trip = 1;; ++trip) {
      SCOPED_TRACE("fault " + std::to_string(static_cast<int>(fault)) + " at " +
                   std::to_string(trip));
      database_.take_back_to_format(format());
      proxy.fail_at(trip, fault);
      bool failed = false;
      try {
        static_cast<void>(open_through());
      } catch (const StoreUnavailable&) {
        failed = true;
      }
      if (!proxy.has_failed()) break;
      EXPECT_TRUE(failed) << "an opening is not tried again within itself";
      ++(is_migrated() ? cut_after_it : cut_before_the_commit);
      EXPECT_EQ(database_.open(false)->identity().id, id_);
      ASSERT_TRUE(is_migrated()) << "the next opening goes on, or begins again";
      if (HasFailure()) return;
    }
    EXPECT_GT(cut_before_the_commit, 4);
    EXPECT_GT(cut_after_it, 0) << "there are steps after the commit";
  }
  expect_to_work();
}

/// A process that is gone with its connection, at each of its round trips.
TEST_P(PostgresMigration, DeathAtAnyRoundTripLeavesTheOneOrTheOther) {
  int old = 0;
  int died = 0;
  for (int trip = 1;; ++trip) {
    SCOPED_TRACE("at " + std::to_string(trip));
    database_.take_back_to_format(format());
    PostgresProxy proxy;
    proxy.fail_at(trip, Fault::lose_answer);
    const pid_t child = ::fork();
    if (child == 0) {
      try {
        const PostgresStore store(proxy.url(database_), ScratchDatabase::options(false));
        ::_exit(0);
      } catch (const std::exception&) {
        ::kill(::getpid(), SIGKILL);
      }
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    died += WIFSIGNALED(status) ? 1 : 0;
    old += is_migrated() ? 0 : 1;
    EXPECT_EQ(database_.open(false)->identity().format, kPostgresFormat);
    ASSERT_TRUE(is_migrated());
    if (!WIFSIGNALED(status)) break;
  }
  EXPECT_GT(old, 4);
  EXPECT_LT(old, died);
  expect_to_work();
}

TEST_P(PostgresMigration, OfManyThatOpenItAtOnceOneDoesIt) {
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      try {
        ::_exit(database_.open(false)->identity().format == kPostgresFormat ? 0 : 1);
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
  expect_to_work();
}

TEST_P(PostgresMigration, WhatItBecomesIsWhatANewStoreIs) {
  const ScratchDatabase made;
  static_cast<void>(made.open());
  static_cast<void>(database_.open(false));
  const char* shape =
      "SELECT string_agg(what, '|' ORDER BY what) FROM ("
      "SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable, is_identity) "
      "FROM information_schema.columns WHERE table_schema = 'tailrace' "
      "UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'tailrace') AS shape(what)";
  EXPECT_EQ(database_.sql(shape), made.sql(shape));
}

TEST_P(PostgresMigration, ATableThatItsFormatHadIsNotMadeAnew) {
  database_.sql("DROP TABLE tailrace.rejected_row");
  try {
    static_cast<void>(database_.open(false));
    FAIL() << "an incomplete store was taken";
  } catch (const StateLost& error) {
    EXPECT_NE(std::string(error.what()).find("rejected_row is missing"), std::string::npos)
        << error.what();
  }
  EXPECT_EQ(format_there(), std::to_string(format()));
}

/// Whatever else its format brought or took away: it is not touched.
TEST_P(PostgresMigration, ALaterFormatIsRefusedByNameOfBoth) {
  const char* tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'tailrace'";
  database_.sql("ALTER TABLE tailrace.run ADD COLUMN later integer; DROP TABLE tailrace.snapshot");
  database_.sql("UPDATE tailrace.store SET format = " + std::to_string(kPostgresFormat + 1));
  const std::string count = database_.sql(tables);
  for (const bool create : {true, false}) {
    try {
      static_cast<void>(database_.open(create));
      FAIL() << "a later format was taken";
    } catch (const StateLost& error) {
      const std::string why = error.what();
      EXPECT_NE(why.find("format " + std::to_string(kPostgresFormat + 1)), std::string::npos)
          << why;
      EXPECT_NE(why.find("up to " + std::to_string(kPostgresFormat)), std::string::npos) << why;
    }
  }
  EXPECT_EQ(database_.sql(tables), count);
  EXPECT_EQ(format_there(), std::to_string(kPostgresFormat + 1));
  database_.sql("UPDATE tailrace.store SET format = 0");
  EXPECT_THROW(static_cast<void>(database_.open(true)), StateLost);
}

INSTANTIATE_TEST_SUITE_P(From, PostgresMigration, ::testing::Range(1, kPostgresFormat),
                         [](const auto& format) {
                           return "Format" + std::to_string(format.param);
                         });

}  // namespace
}  // namespace tailrace::test
