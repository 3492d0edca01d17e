#include "state/postgres_link.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace tailrace {
namespace {

using Clock = std::chrono::steady_clock;
using Options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

constexpr std::chrono::seconds kConnectLimit{10};  // of one host

Options parse(const std::string& url) {
  char* complaint = nullptr;
  Options options(PQconninfoParse(url.c_str(), &complaint), PQconninfoFree);
  if (complaint != nullptr) PQfreemem(complaint);  // quotes the string, often the password in it
  // A NUL would make libpq read another string than the one that was checked and scrubbed.
  if (!options || url.find('\0') != std::string::npos) {
    throw std::invalid_argument(
        "state: the store's URL is not a valid PostgreSQL connection string; expected "
        "postgresql://user@host:5432/database (special characters of a password are written as "
        "%XX)");
  }
  return options;
}

std::chrono::seconds seconds_from(std::string_view text) {
  int seconds = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (code != std::errc() || end != text.data() + text.size() || seconds <= 0) return kConnectLimit;
  return std::chrono::seconds(seconds);
}

void mask(std::string& message, std::string_view secret) {
  constexpr std::string_view masked = "***";
  for (std::size_t at = message.find(secret); at != std::string::npos;
       at = message.find(secret, at + masked.size())) {
    message.replace(at, secret.size(), masked);
  }
}

PGconn* start(const std::string& url) {
  // Later entries win: what stands before the URL may be set there, what stands behind it not. A
  // peer that is gone is noticed after 20 s with data under way, after 25 s without.
  constexpr std::array<const char*, 9> keywords{"fallback_application_name",
                                                "keepalives_idle",
                                                "keepalives_interval",
                                                "keepalives_count",
                                                "tcp_user_timeout",
                                                "target_session_attrs",
                                                "dbname",
                                                "client_encoding",
                                                nullptr};
  const std::array<const char*, 9> values{"tailrace", "10",        "5",    "3",    "20000",
                                          "primary",  url.c_str(), "UTF8", nullptr};
  return PQconnectStartParams(keywords.data(), values.data(), 1);
}

}  // namespace

PostgresAddress::PostgresAddress(std::string url)
    : url_(std::move(url)), connect_limit_(kConnectLimit) {
  const Options options = parse(url_);
  std::chrono::seconds limit = kConnectLimit;
  std::ptrdiff_t hosts = 1;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val == nullptr || *option->val == '\0') continue;
    const std::string_view keyword = option->keyword;
    const std::string_view value = option->val;
    if (keyword == "password" || keyword == "sslpassword") secrets_.emplace_back(value);
    if (keyword == "connect_timeout") limit = seconds_from(value);
    if (keyword == "host" || keyword == "hostaddr") {
      hosts = std::max(hosts, std::count(value.begin(), value.end(), ',') + 1);
    }
  }
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing in the core changes the environment
  const char* password = std::getenv("PGPASSWORD");
  if (password != nullptr && *password != '\0') secrets_.emplace_back(password);
  connect_limit_ = limit * hosts;
}

std::string PostgresAddress::scrub(std::string message) const {
  mask(message, url_);
  for (const std::string& secret : secrets_) mask(message, secret);
  return message;
}

PostgresLink::PostgresLink(const PostgresAddress& address) { connect(address); }

void PostgresLink::connect(const PostgresAddress& address) {
  handle_.reset(start(address.url()));
  if (!handle_) throw std::bad_alloc();
  PGconn* handle = handle_.get();
  PQsetErrorVerbosity(handle, PQERRORS_VERBOSE);
  PQsetNoticeProcessor(handle, [](void*, const char*) {}, nullptr);
  const auto refused = [&] {
    std::string message = PQerrorMessage(handle);
    std::string state = take_connect_state(message);
    if (state.empty() && PQconnectionNeedsPassword(handle) == 1) state = "28P01";
    fail_lost("the server could not be reached: " + address.scrub(message), state);
  };
  const auto until = Clock::now() + address.connect_limit();
  PostgresPollingStatusType wanted = PGRES_POLLING_WRITING;
  if (PQstatus(handle) == CONNECTION_BAD) refused();
  while (wanted != PGRES_POLLING_OK) {
    wait(wanted == PGRES_POLLING_WRITING, until, "the server could not be reached");
    wanted = PQconnectPoll(handle);
    if (wanted == PGRES_POLLING_FAILED) refused();
  }
  PQsetErrorVerbosity(handle, PQERRORS_DEFAULT);
  if (PQsetnonblocking(handle, 1) != 0 || PQenterPipelineMode(handle) != 1) {
    fail_lost("the connection cannot be set up");
  }
}

bool PostgresLink::in_transaction() const {
  return PQtransactionStatus(handle_.get()) != PQTRANS_IDLE;
}

std::string PostgresLink::server_encoding() const {
  const char* encoding = PQparameterStatus(handle_.get(), "server_encoding");
  return encoding == nullptr ? "" : encoding;
}

void PostgresLink::abandon() {
  if (!handle_) return;
  ::close(PQsocket(handle_.get()));
  static_cast<void>(handle_.release());
}

void PostgresLink::fail_lost(const std::string& why, const std::string& sqlstate) {
  lost_ = true;
  throw PostgresFault(why, sqlstate, true);
}

void PostgresLink::wait(bool to_write, Clock::time_point until, const char* for_what) {
  pollfd watched{PQsocket(handle_.get()), POLLIN, 0};
  if (to_write) watched.events |= POLLOUT;
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count() + 1;
    if (left <= 0) fail_lost(std::string(for_what) + ": no answer in time");
    const int ready = ::poll(&watched, 1, static_cast<int>(left));
    if (ready > 0) return;
    if (ready < 0 && errno != EINTR) fail_lost("poll failed");
  }
}

PGresult* PostgresLink::next() {
  PGconn* handle = handle_.get();
  for (;;) {
    const int unsent = PQflush(handle);
    if (unsent < 0) fail_lost("the connection broke");
    if (PQisBusy(handle) == 0) return PQgetResult(handle);
    wait(unsent > 0, Clock::now() + patience_, "the server fell silent");
    if (PQconsumeInput(handle) == 0) fail_lost("the connection broke");
  }
}

void PostgresLink::send(const std::vector<PostgresStatement>& statements) {
  PGconn* handle = handle_.get();
  constexpr int binary_results = 1;
  for (const PostgresStatement& statement : statements) {
    const PostgresParams& params = statement.params;
    const int sent =
        PQsendQueryParams(handle, statement.sql, params.count(), params.types(), params.values(),
                          params.lengths(), params.formats(), binary_results);
    if (sent != 1) fail_lost("the connection broke");
  }
  if (PQpipelineSync(handle) != 1) fail_lost("the connection broke");
}

PostgresFault PostgresLink::fault_of(PGresult* result) const {
  const auto field = [&](int which) {
    const char* value = PQresultErrorField(result, which);
    return std::string(value == nullptr ? "" : value);
  };
  const std::string state = field(PG_DIAG_SQLSTATE);
  // The message alone: the server's details quote values of the row.
  const std::string message = field(PG_DIAG_MESSAGE_PRIMARY);
  // After a shutdown or a crash elsewhere the server closes what it still talks to.
  const bool ended = state.empty() || state.starts_with("08") || state.starts_with("57P0");
  return {message.empty() ? "the connection broke" : message, state, ended};
}

std::vector<PostgresResult> PostgresLink::run(const std::vector<PostgresStatement>& statements) {
  if (lost()) fail_lost("the connection broke");
  send(statements);
  std::vector<PostgresResult> results;
  std::optional<PostgresFault> fault;
  for (std::size_t i = 0; i < statements.size(); ++i) {
    PostgresResult result(next());
    const ExecStatusType status = result.status();
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
      results.push_back(std::move(result));
    } else if (!fault) {
      fault = fault_of(result.get());
    }
    if (fault && (fault->link_lost || lost())) fail_lost(fault->what(), fault->sqlstate);
    const PostgresResult end(next());
    if (end.get() != nullptr) fail_lost("the server answered what it was not asked");
  }
  const PostgresResult sync(next());
  if (sync.get() == nullptr || sync.status() != PGRES_PIPELINE_SYNC) {
    fail_lost("the connection broke");
  }
  if (fault) throw *fault;
  return results;
}

}  // namespace tailrace
