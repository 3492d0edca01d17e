#include "source/postgres_connect.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <limits>
#include <new>
#include <optional>
#include <system_error>

#include <poll.h>

#include "source/failure.hpp"
#include "source/postgres_error.hpp"

namespace tailrace {
namespace {

using Clock = std::chrono::steady_clock;

// SQLSTATE sqlclient_unable_to_establish_sqlconnection.
constexpr const char* kUnreachable = "08001";

[[noreturn]] void fail(const Dsn& dsn, PGconn* connection) {
  const ConnectFailure failure = connect_failure(dsn, connection);
  throw SourceError("source: the warehouse could not be reached: " + failure.message,
                    is_configuration(failure.state), failure.state);
}

std::chrono::seconds limit(const Dsn& dsn) {
  return dsn.connect_timeout() * static_cast<int>(dsn.hosts());
}

[[noreturn]] void fail_late(const Dsn& dsn) {
  throw SourceError("source: the warehouse could not be reached: no answer within " +
                        std::to_string(limit(dsn).count()) + " s (connect_timeout of the dsn)",
                    false, kUnreachable);
}

int remaining_ms(const std::optional<Clock::time_point>& deadline) {
  if (!deadline) return -1;
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(*deadline - Clock::now()).count() + 1;
  return static_cast<int>(std::clamp<long long>(left, 0, std::numeric_limits<int>::max()));
}

/// Waits until libpq's socket is ready. False after the deadline.
bool wait_ready(PGconn* connection, PostgresPollingStatusType wanted, const Interrupt& interrupt,
                const std::optional<Clock::time_point>& deadline) {
  const short events = wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT;
  for (;;) {
    std::array<pollfd, 2> watched{pollfd{PQsocket(connection), events, 0},
                                  pollfd{interrupt.wake_fd(), POLLIN, 0}};
    const int wait_ms = remaining_ms(deadline);
    const int ready = ::poll(watched.data(), watched.size(), wait_ms);
    if (interrupt.raised()) throw cancelled_error();
    if (ready > 0) return true;
    if (ready == 0 && wait_ms == 0) return false;
    if (ready < 0 && errno != EINTR) {
      throw std::system_error(errno, std::generic_category(), "postgres_connect: poll");
    }
  }
}

}  // namespace

PostgresConnection begin_connecting(const Dsn& dsn, const std::string& application_name,
                                    std::chrono::milliseconds address_limit, const char* encoding) {
  // The kernel applies the limit of one address to the handshake as well: without it a host that
  // drops packets holds libpq for minutes before it tries the next one.
  const std::string limit_ms = std::to_string(address_limit.count());
  // Later entries win, so those of the dsn stand above ours, but for the encoding.
  const std::array<const char*, 8> keywords{"fallback_application_name",
                                            "keepalives_idle",
                                            "keepalives_interval",
                                            "keepalives_count",
                                            "tcp_user_timeout",
                                            "dbname",
                                            encoding == nullptr ? nullptr : "client_encoding",
                                            nullptr};
  const std::array<const char*, 8> values{
      application_name.c_str(), "60",     "15",   "4", limit_ms.c_str(),
      dsn.text().c_str(),       encoding, nullptr};
  PostgresConnection connection(PQconnectStartParams(keywords.data(), values.data(), 1));
  if (!connection) throw std::bad_alloc{};
  // The only way to learn the SQLSTATE of a refused login.
  PQsetErrorVerbosity(connection.get(), PQERRORS_VERBOSE);
  return connection;
}

ConnectFailure connect_failure(const Dsn& dsn, PGconn* connection) {
  std::string message = PQerrorMessage(connection);
  std::string state = take_sqlstate(message);
  if (state.empty() && PQconnectionNeedsPassword(connection) == 1) state = "28P01";
  if (state.empty()) state = kUnreachable;
  return {dsn.scrub(tidy_message(message)), state};
}

PostgresConnection connect_postgres(const Dsn& dsn, const std::string& application_name,
                                    const Interrupt& interrupt) {
  if (interrupt.raised()) throw cancelled_error();
  std::optional<Clock::time_point> deadline;
  if (limit(dsn).count() > 0) deadline = Clock::now() + limit(dsn);
  PostgresConnection connection = begin_connecting(dsn, application_name, dsn.connect_timeout());
  if (PQstatus(connection.get()) == CONNECTION_BAD) fail(dsn, connection.get());
  auto wanted = PGRES_POLLING_WRITING;
  while (wanted != PGRES_POLLING_OK) {
    if (!wait_ready(connection.get(), wanted, interrupt, deadline)) fail_late(dsn);
    wanted = PQconnectPoll(connection.get());
    if (wanted == PGRES_POLLING_FAILED) fail(dsn, connection.get());
  }
  PQsetErrorVerbosity(connection.get(), PQERRORS_DEFAULT);
  return connection;
}

}  // namespace tailrace
