#include "state/postgres_store.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

#include "postgres_database.hpp"
#include "state/errors.hpp"
#include "state/postgres_schema.hpp"
#include "store_contract.hpp"
#include "store_script.hpp"

namespace tailrace::test {
namespace {

INSTANTIATE_TEST_SUITE_P(Postgres, StoreContract, ::testing::Values(postgres_backend()),
                         [](const auto& kind) { return kind.param.name; });

/// What a call complains of with this kind of error; empty where it does not.
template <typename Error, typename Call>
std::string complaint(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class PostgresDatabase : public ::testing::Test {
 protected:
  PostgresDatabase() { database_.sql("CREATE ROLE " + role() + " LOGIN PASSWORD 's3cret'"); }
  ~PostgresDatabase() override {
    database_.sql("DROP OWNED BY " + role() + "; DROP ROLE " + role());
  }

  [[nodiscard]] std::string role() const { return "runner_" + database_.name(); }
  std::string refusal(bool create, const std::string& user = "postgres") {
    return complaint<StateLost>([&] { database_.open(create, user); });
  }
  std::string forbidden(const std::string& user) {
    return complaint<std::invalid_argument>([&] { database_.open(true, user); });
  }
  /// As an administrator runs it with psql.
  void run_ddl() {
    std::string ddl = postgres_state_ddl();
    for (std::size_t at = ddl.find(":\"role\""); at != std::string::npos;
         at = ddl.find(":\"role\"")) {
      ddl.replace(at, 7, role());
    }
    database_.sql(ddl);
  }
  static void run_once(StateStore& store) {
    const Claim claim = claim_of(store, "r1");
    Journalist(store, claim, "r1").accept({intent_row(1, 1), intent_row(2, 1)}, store.now_ms());
    Commit commit = with_rejected({rejected_row(3, 1)});
    commit.log = {{"k", "write", "rejected", "", ""}};
    commit.fields = {{identity_of(1), "h"}};
    store.append(claim.holder, commit);
    static_cast<void>(store.draw({"a", "r", 10, 1000, 100, 1}));
    store.put_shard_count(claim.holder, "", "{}");
    store.renew(claim.holder, kLeaseMs);
    finish_with_fold(store, claim, run_row("r1"));
  }

  ScratchDatabase database_;
};

TEST_F(PostgresDatabase, IsOpenedByItsUrl) {
  const auto store = open_store(database_.url(), true);
  std::string other = database_.url();
  other.replace(0, std::string("postgresql").size(), "postgres");
  EXPECT_EQ(open_store(other, false)->identity().id, store->identity().id);
  const std::int64_t before = store->now_ms();
  EXPECT_GE(store->now_ms(), before);
  EXPECT_GT(before, 1'700'000'000'000) << "the server's clock";
}

TEST_F(PostgresDatabase, AMissingStoreIsNotMadeUnasked) {
  EXPECT_TRUE(says(refusal(false), "has no store"));
  EXPECT_EQ(database_.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'tailrace'"), "0");
  database_.open();
  EXPECT_EQ(refusal(false), "");
}

TEST_F(PostgresDatabase, ARoleThatMayNotMakeTheSchemaLearnsWhatItTakes) {
  const std::string why = forbidden(role());
  EXPECT_TRUE(says(why, "lacks CREATE on the database")) << why;
  EXPECT_TRUE(says(why, "CREATE SCHEMA tailrace AUTHORIZATION \"" + role() + "\"")) << why;
  database_.sql("CREATE SCHEMA tailrace");
  EXPECT_TRUE(says(forbidden(role()), "GRANT USAGE ON SCHEMA tailrace TO \"" + role() + "\""));
  database_.sql("GRANT USAGE ON SCHEMA tailrace TO " + role());
  EXPECT_TRUE(says(forbidden(role()), "GRANT CREATE ON SCHEMA tailrace TO \"" + role() + "\""));
  database_.sql("GRANT CREATE ON SCHEMA tailrace TO " + role());
  run_once(*database_.open(true, role()));
}

TEST_F(PostgresDatabase, WithTheTablesMadeForItARoleNeedsNoMore) {
  run_ddl();
  EXPECT_EQ(database_.sql("SELECT has_schema_privilege('" + role() +
                          "', 'tailrace', 'CREATE') OR "
                          "has_database_privilege('" +
                          role() + "', current_database(), 'CREATE')"),
            "f");
  EXPECT_TRUE(says(refusal(false, role()), "empty")) << "no store yet, and none expected";
  const std::string id = database_.open(true, role())->identity().id;
  run_ddl();  // once more, as after an upgrade
  const auto store = database_.open(false, role());
  EXPECT_EQ(store->identity().id, id);
  run_once(*store);
  EXPECT_EQ(store->runs("", 1).size(), 1U);
}

TEST_F(PostgresDatabase, AMissingRightIsNamedWithItsGrant) {
  run_ddl();
  const auto store = database_.open(true, role());
  const Claim claim = claim_of(*store, "r1");
  database_.sql("REVOKE INSERT ON tailrace.journal FROM " + role());
  for (const std::string& why : {forbidden(role()), complaint<std::invalid_argument>([&] {
                                   Journalist(*store, claim, "r1").accept({intent_row(1, 1)}, 5);
                                 })}) {
    EXPECT_TRUE(says(why, "lacks INSERT on tailrace.journal")) << why;
    EXPECT_TRUE(says(why, "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES")) << why;
  }
  EXPECT_EQ(database_.sql("SELECT count(*) FROM tailrace.journal"), "0");
}

TEST_F(PostgresDatabase, SecretsAreNotTold) {
  const std::string directory = PostgresServer::shared().directory().string();
  const auto url = [&](const std::string& user, const std::string& database,
                       const std::string& host) {
    return "postgresql://" + user + ":s3cret@/" + database + "?host=" + host;
  };
  for (const std::string& wrong :
       {url("nobody_there", database_.name(), directory), url(role(), "none", directory),
        std::string("postgresql://runner:s3cret@[::1/db"),
        std::string("postgresql://runner:s3cret@/db?no_such_option=1"),
        std::string("postgre://runner:s3cret@/db")}) {
    const std::string why =
        complaint<std::invalid_argument>([&] { static_cast<void>(open_store(wrong, false)); });
    EXPECT_NE(why, "") << wrong;
    EXPECT_FALSE(says(why, "s3cret")) << why;
  }
  const std::string why = complaint<StoreUnavailable>(
      [&] { const PostgresStore store(url(role(), database_.name(), "/nowhere"), {}); });
  EXPECT_TRUE(says(why, "could not be reached")) << why;
  EXPECT_FALSE(says(why, "s3cret")) << why;
}

TEST_F(PostgresDatabase, AnotherEncodingIsRefused) {
  database_.sql("CREATE DATABASE latin_" + database_.name() +
                " ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
  const std::string url = PostgresServer::shared().url("latin_" + database_.name());
  const std::string why =
      complaint<std::invalid_argument>([&] { static_cast<void>(open_store(url, true)); });
  EXPECT_TRUE(says(why, "LATIN1")) << why;
  database_.sql("DROP DATABASE latin_" + database_.name());
}

TEST_F(PostgresDatabase, AMigrationThatIsNotAllowedChangesNothing) {
  run_ddl();
  database_.open(true, role());
  database_.take_back_to_format(1);
  EXPECT_TRUE(says(forbidden(role()), "GRANT CREATE ON SCHEMA"));
  EXPECT_EQ(database_.sql("SELECT format FROM tailrace.store"), "1");
  run_ddl();
  run_once(*database_.open(false, role()));
  EXPECT_EQ(database_.sql("SELECT format FROM tailrace.store"), std::to_string(kPostgresFormat));
}

TEST_F(PostgresDatabase, ChangedOrMissingTablesAreRefused) {
  const auto store = database_.open();
  const Claim claim = claim_of(*store, "r1");
  database_.sql("ALTER TABLE tailrace.snapshot ADD COLUMN extra integer");
  EXPECT_TRUE(says(refusal(true), "table tailrace.snapshot is not what it was made as"));
  database_.sql("ALTER TABLE tailrace.snapshot DROP COLUMN extra");
  EXPECT_EQ(refusal(true), "");
  database_.sql("DROP TABLE tailrace.journal");
  EXPECT_TRUE(says(refusal(true), "table tailrace.journal is missing"));
  EXPECT_THROW(Journalist(*store, claim, "r1").intent({}, 1), StateLost);
  database_.sql("DROP SCHEMA tailrace CASCADE");
  EXPECT_THROW(store->renew(claim.holder, kLeaseMs), StateLost);
  EXPECT_TRUE(says(refusal(false), "has no store"));
}

TEST_F(PostgresDatabase, AnotherStoreInItsPlaceIsNoticed) {
  const auto store = database_.open();
  const Claim claim = claim_of(*store, "r1");
  database_.sql("DROP SCHEMA tailrace CASCADE");
  database_.open();
  database_.sql(
      "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
      "WHERE datname = current_database() AND pid <> pg_backend_pid()");
  EXPECT_TRUE(
      says(complaint<StateLost>([&] { store->renew(claim.holder, kLeaseMs); }), "another store"));
}

TEST_F(PostgresDatabase, AUsersOwnObjectsAreNoReasonToRefuse) {
  database_.open();
  database_.sql(
      "CREATE VIEW tailrace.failed AS SELECT * FROM tailrace.run WHERE status <> 'done';"
      "CREATE TABLE tailrace.mine (a integer);"
      "CREATE INDEX by_code ON tailrace.rejected_row (code)");
  EXPECT_EQ(refusal(false), "");
}

TEST_F(PostgresDatabase, RowsThatVanishAreMissed) {
  const auto store = database_.open();
  Claim claim = claim_of(*store, "r1");
  Journalist(*store, claim, "r1").accept({intent_row(1, 1)}, store->now_ms());
  finish_with_fold(*store, claim, run_row("r1"));
  claim = claim_of(*store, "r2");
  Journalist(*store, claim, "r2").accept({intent_row(2, 1)}, store->now_ms());
  store->append(claim.holder, with_rejected({rejected_row(5, 5)}));
  const auto load = [&] { static_cast<void>(load_state(*store, claim, kQuietMs)); };
  const auto next = [&] { static_cast<void>(database_.open(true)->peek(kAccounts)); };
  ASSERT_NO_THROW(load());
  ASSERT_NO_THROW(next());
  struct Damage {
    const char* table;
    const char* sql;
    bool found_by_the_run;
  };
  for (const Damage& damage :
       {Damage{"snapshot", "TRUNCATE tailrace.snapshot", true},
        Damage{"snapshot", "UPDATE tailrace.snapshot SET bucket = bucket + 1", true},
        Damage{"snapshot", "UPDATE tailrace.snapshot SET entries = set_byte(entries, 9, 0)", true},
        Damage{"journal", "TRUNCATE tailrace.journal", true},
        Damage{"journal", "DELETE FROM tailrace.journal WHERE seq = 3", true},
        Damage{"journal", "DELETE FROM tailrace.journal WHERE seq = 4", true},
        Damage{"journal", "UPDATE tailrace.journal SET send_by = send_by + 1", true},
        Damage{"rejected_row", "DELETE FROM tailrace.rejected_row", true},
        Damage{"rejected_row", "UPDATE tailrace.rejected_row SET hold = 'released'", true},
        Damage{"sync_shard", "UPDATE tailrace.sync_shard SET last_seq = last_seq - 1", true},
        Damage{"sync_shard", "UPDATE tailrace.sync_shard SET epoch = epoch - 1", true},
        Damage{"sync_shard", "TRUNCATE tailrace.sync_shard", true},
        Damage{"sync", "TRUNCATE tailrace.sync", false},
        Damage{"sync", "UPDATE tailrace.sync SET account = 'x'", false},
        Damage{"store", "TRUNCATE tailrace.store", false},
        Damage{"store", "UPDATE tailrace.store SET id = 'x'", false}}) {
    const std::string table = std::string("tailrace.") + damage.table;
    database_.sql("CREATE TABLE keep AS TABLE " + table);
    database_.sql(damage.sql);
    if (damage.found_by_the_run) {
      EXPECT_THROW(load(), StateLost) << damage.sql;
    } else {
      EXPECT_THROW(next(), StateLost) << damage.sql;
    }
    database_.sql("TRUNCATE " + table + "; INSERT INTO " + table + " TABLE keep; DROP TABLE keep");
    ASSERT_NO_THROW(load()) << damage.sql;
    ASSERT_NO_THROW(next()) << damage.sql;
  }
}

TEST_F(PostgresDatabase, AnAppendToAChangedRowOfTheShardIsRefused) {
  const auto store = database_.open();
  const Claim claim = claim_of(*store, "r1");
  Journalist journal(*store, claim, "r1");
  journal.intent({}, 1);
  database_.sql("UPDATE tailrace.sync_shard SET last_seq = 0");
  EXPECT_THROW(journal.intent({}, 1), StateLost);
  EXPECT_EQ(database_.sql("SELECT count(*) FROM tailrace.journal"), "1");
}

TEST_F(PostgresDatabase, CommitsThatTheServerForgotAreMissed) {
  const auto store = database_.open();
  const Claim claim = claim_of(*store, "r1");
  Journalist journal(*store, claim, "r1");
  journal.intent({}, 1);
  database_.sql("CREATE TABLE keep AS TABLE tailrace.sync_shard");
  journal.intent({}, 1);
  database_.sql(
      "TRUNCATE tailrace.sync_shard; INSERT INTO tailrace.sync_shard TABLE keep;"
      "DELETE FROM tailrace.journal WHERE seq = 2;"
      "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
      "WHERE datname = current_database() AND pid <> pg_backend_pid()");
  EXPECT_TRUE(says(complaint<StateLost>([&] { journal.intent({}, 1); }), "lost commits"));
}

TEST_F(PostgresDatabase, TheRolesOwnSettingsCountForNothing) {
  database_.sql("ALTER DATABASE " + database_.name() +
                " SET synchronous_commit = off;"
                "ALTER DATABASE " +
                database_.name() +
                " SET search_path = public, pg_catalog;"
                "ALTER DATABASE " +
                database_.name() +
                " SET default_transaction_read_only = on;"
                "ALTER DATABASE " +
                database_.name() + " SET bytea_output = 'escape'");
  database_.open();
  database_.sql(
      "CREATE TABLE test_clock.seen (settings text);"
      "CREATE FUNCTION test_clock.look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
      "INSERT INTO test_clock.seen VALUES (current_setting('synchronous_commit') || ' ' "
      "|| current_setting('search_path') || ' ' || current_setting('lock_timeout')); "
      "RETURN NULL; END $$;"
      "CREATE TRIGGER look AFTER INSERT ON tailrace.journal FOR EACH STATEMENT "
      "EXECUTE FUNCTION test_clock.look()");
  run_once(*database_.open());
  EXPECT_EQ(database_.sql("SELECT DISTINCT settings FROM test_clock.seen"),
            "on pg_catalog, pg_temp 10s");
}

TEST_F(PostgresDatabase, UserTablesReadAsDocumented) {
  const auto store = database_.open();
  const Claim claim = claim_of(*store, "r1");
  RejectedRow row = rejected_row(2, 1'790'000'000'123);
  row.key = "caf\xC3\xA9";
  Commit commit = with_rejected({row});
  commit.log = {{"k1", "write", "rejected", "TOO_LONG", "m"}};
  store->append(claim.holder, commit);
  Finish finish;
  finish.run = run_row("r1", 1'790'000'000'000);
  finish.run.status = "rejected";
  finish.run.ended_at_ms = 1'790'000'001'500;
  finish.run.counts = R"({"scanned": 3})";
  finish.run.report = R"({"note": "\u0000"})";
  store->finish(claim.holder, finish);
  EXPECT_EQ(
      database_.sql("SELECT id || ' ' || sync || ' ' || status || ' ' || "
                    "(counts->>'scanned') || ' ' || extract(epoch FROM ended_at - started_at) "
                    "FROM tailrace.run"),
      "r1 accounts rejected 3 1.500000");
  EXPECT_EQ(database_.sql("SELECT key || ' ' || code || ' ' || hold || ' ' || attempts || ' ' || "
                          "extract(epoch FROM first_at) FROM tailrace.rejected_row"),
            "caf\xC3\xA9 INVALID_EMAIL parked 1 1790000000.123000");
  EXPECT_EQ(database_.sql("SELECT run_id || ' ' || sync || ' ' || key || ' ' || op || ' ' || "
                          "status || ' ' || code || ' ' || message || ' ' || "
                          "(at = test_clock.now()) FROM tailrace.row_log"),
            "r1 accounts k1 write rejected TOO_LONG m true");
  EXPECT_EQ(store->runs("", 1).at(0).report, finish.run.report);
}

TEST_F(PostgresDatabase, KeepsTheLastThousandRuns) {
  const auto store = database_.open();
  finish_plain(*store, claim_of(*store, "r1"), run_row("r1"));
  database_.sql(
      "INSERT INTO tailrace.run (id, sync_id, sync, shard, of, epoch, status) "
      "SELECT 'old' || i, 1, 'accounts', 0, 1, -i, 'done' "
      "FROM generate_series(1, 1200) AS i");
  const Claim claim = claim_of(*store, "r2");
  finish_plain(*store, claim, run_row("r2"));
  EXPECT_EQ(store->runs("accounts", 5000).size(), 1000U);
  EXPECT_EQ(store->runs("", 1).at(0).run_id, "r2");
}

TEST_F(PostgresDatabase, TimeNeverGoesBackThoughTheServersDoes) {
  auto store = database_.open();
  const Claim claim = claim_of(*store, "r1");
  database_.advance(50'000);
  store->renew(claim.holder, kLeaseMs);
  const std::int64_t latest = store->now_ms();
  database_.advance(-3'600'000);
  EXPECT_EQ(store->now_ms(), latest);
  store.reset();
  EXPECT_EQ(database_.open()->now_ms(), latest) << "kept in the store";
}

TEST_F(PostgresDatabase, AClaimThatWouldHaveToWaitIsBusy) {
  const auto store = database_.open();
  finish_plain(*store, claim_of(*store, "r1"), run_row("r1"));
  PostgresLink link{PostgresAddress(database_.url())};
  PostgresTransaction transaction(link, PostgresTransaction::Kind::writing);
  ASSERT_TRUE(PostgresCatalogue(transaction).sync(kAccounts, true));
  const auto started = std::chrono::steady_clock::now();
  EXPECT_FALSE(store->claim(kAccounts, run_row("r2"), kLeaseMs));
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(2));
  transaction.commit();
  EXPECT_TRUE(store->claim(kAccounts, run_row("r3"), kLeaseMs));
}

TEST(PostgresText, AnyBytesComeBackAndPlainTextStaysPlain) {
  const std::string plain = "caf\xC3\xA9 \\ '\x1F \xF0\x9F\x98\x80";
  EXPECT_EQ(to_postgres_text(plain), plain);
  for (const std::string& bytes :
       {std::string("a\0b\xFF", 4), std::string("\x1A"), std::string("\xC0\x80\xED\xA0\x80"),
        std::string("\xE2\x82"), std::string("\xF5\x80\x80\x80\xC3")}) {
    const std::string text = to_postgres_text(bytes);
    EXPECT_EQ(from_postgres_text(text), bytes);
    EXPECT_EQ(text.find('\0'), std::string::npos);
  }
  EXPECT_EQ(to_postgres_text(std::string("a\0b", 3)),
            "a\x1A"
            "00b");
  for (const char* wrong : {"\x1A",
                            "\x1A"
                            "0",
                            "\x1A"
                            "zz"}) {
    EXPECT_THROW(static_cast<void>(from_postgres_text(wrong)), StateLost);
  }
}

}  // namespace
}  // namespace tailrace::test
