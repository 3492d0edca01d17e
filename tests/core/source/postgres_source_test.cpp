#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "source/postgres_source.hpp"
#include "source/reading.hpp"
#include "support/postgres_server.hpp"

namespace tailrace::test {
namespace {

using Seconds = std::chrono::duration<double>;

PostgresSource source_of(const std::string& select, PostgresSource::Options options = {}) {
  return {PostgresServer::shared().dsn(), select, std::move(options)};
}

struct Failure {
  bool configuration = false;
  std::string code;
  std::string message;
};

Failure failure_of(PostgresSource& source) {
  const auto error = source_error_of([&] { static_cast<void>(rows_of(source)); });
  if (!error) {
    ADD_FAILURE() << "nothing was thrown";
    return {};
  }
  return {error->configuration, error->code, error->what()};
}

Failure failure_of(const std::string& select) {
  PostgresSource source = source_of(select);
  return failure_of(source);
}

Seconds seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::steady_clock::now() - begin;
}

/// Sessions of ours that the server is still working for.
bool server_is_idle() {
  return run_sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tailrace'") ==
         "0";
}

TEST(PostgresSource, ReadsAllRowsInChunksOfBoundedSize) {
  PostgresSource source = source_of("SELECT g, repeat('x', 90) FROM generate_series(1, 20000) g");
  static_cast<void>(source.open());
  Chunk chunk;
  std::size_t rows = 0;
  std::size_t chunks = 0;
  while (source.next(chunk)) {
    ++chunks;
    for (std::size_t i = 0; i < chunk.rows(); ++i) {
      ++rows;
      ASSERT_EQ(chunk.line(i), std::to_string(rows) + "\t" + std::string(90, 'x'));
    }
    EXPECT_LT(chunk.bytes().size(), Chunk::kTargetBytes + 200);
  }
  EXPECT_EQ(rows, 20'000U);
  EXPECT_GT(chunks, 5U);
  EXPECT_FALSE(source.next(chunk)) << "the end stays the end";
}

TEST(PostgresSource, AnEmptyModelStillTellsItsColumns) {
  PostgresSource source = source_of("SELECT 1::int8 AS id, 'x' AS name WHERE false");
  const auto columns = source.open();
  ASSERT_EQ(columns.size(), 2U);
  EXPECT_EQ(columns[0].name, "id");
  EXPECT_EQ(columns[1].name, "name");
  EXPECT_TRUE(rest_of(source).empty());
}

TEST(PostgresSource, DescribesWithoutReading) {
  PostgresSource source = source_of(
      "SELECT 1 / (g - g) AS never, now() AS at "
      "FROM generate_series(1, 1) AS g");
  const auto columns = source.describe();
  ASSERT_EQ(columns.size(), 2U);
  EXPECT_EQ(columns[0].type, Type::integer);
  EXPECT_EQ(columns[1].type, Type::timestamptz);
  EXPECT_TRUE(becomes_true(server_is_idle));
}

TEST(PostgresSource, ReadsOneSnapshot) {
  run_sql("CREATE TABLE moving (id int); INSERT INTO moving VALUES (1)");
  PostgresSource source = source_of(
      "SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')");
  EXPECT_EQ(rows_of(source), std::vector<std::string>{"repeatable read\ton"});
}

TEST(PostgresSource, CommentsInTheSelectAndBeforeItDoNoHarm) {
  PostgresSource source = source_of(
      "SELECT query FROM pg_stat_activity WHERE pid = "
      "pg_backend_pid() -- the end",
      {"tailrace", "tailrace sync=a*/; DROP TABLE x; /*\nb"});
  const auto lines = rows_of(source);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("/* tailrace sync=a/; DROP TABLE x; /b */ SELECT"), std::string::npos)
      << lines[0];
}

TEST(PostgresSource, TheDsnsApplicationNameWinsOverOurs) {
  const std::string select =
      "SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()";
  PostgresSource ours = source_of(select);
  EXPECT_EQ(rows_of(ours), std::vector<std::string>{"tailrace"});
  PostgresSource theirs(PostgresServer::shared().dsn() + " application_name=mine", select, {});
  EXPECT_EQ(rows_of(theirs), std::vector<std::string>{"mine"});
}

TEST(PostgresSource, WrongQueriesAreConfiguration) {
  struct Case {
    const char* select;
    const char* code;
  };
  run_sql("CREATE TABLE victim (id int); INSERT INTO victim VALUES (1)");
  run_sql(
      "CREATE FUNCTION sneaky() RETURNS int LANGUAGE sql AS "
      "'DELETE FROM victim RETURNING id'");
  for (const Case& wrong : std::vector<Case>{
           {"SELECT * FROM nowhere", "42P01"},
           {"SELECT nothing FROM victim", "42703"},
           {"SELECT FROM victim", "42601"},
           {"SELEC 1", "42601"},
           {"SELECT 1;", "42601"},
           {"", "42601"},
           {"SELECT $1::int", "08P01"},
           {"SELECT 1/0", "22012"},
           {"SELECT 'x'::int", "22P02"},
           {"SELECT (SELECT g FROM generate_series(1,2) g)", "21000"},
           {"SELECT nextval('pg_catalog.nope')", "42P01"},
           // stacked statements, and ways out of the parentheses
           {"SELECT 1; DROP TABLE victim", "42601"},
           {"SELECT 1) TO STDOUT; DROP TABLE victim; --", "42601"},
           {"SELECT 1) AS a; COMMIT; DROP TABLE victim; --", "42601"},
           {"SELECT 1) AS a, (SELECT 2", "42601"},
           // statements that are no query, or write
           {"COPY victim TO PROGRAM 'true'", "42601"},
           {"SET ROLE postgres", "42601"},
           {"DROP TABLE victim", "42601"},
           {"DELETE FROM victim RETURNING id", "42601"},
           {"SELECT * INTO stolen FROM victim", "42601"},
           {"SELECT sneaky()", "25006"},
           {"SELECT * FROM victim FOR UPDATE", "25006"},
           {"SELECT set_config('transaction_read_only', 'off', true)", "25001"},
       }) {
    const Failure failure = failure_of(wrong.select);
    EXPECT_TRUE(failure.configuration) << wrong.select << ": " << failure.message;
    EXPECT_EQ(failure.code, wrong.code) << wrong.select << ": " << failure.message;
    EXPECT_EQ(failure.message.rfind("source: ", 0), 0U) << failure.message;
  }
  EXPECT_EQ(run_sql("SELECT count(*) FROM victim"), "1");
}

TEST(PostgresSource, MissingRightsAreConfiguration) {
  run_sql("CREATE ROLE reader LOGIN; CREATE TABLE secret_table (id int)");
  PostgresSource source(PostgresServer::shared().dsn("reader"), "SELECT * FROM secret_table", {});
  const Failure failure = failure_of(source);
  EXPECT_TRUE(failure.configuration);
  EXPECT_EQ(failure.code, "42501");
}

TEST(PostgresSource, AWrongLoginOrDatabaseIsConfiguration) {
  run_sql("CREATE ROLE guarded LOGIN PASSWORD 'right-canary'");
  const std::string base = PostgresServer::shared().dsn("guarded");
  struct Case {
    std::string dsn;
    const char* code;
  };
  for (const Case& wrong : std::vector<Case>{
           {base + " password=wrong-canary", "28P01"},
           {base, "28P01"},
           {PostgresServer::shared().dsn("nobody"), "28000"},
           {PostgresServer::shared().dsn() + " dbname=nowhere", "3D000"},
       }) {
    PostgresSource source(wrong.dsn, "SELECT 1", {});
    const Failure failure = failure_of(source);
    EXPECT_TRUE(failure.configuration) << failure.message;
    EXPECT_EQ(failure.code, wrong.code) << failure.message;
    EXPECT_EQ(failure.message.find("LOCATION"), std::string::npos) << failure.message;
  }
  PostgresSource right(base + " password=right-canary", "SELECT 1", {});
  EXPECT_EQ(rows_of(right), std::vector<std::string>{"1"});
}

TEST(PostgresSource, NoPasswordIsEverInAMessage) {
  const std::string canary = "s3cret-canary";
  const std::string host = PostgresServer::shared().dsn("guarded");
  std::vector<std::string> messages;
  // NOLINTBEGIN(performance-inefficient-string-concatenation)
  for (const std::string& dsn : {
           // strings that libpq cannot read, whose parts it would quote
           "postgresql://u:" + canary + "@[::1/db",
           "postgresql://u:" + canary + "%zz@localhost/db",
           "host=localhost password=two " + canary,
           "host=localhost password='" + canary,
           canary,
           "host=localhost " + canary + "=x",
           // strings that it can read
           host + " password=" + canary,
           "postgresql://u:" + canary + "@127.0.0.1:1/db",
           "host=/nowhere user=" + canary + " password=" + canary,
       }) {
    const auto error = source_error_of([&] {
      PostgresSource source(dsn, "SELECT 1", {});
      static_cast<void>(source.open());
    });
    ASSERT_TRUE(error.has_value()) << dsn;
    messages.emplace_back(error->what());
  }
  // NOLINTEND(performance-inefficient-string-concatenation)
  // A query that quotes the password: the server's message repeats it.
  run_sql(
      "DO $$ BEGIN CREATE ROLE guarded LOGIN; EXCEPTION WHEN OTHERS THEN NULL; END $$;"
      "ALTER ROLE guarded PASSWORD '" +
      canary + "'");
  PostgresSource quoting(host + " password=" + canary, "SELECT '" + canary + "'::int", {});
  messages.push_back(failure_of(quoting).message);
  for (const std::string& message : messages) {
    EXPECT_EQ(message.find(canary), std::string::npos) << message;
  }
}

TEST(PostgresSource, AnUnreachableServerIsNoConfiguration) {
  for (const char* dsn : {"host=/nowhere", "host=127.0.0.1 port=1 dbname=x user=y"}) {
    PostgresSource source(dsn, "SELECT 1", {});
    const Failure failure = failure_of(source);
    EXPECT_FALSE(failure.configuration) << failure.message;
    EXPECT_EQ(failure.code, "08001") << failure.message;
  }
}

TEST(PostgresSource, TooManyConnectionsAreNoConfiguration) {
  run_sql("CREATE ROLE lonely LOGIN CONNECTION LIMIT 0");
  PostgresSource source(PostgresServer::shared().dsn("lonely"), "SELECT 1", {});
  const Failure failure = failure_of(source);
  EXPECT_FALSE(failure.configuration);
  EXPECT_EQ(failure.code, "53300");
}

TEST(PostgresSource, TheUsersStatementTimeoutCounts) {
  PostgresSource source(PostgresServer::shared().dsn() + " options='-c statement_timeout=200'",
                        "SELECT pg_sleep(30)", {});
  const Failure failure = failure_of(source);
  EXPECT_FALSE(failure.configuration);
  EXPECT_EQ(failure.code, "57014");
}

// In the SELECT list the series streams; in FROM the server would first write all of it down.
constexpr const char* kEndless = "SELECT generate_series(1, 9000000000)";

TEST(PostgresSource, AKilledSessionInMidStreamIsAnError) {
  PostgresSource source = source_of(kEndless);
  static_cast<void>(source.open());
  Chunk chunk;
  ASSERT_TRUE(source.next(chunk));
  run_sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
      "WHERE application_name = 'tailrace'");
  const auto error = source_error_of([&] { static_cast<void>(rest_of(source)); });
  ASSERT_TRUE(error.has_value());
  EXPECT_FALSE(error->configuration);
  // Killed while it waits for a full socket, the server has no way to send its last words.
  EXPECT_TRUE(error->code == "57P01" || error->code == "08006") << error->what();
}

TEST(PostgresSource, AnErrorOfALateRowIsAnErrorInMidStream) {
  PostgresSource source =
      source_of("SELECT repeat('x', 100), 1 / (100000 - generate_series(1, 200000))");
  static_cast<void>(source.open());
  Chunk chunk;
  ASSERT_TRUE(source.next(chunk));
  const auto error = source_error_of([&] { static_cast<void>(rest_of(source)); });
  ASSERT_TRUE(error.has_value());
  EXPECT_TRUE(error->configuration);
  EXPECT_EQ(error->code, "22012");
}

TEST(PostgresSource, GivenUpInMidStreamItLeavesWithoutReadingTheRest) {
  const Seconds taken = seconds_of([] {
    PostgresSource source = source_of(kEndless);
    static_cast<void>(source.open());
    Chunk chunk;
    ASSERT_TRUE(source.next(chunk));
  });
  EXPECT_LT(taken.count(), 5);
  EXPECT_TRUE(becomes_true(server_is_idle));
}

/// Cancels from another thread once the server works on the query.
Seconds time_to_cancel(PostgresSource& source, const std::function<void()>& work) {
  std::chrono::steady_clock::time_point cancelled_at;
  std::thread canceller([&] {
    EXPECT_TRUE(becomes_true([] {
      return run_sql(
                 "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tailrace' "
                 "AND query LIKE 'COPY%' AND state = 'active'") == "1";
    }));
    cancelled_at = std::chrono::steady_clock::now();
    source.cancel();
  });
  const auto error = source_error_of(work);
  const auto ended_at = std::chrono::steady_clock::now();
  canceller.join();
  EXPECT_EQ(error ? error->code : "", "57014");
  return ended_at - cancelled_at;
}

TEST(PostgresSource, CancelEndsAWaitForASilentServer) {
  PostgresSource source = source_of("SELECT pg_sleep(60)");
  EXPECT_LT(time_to_cancel(source, [&] { static_cast<void>(rows_of(source)); }).count(), 1);
  EXPECT_TRUE(becomes_true(server_is_idle)) << "the server goes on for nobody";
}

TEST(PostgresSource, CancelEndsAStream) {
  PostgresSource source = source_of(kEndless);
  static_cast<void>(source.open());
  EXPECT_LT(time_to_cancel(source, [&] { static_cast<void>(rest_of(source)); }).count(), 1);
  Chunk chunk;
  const auto again = source_error_of([&] { static_cast<void>(source.next(chunk)); });
  EXPECT_TRUE(again.has_value()) << "a cancelled model never looks like a whole one";
  EXPECT_TRUE(becomes_true(server_is_idle));
}

TEST(PostgresSource, CancelBeforeOpenIsHeeded) {
  PostgresSource source = source_of("SELECT 1");
  source.cancel();
  EXPECT_TRUE(source_error_of([&] { static_cast<void>(source.open()); }).has_value());
}

/// Takes connections into its backlog and never says a word.
class MuteServer {
 public:
  MuteServer() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (socket_ < 0) throw std::runtime_error("socket failed");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(socket_, 5), 0);
    EXPECT_EQ(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~MuteServer() { ::close(socket_); }
  MuteServer(const MuteServer&) = delete;
  MuteServer& operator=(const MuteServer&) = delete;

  [[nodiscard]] std::string dsn() const {
    return "host=127.0.0.1 user=u dbname=d sslmode=disable port=" + std::to_string(port_);
  }

 private:
  int socket_;
  int port_ = 0;
};

TEST(PostgresSource, CancelEndsConnecting) {
  const MuteServer mute;
  PostgresSource source(mute.dsn(), "SELECT 1", {});
  std::thread canceller([&] { source.cancel(); });
  const Seconds taken = seconds_of([&] {
    const auto error = source_error_of([&] { static_cast<void>(source.open()); });
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->code, "57014");
  });
  canceller.join();
  EXPECT_LT(taken.count(), 1);
}

TEST(PostgresSource, ConnectingEndsAfterTheDsnsTimeout) {
  const MuteServer mute;
  PostgresSource source(mute.dsn() + " connect_timeout=1", "SELECT 1", {});
  Failure failure;
  const Seconds taken = seconds_of([&] { failure = failure_of(source); });
  EXPECT_FALSE(failure.configuration);
  EXPECT_GE(taken.count(), 1);
  EXPECT_LT(taken.count(), 3);
}

}  // namespace
}  // namespace tailrace::test
