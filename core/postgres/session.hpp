#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <libpq-fe.h>

#include "http/transport.hpp"
#include "source/dsn.hpp"
#include "source/postgres_connect.hpp"

namespace tailrace::postgres {

/// A request's statements, one after the other in one transaction: the values of its headers
/// `sql`. One of them may be a COPY … FROM STDIN, which takes the request's body.
inline constexpr std::string_view kSqlHeader = "sql";

/// Status of an answer: what the statements that give rows gave, as a JSON list of results, each a
/// list of rows, each a list of texts and nulls.
inline constexpr int kDone = 200;
/// The server refused a statement, or the login, and nothing has happened. The body is an object of
/// `code` (SQLSTATE), `message`, `detail`, `column`, `constraint`, and `line`, the row of the
/// COPY's data that was at fault, from 1.
inline constexpr int kRefused = 400;

/// One connection, which works at one request at a time and never blocks. Its own errors are
/// answers; it throws std::bad_alloc alone.
class Session {
 public:
  Session(const Dsn& dsn, const http::TransportOptions& options);

  /// Takes a request; the one before it must have ended.
  void start(http::Outgoing outgoing);
  /// Goes on as far as that is possible at once. The end of the request, once.
  [[nodiscard]] std::optional<http::Finished> advance();
  /// Gives the request up. The session is of no more use then.
  [[nodiscard]] http::Finished abandon();

  [[nodiscard]] int socket() const { return PQsocket(handle_.get()); }
  [[nodiscard]] short events() const { return events_; }
  [[nodiscard]] http::SteadyTime deadline() const { return deadline_; }
  /// Another request may be started.
  [[nodiscard]] bool usable() const { return usable_; }

 private:
  enum class State : std::uint8_t { idle, connecting, working, copying, over };

  void write_script(std::chrono::milliseconds patience);
  void connect();
  [[nodiscard]] bool connected();
  void send();
  [[nodiscard]] bool flushed();
  void copy();
  void read();
  void take(const PGresult* result);
  void take_rows(const PGresult* result);
  void take_error(const PGresult* result);
  /// The connection is gone, or has been given up.
  void lose(std::string_view why);
  void refuse(std::string_view code, const std::string& message);
  [[nodiscard]] http::Finished finish();
  [[nodiscard]] bool refused() const;

  const Dsn& dsn_;
  const http::TransportOptions& options_;
  PostgresConnection handle_;
  State state_ = State::idle;
  short events_ = 0;
  PostgresPollingStatusType wanted_ = PGRES_POLLING_WRITING;
  bool usable_ = false;

  http::Outgoing outgoing_;
  http::SteadyTime started_{};
  http::SteadyTime deadline_ = http::SteadyTime::max();
  http::SteadyTime end_{};
  http::SteadyTime sent_at_{};
  std::string script_;
  bool has_copy_ = false;
  std::size_t copied_ = 0;
  bool may_commit_ = false;  // all that the server needs to commit has been handed over
  std::string results_;
  std::string error_;
  wire::Failure failure_ = wire::Failure::none;
  std::string failure_text_;
};

}  // namespace tailrace::postgres
