#pragma once

#include <cstddef>
#include <vector>

#include "state/postgres_link.hpp"

namespace tailrace {

/// How long the server may work or wait at one statement. Beyond that it gives up by itself.
struct PostgresLimits {
  int statement_ms;
  int lock_ms;
  int idle_ms;  // between statements: a frozen run must not keep the locks of its siblings
  bool durable = true;  // COMMIT returns when it is on disk
};
inline constexpr PostgresLimits kPostgresQuick{20'000, 10'000, 10'000};
inline constexpr PostgresLimits kPostgresLong{120'000, 10'000, 60'000};
/// A claim that has to wait for a row finds somebody at work: busy, within the two seconds that a
/// second run may take to end.
inline constexpr PostgresLimits kPostgresClaim{120'000, 1'000, 60'000};

/// What was drawn last of a limit may be forgotten when the machine loses its power.
inline constexpr PostgresLimits kPostgresBudget{10'000, 5'000, 5'000, false};

/// Everything between it and commit() happens together or not at all.
///
/// Writing ones are READ COMMITTED: whoever writes anything of a shard first locks the shard's row
/// (and the sync's row before it, where claims and resets are concerned), so all writers of a shard
/// stand in one line and read what the one before has committed; SERIALIZABLE would only add
/// retries. Reading ones are REPEATABLE READ: the shard's row and what lies below it are of one
/// moment, without holding anybody up; one inside an open transaction joins it.
///
/// Settings are made for the transaction, not for the session, because behind a pooler the next
/// transaction may be in another session. search_path first: a role's own could put functions of
/// somebody else before the built-in ones.
class PostgresTransaction {
 public:
  enum class Kind : std::uint8_t { writing, reading };

  PostgresTransaction(PostgresLink& link, Kind kind, PostgresLimits limits = kPostgresQuick);
  ~PostgresTransaction();
  PostgresTransaction(const PostgresTransaction&) = delete;
  PostgresTransaction& operator=(const PostgresTransaction&) = delete;

  /// One round trip each. The results are those of the given statements.
  std::vector<PostgresResult> run(std::vector<PostgresStatement> statements);
  PostgresResult run(PostgresStatement statement);

  /// Goes with the next round trip, or with one of its own when much has gathered.
  void later(PostgresStatement statement);

  /// What is still to be sent, `last`, COMMIT and then `after`, in one round trip. Gives the
  /// results of `last`.
  std::vector<PostgresResult> commit(std::vector<PostgresStatement> last = {},
                                     std::vector<PostgresStatement> after = {});

 private:
  void begin();

  PostgresLink& link_;
  PostgresLimits limits_;
  Kind kind_;
  bool joined_;
  bool begun_ = false;
  std::vector<PostgresStatement> gathered_;
  std::size_t gathered_bytes_ = 0;
};

}  // namespace tailrace
