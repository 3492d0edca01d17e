#include "source/postgres_source.hpp"

#include <optional>
#include <utility>

#include <sys/socket.h>

#include <pqxx/connection>
#include <pqxx/except>
#include <pqxx/stream_from>
#include <pqxx/transaction>
#include <pqxx/version>

#include "source/failure.hpp"
#include "source/postgres_connect.hpp"
#include "source/postgres_error.hpp"
#include "source/postgres_types.hpp"

namespace tailrace {
namespace {

using Transaction =
    pqxx::transaction<pqxx::isolation_level::repeatable_read, pqxx::write_policy::read_only>;

// Of DateStyle the part behind the comma stays the session's: it only says how the model's own
// date literals are read. extra_float_digits above 0 means shortest exact text since PostgreSQL 12;
// older servers need the 3 for floats that read back the same.
constexpr const char* kPinnedSettings =
    "SET LOCAL client_encoding TO 'UTF8';"
    "SET LOCAL DateStyle TO 'ISO';"
    "SET LOCAL TimeZone TO 'UTC';"
    "SET LOCAL extra_float_digits TO 3;"
    "SET LOCAL bytea_output TO 'hex';"
    "SET LOCAL IntervalStyle TO 'iso_8601';"
    "SET LOCAL lc_monetary TO 'C'";

// The server looks once a second whether we are still there, also while it sorts and sends
// nothing. So neither a cancel nor a killed worker leaves a long query behind.
constexpr int kWatchesClients = 140000;
constexpr const char* kWatchClient =
    "SAVEPOINT watch; SET LOCAL client_connection_check_interval TO '1s'; RELEASE watch";

/// Runs exactly one statement: the extended protocol refuses a second one behind a semicolon.
pqxx::result execute_single(Transaction& transaction, const std::string& sql) {
#if PQXX_VERSION_MAJOR > 7 || PQXX_VERSION_MINOR >= 10
  return transaction.exec(sql, pqxx::params{});
#else
  return transaction.exec_params(sql);
#endif
}

/// A comment cannot end early, nor begin another, where no asterisk is left in it.
std::string without_comment_marks(const std::string& text) {
  std::string clean;
  for (const char c : text) {
    const bool control = static_cast<unsigned char>(c) < ' ' || c == '\x7f';
    if (c != '*' && !control) clean.push_back(c);
  }
  return clean;
}

}  // namespace

struct PostgresSource::Session {
  Session(PostgresConnection raw, Interrupt& interrupt)
      : socket(PQsocket(raw.get())),
        connection(pqxx::connection::seize_raw_connection(raw.release())),
        guarded(interrupt, socket),
        transaction(connection) {}

  /// Given up in the middle, the socket is shut down first: libpqxx rolls back, and libpq would
  /// read all the rest of the COPY before it sent that.
  ~Session() {
    if (stream && *stream) ::shutdown(socket, SHUT_RDWR);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Destroyed from the bottom up: a rollback can still be interrupted, a closed socket cannot.
  int socket;
  pqxx::connection connection;
  GuardedSocket guarded;
  Transaction transaction;
  std::optional<pqxx::stream_from> stream;
};

PostgresSource::PostgresSource(std::string dsn, std::string select, Options options)
    : dsn_(std::move(dsn)), select_(std::move(select)), options_(std::move(options)) {}

PostgresSource::~PostgresSource() = default;

template <typename Work>
auto PostgresSource::guarded(const char* failed, const Work& work) {
  try {
    return work();
  } catch (const SourceError&) {
    session_.reset();
    throw;
  } catch (const pqxx::failure& error) {
    session_.reset();
    if (interrupt_.raised()) throw cancelled_error();
    const std::string state = sqlstate_of(error);
    throw SourceError(std::string("source: ") + failed + ": " +
                          dsn_.scrub(tidy_message(error.what())) + " (SQLSTATE " + state + ")",
                      is_configuration(state), state);
  }
}

std::vector<SourceColumn> PostgresSource::open() {
  return guarded("the warehouse refused the query", [this] {
    connect();
    std::vector<SourceColumn> described = columns();
    // The factory that libpqxx prefers gives no raw lines, only parsed fields.
    session_->stream.emplace(session_->transaction, pqxx::from_query, commented_select());
    return described;
  });
}

std::vector<SourceColumn> PostgresSource::describe() {
  return guarded("the warehouse refused the query", [this] {
    connect();
    std::vector<SourceColumn> described = columns();
    session_.reset();
    return described;
  });
}

bool PostgresSource::next(Chunk& chunk) {
  chunk.clear();
  if (!session_) {
    if (interrupt_.raised()) throw cancelled_error();
    return false;
  }
  return guarded("reading the model broke off", [this, &chunk] {
    while (!chunk.full()) {
      const pqxx::stream_from::raw_line line = session_->stream->get_raw_line();
      if (!line.first) {
        session_->transaction.commit();
        session_.reset();
        break;
      }
      chunk.append({line.first.get(), line.second});
    }
    return chunk.rows() > 0;
  });
}

void PostgresSource::cancel() noexcept { interrupt_.raise(); }

void PostgresSource::connect() {
  session_ = std::make_unique<Session>(
      connect_postgres(dsn_, options_.application_name, interrupt_), interrupt_);
  Transaction& transaction = session_->transaction;
  transaction.exec(kPinnedSettings);
  if (session_->connection.server_version() < kWatchesClients) return;
  try {
    transaction.exec(kWatchClient);
  } catch (const pqxx::sql_error&) {
    // Servers on platforms that cannot watch a socket refuse the setting.
    transaction.exec("ROLLBACK TO watch");
  }
}

std::vector<SourceColumn> PostgresSource::columns() {
  // Described in the extended protocol before COPY is: what passes here is one statement with its
  // parentheses and quotes closed, so that nothing can break out of the parentheses of COPY.
  const pqxx::result shape = execute_single(
      session_->transaction, "SELECT * FROM (" + commented_select() + ") AS model LIMIT 0");
  if (shape.columns() == 0) throw SourceError("source: the query has no columns", true, "42601");
  std::string ask = "SELECT ";
  for (pqxx::row_size_type i = 0; i < shape.columns(); ++i) {
    ask += (i == 0 ? "format_type(" : ", format_type(") + std::to_string(shape.column_type(i)) +
           ", NULL)";
  }
  const pqxx::result names = session_->transaction.exec(ask);
  std::vector<SourceColumn> described;
  described.reserve(static_cast<std::size_t>(shape.columns()));
  for (pqxx::row_size_type i = 0; i < shape.columns(); ++i) {
    described.push_back(
        {shape.column_name(i), type_of_oid(shape.column_type(i)), names[0][i].c_str()});
  }
  return described;
}

std::string PostgresSource::commented_select() const {
  std::string sql;
  if (!options_.comment.empty()) sql = "/* " + without_comment_marks(options_.comment) + " */ ";
  // The newline ends a comment that the model's SQL may end with.
  return sql + select_ + "\n";
}

}  // namespace tailrace
