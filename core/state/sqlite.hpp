#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace tailrace {

/// One prepared statement; reset when it goes out of use. Parameters and columns from 0.
class SqliteStatement {
 public:
  explicit SqliteStatement(class SqliteConnection& connection, sqlite3_stmt* statement)
      : connection_(&connection), statement_(statement) {}
  ~SqliteStatement();
  SqliteStatement(SqliteStatement&& other) noexcept;
  SqliteStatement& operator=(SqliteStatement&&) = delete;

  /// Bytes are not copied: they must live until the statement was stepped to its end.
  SqliteStatement& bind(std::int64_t value);
  SqliteStatement& bind(std::string_view text);
  SqliteStatement& bind_blob(std::string_view bytes);
  SqliteStatement& bind_real(double value);

  /// False after the last row.
  bool step();
  /// For statements that give no rows.
  void run();

  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] double real(int column) const;
  /// Text or blob. Valid until the next step.
  [[nodiscard]] std::string_view bytes(int column) const;

 private:
  SqliteConnection* connection_;
  sqlite3_stmt* statement_;
  int bound_ = 0;
};

/// A connection to one SQLite file. Failures throw: StateLost where the file is not what it was,
/// StoreUnavailable where it cannot be reached or written.
class SqliteConnection {
 public:
  /// Opens a file that is there. `vfs`: SQLite's name of a file layer; empty for the usual.
  SqliteConnection(const std::string& path, const std::string& vfs, int busy_timeout_ms);
  ~SqliteConnection();
  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;

  void execute(const std::string& sql);
  /// Prepared once for each `sql`, which must be a literal.
  [[nodiscard]] SqliteStatement prepare(const char* sql);
  /// The first column of the first row, as text; empty where there is none.
  [[nodiscard]] std::string ask(const char* sql);

  /// Raw bytes from the front of the file, as the file layer gives them.
  [[nodiscard]] std::string read_head(std::size_t bytes);
  [[nodiscard]] bool in_transaction() const;
  /// The file at the path is another one by now, or none.
  [[nodiscard]] bool has_moved();

  /// An error left it unsure what is on the disk: close it and open anew.
  [[nodiscard]] bool suspect() const { return suspect_; }
  void distrust() { suspect_ = true; }
  /// For a forked child: forgets the handle, whose locks and files are the parent's.
  void abandon();

  [[noreturn]] void fail(int code);

 private:
  struct Finalise {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::string path_;
  sqlite3* handle_ = nullptr;
  std::map<const char*, std::unique_ptr<sqlite3_stmt, Finalise>> statements_;
  bool suspect_ = false;
};

/// Everything between it and commit() happens together or not at all. A reading one sees one state
/// of the file throughout, needs no commit, and joins a transaction that is open already.
class SqliteTransaction {
 public:
  enum class Kind : std::uint8_t { writing, reading };

  explicit SqliteTransaction(SqliteConnection& connection, Kind kind = Kind::writing);
  ~SqliteTransaction();
  SqliteTransaction(const SqliteTransaction&) = delete;
  SqliteTransaction& operator=(const SqliteTransaction&) = delete;

  void commit();

 private:
  SqliteConnection& connection_;
  bool open_ = false;
};

/// While it lives, commits of the connection survive the process but may not survive the machine.
/// Made and ended outside a transaction.
class SqliteUnsynced {
 public:
  explicit SqliteUnsynced(SqliteConnection& connection);
  ~SqliteUnsynced();
  SqliteUnsynced(const SqliteUnsynced&) = delete;
  SqliteUnsynced& operator=(const SqliteUnsynced&) = delete;

 private:
  SqliteConnection& connection_;
};

}  // namespace tailrace
