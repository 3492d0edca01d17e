#include "postgres/transport.hpp"

#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "postgres/session.hpp"
#include "support/listener.hpp"
#include "support/postgres_server.hpp"

namespace tailrace::postgres {
namespace {

using http::Finished;
using nlohmann::json;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using test::run_sql;

/// A table of the test's own, and what is sent to it.
class DatabaseTransport : public ::testing::Test {
 protected:
  void SetUp() override {
    run_sql("DROP TABLE IF EXISTS carried");
    run_sql("CREATE TABLE carried (id int PRIMARY KEY, day date, note text)");
    options_.dsn = test::PostgresServer::shared().dsn();
    options_.user_agent = "tailrace/test";
    options_.total_timeout = 20s;
  }

  [[nodiscard]] static http::Outgoing request(http::CallId id, std::vector<std::string> statements,
                                              std::string body = {}) {
    http::Outgoing outgoing;
    outgoing.id = id;
    for (std::string& statement : statements) {
      outgoing.request.headers.push_back({std::string(kSqlHeader), std::move(statement)});
    }
    outgoing.request.body = std::move(body);
    return outgoing;
  }

  [[nodiscard]] static http::Outgoing copied(http::CallId id, std::string body) {
    return request(id, {"COPY carried FROM STDIN", "SELECT count(*) FROM carried"},
                   std::move(body));
  }

  [[nodiscard]] static std::vector<Finished> all(http::Transport& transport, std::size_t count) {
    std::vector<Finished> ended;
    const auto until = std::chrono::steady_clock::now() + 30s;
    while (ended.size() < count && std::chrono::steady_clock::now() < until) {
      for (Finished& one : transport.poll(100ms)) ended.push_back(std::move(one));
    }
    EXPECT_EQ(ended.size(), count);
    return ended;
  }

  [[nodiscard]] Finished one(http::Outgoing outgoing) {
    if (!transport_) transport_ = make_transport(options_);
    transport_->start(std::move(outgoing));
    std::vector<Finished> ended = all(*transport_, 1);
    return ended.empty() ? Finished{} : std::move(ended.front());
  }

  [[nodiscard]] static std::string rows() { return run_sql("SELECT count(*) FROM carried"); }

  http::TransportOptions options_;
  std::unique_ptr<http::Transport> transport_;
};

TEST_F(DatabaseTransport, StatementsAndTheirDataAreOneTransaction) {
  const Finished ended = one(copied(7, "1\t2024-02-29\tone\n2\t\\N\ttwo\\nlines\n"));
  EXPECT_EQ(ended.id, 7u);
  EXPECT_EQ(ended.reply.failure, wire::Failure::none) << ended.reply.failure_text;
  EXPECT_EQ(ended.reply.status, kDone);
  EXPECT_EQ(json::parse(ended.reply.body), json::parse(R"([[["2"]]])"));
  EXPECT_GT(ended.bytes_sent, 30u);
  EXPECT_EQ(run_sql("SELECT note FROM carried WHERE id = 2"), "two\nlines");
}

TEST_F(DatabaseTransport, ARefusalSaysWhatWasWrongWhereAndUndoesAll) {
  const Finished ended = one(copied(1, "1\t2024-02-29\tone\n2\tyesterdays\ttwo\n"));
  EXPECT_EQ(ended.reply.status, kRefused);
  const json body = json::parse(ended.reply.body);
  EXPECT_EQ(body.at("code"), "22007");
  EXPECT_EQ(body.at("line"), "2");
  EXPECT_EQ(rows(), "0");
  // The same connection goes on, though its transaction had failed.
  const Finished next = one(copied(2, "3\t2024-02-29\tthree\n"));
  EXPECT_EQ(next.reply.body, R"([[["1"]]])") << next.reply.failure_text;

  const Finished twice = one(copied(3, "3\t2024-02-29\tthree\n"));
  const json why = json::parse(twice.reply.body);
  EXPECT_EQ(why.at("code"), "23505");
  EXPECT_EQ(why.at("constraint"), "carried_pkey");
  EXPECT_EQ(rows(), "1");
}

TEST_F(DatabaseTransport, SeveralAreUnderWayAtOnceAndMegabytesFit) {
  transport_ = make_transport(options_);
  constexpr int kEach = 20'000;
  const std::string note(300, 'x');
  for (int part = 0; part < 3; ++part) {
    std::string body;
    for (int i = 0; i < kEach; ++i) {
      body += std::to_string(part * kEach + i) + "\t2024-02-29\t" + note + "\n";
    }
    transport_->start(copied(static_cast<http::CallId>(part), std::move(body)));
  }
  EXPECT_EQ(transport_->in_flight(), 3u);
  for (const Finished& ended : all(*transport_, 3)) {
    EXPECT_EQ(ended.reply.status, kDone) << ended.reply.failure_text << ended.reply.body;
  }
  EXPECT_EQ(rows(), std::to_string(3 * kEach));
}

TEST_F(DatabaseTransport, WhatIsGivenUpBeforeItsDataEndedIsNotThere) {
  transport_ = make_transport(options_);
  std::string body;
  for (int i = 0; i < 200'000; ++i) body += std::to_string(i) + "\t2024-02-29\tnote\n";
  transport_->start(copied(1, std::move(body)));
  static_cast<void>(transport_->poll(1ms));
  transport_->abandon();
  const std::vector<Finished> ended = all(*transport_, 1);
  EXPECT_EQ(ended.front().reply.failure, wire::Failure::not_sent);
  EXPECT_EQ(transport_->in_flight(), 0u);
  EXPECT_EQ(rows(), "0");
}

TEST_F(DatabaseTransport, AfterItsDataAnAnswerThatIsLateIsLost) {
  options_.total_timeout = 1500ms;
  const Finished ended = one(request(1,
                                     {"COPY carried FROM STDIN", "SELECT pg_sleep(0.6)",
                                      "SELECT pg_sleep(0.6)", "SELECT pg_sleep(0.6)"},
                                     "1\t2024-02-29\tone\n"));
  EXPECT_EQ(ended.reply.failure, wire::Failure::lost) << ended.reply.body;
}

TEST_F(DatabaseTransport, AStatementThatTakesTooLongIsEndedByTheServer) {
  options_.total_timeout = 4s;
  const Finished ended = one(request(1, {"SELECT pg_sleep(60)"}));
  EXPECT_EQ(ended.reply.status, kRefused) << ended.reply.failure_text;
  EXPECT_EQ(json::parse(ended.reply.body).at("code"), "57014");
}

TEST_F(DatabaseTransport, AServerThatDiesAfterTheDataLeavesItOpen) {
  transport_ = make_transport(options_);
  transport_->start(
      request(1, {"COPY carried FROM STDIN", "SELECT pg_sleep(20)"}, "1\t2024-02-29\tone\n"));
  const std::string asleep =
      "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query LIKE '%COPY%'";
  for (int i = 0; i < 500 && run_sql(asleep) != "1"; ++i) {
    EXPECT_TRUE(transport_->poll(10ms).empty());
  }
  run_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
  const std::vector<Finished> ended = all(*transport_, 1);
  const wire::Reply& reply = ended.front().reply;
  // The server may still say that it ends; without a word of it the end is open.
  const bool told = reply.status == kRefused;
  EXPECT_TRUE(told || reply.failure == wire::Failure::lost) << reply.body << reply.failure_text;
  EXPECT_EQ(rows(), "0");
  EXPECT_EQ(one(copied(2, "1\t2024-02-29\tone\n")).reply.status, kDone) << "by a new connection";
}

TEST_F(DatabaseTransport, ARefusedLoginIsAnAnswerAndTellsNoPassword) {
  options_.dsn = test::PostgresServer::shared().dsn("nobody_there") + " password=canary-77";
  const Finished ended = one(copied(1, ""));
  EXPECT_EQ(ended.reply.status, kRefused);
  EXPECT_EQ(json::parse(ended.reply.body).at("code").get<std::string>().substr(0, 2), "28");
  EXPECT_EQ(ended.reply.body.find("canary"), std::string::npos);
  options_.dsn = "postgresql://u:canary%zz@host/db";
  try {
    static_cast<void>(make_transport(options_));
    FAIL() << "no dsn";
  } catch (const std::invalid_argument& error) {
    EXPECT_EQ(std::string(error.what()).find("canary"), std::string::npos) << error.what();
  }
}

TEST_F(DatabaseTransport, NobodyThereIsProofThatNothingWasSent) {
  options_.dsn = "host=127.0.0.1 port=1 dbname=none";
  EXPECT_EQ(one(copied(1, "")).reply.failure, wire::Failure::not_sent);
  options_.dsn = test::PostgresServer::shared().dsn();
  transport_.reset();
  http::Outgoing late = copied(2, "1\t2024-02-29\tone\n");
  late.send_by = std::chrono::steady_clock::now() - 1ms;
  EXPECT_EQ(one(std::move(late)).reply.failure, wire::Failure::expired);
  EXPECT_EQ(rows(), "0");
}

TEST_F(DatabaseTransport, AServerThatTakesTheConnectionAndSaysNothingIsGivenUp) {
  const tailrace::testing::Listener silent([](int connection) {
    std::array<char, 64> said{};
    while (::read(connection, said.data(), said.size()) > 0) continue;
  });
  const std::string url = silent.url();
  options_.dsn = "host=127.0.0.1 dbname=x port=" + url.substr(url.rfind(':') + 1);
  options_.connect_timeout = 300ms;
  const Finished ended = one(copied(1, "1\t2024-02-29\tone\n"));
  EXPECT_EQ(ended.reply.failure, wire::Failure::not_sent);
  EXPECT_EQ(ended.sent_at, http::SteadyTime{});
  EXPECT_LT(ended.seconds, 10);
}

TEST_F(DatabaseTransport, APollIsWokenFromAnotherThread) {
  transport_ = make_transport(options_);
  std::thread waker([&] {
    std::this_thread::sleep_for(50ms);
    transport_->wake();
  });
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(transport_->poll(60s).empty());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 30s);
  waker.join();
}

}  // namespace
}  // namespace tailrace::postgres
