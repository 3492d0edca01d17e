#include "state/sqlite.hpp"

#include <sqlite3.h>

#include <utility>

#include "state/errors.hpp"

namespace tailrace {
namespace {

/// What a result code says of the store. The file is damaged, or another than it was: lost.
/// Anything else may be better at the next try.
bool says_lost(int primary) {
  switch (primary) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_ERROR:       // a table or column is gone: every statement here is a literal
    case SQLITE_SCHEMA:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH: return true;
    default: return false;
  }
}

/// After these it is not known what reached the disk.
bool leaves_doubt(int primary) {
  switch (primary) {
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_INTERRUPT:
    case SQLITE_CORRUPT:
    case SQLITE_INTERNAL: return true;
    default: return false;
  }
}

}  // namespace

void SqliteConnection::Finalise::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

SqliteConnection::SqliteConnection(const std::string& path, const std::string& vfs,
                                   int busy_timeout_ms)
    : path_(path) {
  constexpr int flags =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
  const int code =
      sqlite3_open_v2(path.c_str(), &handle_, flags, vfs.empty() ? nullptr : vfs.c_str());
  try {
    if (handle_ == nullptr) throw std::bad_alloc();
    if (code != SQLITE_OK) fail(code);
    sqlite3_busy_timeout(handle_, busy_timeout_ms);
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  } catch (...) {
    sqlite3_close_v2(handle_);
    throw;
  }
}

SqliteConnection::~SqliteConnection() {
  statements_.clear();
  sqlite3_close_v2(handle_);
}

void SqliteConnection::abandon() {
  for (auto& [sql, statement] : statements_) static_cast<void>(statement.release());
  statements_.clear();
  handle_ = nullptr;
}

void SqliteConnection::fail(int code) {
  const int primary = code & 0xFF;
  if (leaves_doubt(primary)) suspect_ = true;
  const std::string what = "state: " + path_ + ": " + sqlite3_errstr(code) + " (" +
                           (handle_ == nullptr ? "no handle" : sqlite3_errmsg(handle_)) +
                           ", code " + std::to_string(code) + ")";
  if (says_lost(primary)) {
    throw StateLost(what + "; restore the store, or take a new baseline with reset");
  }
  throw StoreUnavailable(what);
}

void SqliteConnection::execute(const std::string& sql) {
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code);
}

SqliteStatement SqliteConnection::prepare(const char* sql) {
  auto& held = statements_[sql];
  if (!held) {
    sqlite3_stmt* made = nullptr;
    const int code =
        sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &made, nullptr);
    if (code != SQLITE_OK) fail(code);
    held.reset(made);
  }
  return SqliteStatement(*this, held.get());
}

std::string SqliteConnection::ask(const char* sql) {
  SqliteStatement statement = prepare(sql);
  return statement.step() ? std::string(statement.bytes(0)) : std::string();
}

std::string SqliteConnection::read_head(std::size_t bytes) {
  sqlite3_file* file = nullptr;
  const int code = sqlite3_file_control(handle_, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  if (code != SQLITE_OK) fail(code);
  std::string head(bytes, '\0');
  const int read = file->pMethods->xRead(file, head.data(), static_cast<int>(bytes), 0);
  if (read != SQLITE_OK && read != SQLITE_IOERR_SHORT_READ) fail(read);
  return head;
}

bool SqliteConnection::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

bool SqliteConnection::has_moved() {
  int moved = 0;
  sqlite3_file_control(handle_, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  return moved != 0;
}

SqliteStatement::SqliteStatement(SqliteStatement&& other) noexcept
    : connection_(other.connection_),
      statement_(std::exchange(other.statement_, nullptr)),
      bound_(other.bound_) {}

SqliteStatement::~SqliteStatement() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

SqliteStatement& SqliteStatement::bind(std::int64_t value) {
  const int code = sqlite3_bind_int64(statement_, ++bound_, value);
  if (code != SQLITE_OK) connection_->fail(code);
  return *this;
}

// A null pointer would bind NULL, and an empty view may have one.
SqliteStatement& SqliteStatement::bind(std::string_view text) {
  const char* from = text.data() == nullptr ? "" : text.data();
  const int code =
      sqlite3_bind_text64(statement_, ++bound_, from, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  if (code != SQLITE_OK) connection_->fail(code);
  return *this;
}

SqliteStatement& SqliteStatement::bind_blob(std::string_view bytes) {
  const char* from = bytes.data() == nullptr ? "" : bytes.data();
  const int code = sqlite3_bind_blob64(statement_, ++bound_, from, bytes.size(), SQLITE_STATIC);
  if (code != SQLITE_OK) connection_->fail(code);
  return *this;
}

SqliteStatement& SqliteStatement::bind_real(double value) {
  const int code = sqlite3_bind_double(statement_, ++bound_, value);
  if (code != SQLITE_OK) connection_->fail(code);
  return *this;
}

bool SqliteStatement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) connection_->fail(code);
  return false;
}

void SqliteStatement::run() {
  while (step()) {}
}

std::int64_t SqliteStatement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

double SqliteStatement::real(int column) const { return sqlite3_column_double(statement_, column); }

std::string_view SqliteStatement::bytes(int column) const {
  const void* from = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return from == nullptr
             ? std::string_view()
             : std::string_view(static_cast<const char*>(from), static_cast<std::size_t>(size));
}

SqliteTransaction::SqliteTransaction(SqliteConnection& connection, Kind kind)
    : connection_(connection) {
  if (kind == Kind::reading && connection_.in_transaction()) return;
  connection_.execute(kind == Kind::writing ? "BEGIN IMMEDIATE" : "BEGIN");
  open_ = true;
}

SqliteTransaction::~SqliteTransaction() {
  if (!open_) return;
  try {
    connection_.execute("ROLLBACK");
  } catch (const std::exception&) {
    // SQLite has rolled back by itself after some errors; what it cannot undo leaves it suspect.
  }
}

void SqliteTransaction::commit() {
  connection_.execute("COMMIT");
  open_ = false;
}

SqliteUnsynced::SqliteUnsynced(SqliteConnection& connection) : connection_(connection) {
  connection_.execute("PRAGMA synchronous = NORMAL");
}

SqliteUnsynced::~SqliteUnsynced() {
  try {
    connection_.execute("PRAGMA synchronous = FULL");
  } catch (const std::exception&) {
    connection_.distrust();
  }
}

}  // namespace tailrace
