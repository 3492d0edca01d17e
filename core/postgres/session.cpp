#include "postgres/session.hpp"

#include <poll.h>

#include <algorithm>
#include <charconv>
#include <new>
#include <utility>
#include <vector>

#include "row/ascii.hpp"
#include "source/failure.hpp"
#include "source/postgres_error.hpp"
#include "wire/json_writer.hpp"

namespace tailrace::postgres {
namespace {

using http::SteadyTime;
using std::chrono::milliseconds;

constexpr std::size_t kCopyChunk = 64u << 10;
constexpr std::int64_t kShortestStatement = 1000;

[[nodiscard]] bool is_copy(std::string_view statement) { return statement.starts_with("COPY "); }

[[nodiscard]] std::string limit_text(milliseconds limit) {
  return std::to_string(std::max<std::int64_t>(kShortestStatement, limit.count()));
}

[[nodiscard]] std::string limits(const std::string& milliseconds_each) {
  return "SET LOCAL statement_timeout = " + milliseconds_each +
         ";\nSET LOCAL lock_timeout = " + milliseconds_each + ";\n";
}

struct FreeResult {
  void operator()(PGresult* result) const { PQclear(result); }
};

/// "COPY tailrace_rows, line 3, column amount: …", in whatever language: the first number behind
/// the name of the table.
[[nodiscard]] std::string copied_line(const char* context) {
  if (context == nullptr) return {};
  std::string_view text = context;
  if (!text.starts_with("COPY ")) return {};
  text.remove_prefix(std::min(text.size(), text.find(',')));
  const auto from = std::find_if(text.begin(), text.end(), is_digit);
  const auto to = std::find_if_not(from, text.end(), is_digit);
  return {from, to};
}

[[nodiscard]] std::string field(const PGresult* result, int which) {
  const char* text = PQresultErrorField(result, which);
  return text == nullptr ? std::string() : std::string(text);
}

void add_member(wire::JsonWriter& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out.key(name);
  out.string(value);
}

}  // namespace

Session::Session(const Dsn& dsn, const http::TransportOptions& options)
    : dsn_(dsn), options_(options) {}

void Session::connect() {
  handle_ = begin_connecting(dsn_, options_.user_agent, options_.connect_timeout, "UTF8");
  wanted_ = PGRES_POLLING_WRITING;
  state_ = State::connecting;
  deadline_ = std::min(end_, started_ + options_.connect_timeout);
}

/// The data has the first half of the request's time; without its end the server can only roll
/// back. The statements behind it share the second half: what is left at the server when we have
/// given up has ended by the time that we say it has.
void Session::write_script(milliseconds patience) {
  std::vector<std::string_view> statements;
  for (const wire::Header& header : outgoing_.request.headers) {
    if (header.name == kSqlHeader) statements.push_back(header.value);
  }
  const auto copy = std::find_if(statements.begin(), statements.end(), is_copy);
  has_copy_ = copy != statements.end();
  const auto behind =
      has_copy_ ? statements.end() - copy : statements.end() - statements.begin() + 1;
  const milliseconds shared = has_copy_ ? patience / 2 : patience;
  const std::string each = limit_text(shared / behind);
  // Sources write times as UTC and dates as ISO, and so they are to be read.
  script_ += "BEGIN;\nSET LOCAL TimeZone = 'UTC';\nSET LOCAL DateStyle = 'ISO, YMD';\n";
  script_ += "SET LOCAL idle_in_transaction_session_timeout = " + limit_text(patience) + ";\n";
  script_ += limits(has_copy_ ? limit_text(shared) : each);
  for (const std::string_view statement : statements) {
    script_.append(statement).append(";\n");
    if (is_copy(statement)) script_ += limits(each);
  }
  script_ += "COMMIT";
}

void Session::start(http::Outgoing outgoing) {
  outgoing_ = std::move(outgoing);
  started_ = std::chrono::steady_clock::now();
  const milliseconds patience = std::max(options_.total_timeout, outgoing_.request.patience);
  sent_at_ = {};
  copied_ = 0;
  may_commit_ = false;
  results_.clear();
  error_.clear();
  failure_ = wire::Failure::none;
  failure_text_.clear();
  script_ = refused() ? "ROLLBACK;\n" : "";
  write_script(patience);
  end_ = started_ + patience;
  if (usable_) {
    send();
  } else {
    connect();
  }
}

bool Session::connected() {
  wanted_ = PQconnectPoll(handle_.get());
  if (wanted_ == PGRES_POLLING_OK) {
    PQsetErrorVerbosity(handle_.get(), PQERRORS_DEFAULT);
    if (PQsetnonblocking(handle_.get(), 1) != 0) throw std::bad_alloc();
    return true;
  }
  if (wanted_ == PGRES_POLLING_FAILED) {
    const ConnectFailure failure = connect_failure(dsn_, handle_.get());
    if (is_configuration(failure.state)) {
      refuse(failure.state, failure.message);
    } else {
      failure_ = wire::Failure::not_sent;
      failure_text_ = "the database could not be reached: " + failure.message;
      state_ = State::over;
    }
  }
  events_ = wanted_ == PGRES_POLLING_READING ? POLLIN : POLLOUT;
  return false;
}

void Session::send() {
  if (std::chrono::steady_clock::now() > outgoing_.send_by) {
    failure_ = wire::Failure::expired;
    failure_text_ = "not sent in time";
    state_ = State::over;
    return;
  }
  state_ = State::working;
  sent_at_ = std::chrono::steady_clock::now();
  may_commit_ = !has_copy_;
  deadline_ = has_copy_ ? started_ + (end_ - started_) / 2 : end_;
  if (PQsendQuery(handle_.get(), script_.c_str()) != 1) lose(PQerrorMessage(handle_.get()));
}

/// All that was handed over has left; else waits for room, and for words of the server beside.
bool Session::flushed() {
  const int left = PQflush(handle_.get());
  if (left < 0) lose(PQerrorMessage(handle_.get()));
  events_ = left == 0 ? POLLIN : POLLIN | POLLOUT;
  return left == 0;
}

void Session::copy() {
  const std::string& body = outgoing_.request.body;
  while (state_ == State::copying && copied_ < body.size()) {
    const std::size_t size = std::min(kCopyChunk, body.size() - copied_);
    const int taken = PQputCopyData(handle_.get(), body.data() + copied_, static_cast<int>(size));
    if (taken < 0) return lose(PQerrorMessage(handle_.get()));
    if (taken > 0) copied_ += size;
    if (!flushed()) return;
  }
  if (state_ != State::copying) return;
  const int ended = PQputCopyEnd(handle_.get(), nullptr);
  if (ended < 0) return lose(PQerrorMessage(handle_.get()));
  if (ended == 0) return;
  may_commit_ = true;
  deadline_ = end_;
  state_ = State::working;
}

void Session::read() {
  if (!flushed() && state_ == State::over) return;
  if (PQconsumeInput(handle_.get()) != 1) return lose(PQerrorMessage(handle_.get()));
  while (state_ == State::working && PQisBusy(handle_.get()) == 0) {
    const std::unique_ptr<PGresult, FreeResult> result(PQgetResult(handle_.get()));
    if (!result) {
      state_ = State::over;
      return;
    }
    take(result.get());
  }
}

void Session::take(const PGresult* result) {
  switch (PQresultStatus(result)) {
    case PGRES_COPY_IN: state_ = State::copying; break;
    case PGRES_TUPLES_OK: take_rows(result); break;
    case PGRES_FATAL_ERROR:
      if (PQstatus(handle_.get()) == CONNECTION_BAD) {
        lose(PQresultErrorMessage(result));
      } else if (error_.empty()) {
        take_error(result);
      }
      break;
    default: break;
  }
}

void Session::take_rows(const PGresult* result) {
  if (results_.size() > options_.max_reply_bytes) {
    failure_ = wire::Failure::too_large;
    return;
  }
  std::string text;
  wire::JsonWriter out(text);
  out.begin_array();
  for (int row = 0; row < PQntuples(result); ++row) {
    out.begin_array();
    for (int column = 0; column < PQnfields(result); ++column) {
      if (PQgetisnull(result, row, column) == 1) {
        out.null();
      } else {
        out.string({PQgetvalue(result, row, column),
                    static_cast<std::size_t>(PQgetlength(result, row, column))});
      }
    }
    out.end_array();
  }
  out.end_array();
  results_.append(results_.empty() ? "" : ",").append(text);
}

void Session::take_error(const PGresult* result) {
  wire::JsonWriter out(error_);
  out.begin_object();
  add_member(out, "code", field(result, PG_DIAG_SQLSTATE));
  add_member(out, "message", dsn_.scrub(field(result, PG_DIAG_MESSAGE_PRIMARY)));
  add_member(out, "detail", dsn_.scrub(field(result, PG_DIAG_MESSAGE_DETAIL)));
  add_member(out, "column", field(result, PG_DIAG_COLUMN_NAME));
  add_member(out, "constraint", field(result, PG_DIAG_CONSTRAINT_NAME));
  add_member(out, "line", copied_line(PQresultErrorField(result, PG_DIAG_CONTEXT)));
  out.end_object();
}

void Session::refuse(std::string_view code, const std::string& message) {
  wire::JsonWriter out(error_);
  out.begin_object();
  add_member(out, "code", code);
  add_member(out, "message", message);
  out.end_object();
  state_ = State::over;
}

/// Without the end of its data the server can only roll back.
void Session::lose(std::string_view why) {
  failure_ = may_commit_ ? wire::Failure::lost : wire::Failure::not_sent;
  failure_text_ = dsn_.scrub(tidy_message(why));
  state_ = State::over;
  usable_ = false;
  handle_.reset();
}

/// The transaction is over, and only its ROLLBACK has not been sent.
bool Session::refused() const {
  return handle_ && PQtransactionStatus(handle_.get()) == PQTRANS_INERROR;
}

std::optional<http::Finished> Session::advance() {
  if (state_ == State::connecting && connected()) send();
  if (state_ == State::working) read();
  if (state_ == State::copying) {
    copy();
    if (state_ == State::working) read();
  }
  if (state_ != State::over && std::chrono::steady_clock::now() >= deadline_) {
    lose("no answer in time");
  }
  if (state_ != State::over) return std::nullopt;
  return finish();
}

http::Finished Session::abandon() {
  lose("given up");
  return finish();
}

http::Finished Session::finish() {
  http::Finished finished;
  finished.id = outgoing_.id;
  finished.sent_at = sent_at_;
  finished.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  if (sent_at_ != SteadyTime{}) finished.bytes_sent = script_.size() + copied_;
  wire::Reply& reply = finished.reply;
  reply.failure = failure_;
  reply.failure_text = std::move(failure_text_);
  if (failure_ == wire::Failure::none) {
    reply.status = error_.empty() ? kDone : kRefused;
    reply.body = error_.empty() ? "[" + results_ + "]" : error_;
    reply.headers.push_back({"content-type", "application/json"});
  }
  finished.bytes_received = reply.body.size();
  usable_ = handle_ && PQstatus(handle_.get()) == CONNECTION_OK &&
            (PQtransactionStatus(handle_.get()) == PQTRANS_IDLE || refused());
  if (!usable_) handle_.reset();
  state_ = State::idle;
  deadline_ = SteadyTime::max();
  outgoing_ = {};
  return finished;
}

}  // namespace tailrace::postgres
