#include "state/postgres_transaction.hpp"

#include <chrono>
#include <iterator>
#include <string>
#include <utility>

namespace tailrace {
namespace {

constexpr std::size_t kGatheredBytes = 4 * 1024 * 1024;
constexpr std::size_t kGatheredStatements = 1000;

// Longer than the server's own limits, so that its error comes first.
constexpr int kPatienceBeyondMs = 10'000;

constexpr const char* kSettings =
    "SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true), "
    "pg_catalog.set_config('synchronous_commit', $4, true), "
    "pg_catalog.set_config('statement_timeout', $1, true), "
    "pg_catalog.set_config('lock_timeout', $2, true), "
    "pg_catalog.set_config('idle_in_transaction_session_timeout', $3, true)";

}  // namespace

PostgresTransaction::PostgresTransaction(PostgresLink& link, Kind kind, PostgresLimits limits)
    : link_(link),
      limits_(limits),
      kind_(kind),
      joined_(kind == Kind::reading && link.in_transaction()) {}

PostgresTransaction::~PostgresTransaction() {
  if (joined_ || link_.lost() || !link_.in_transaction()) return;
  try {
    link_.run(batch(PostgresStatement("ROLLBACK")));
  } catch (const PostgresFault&) {
    // The link is lost then, and the server rolls back by itself.
  }
}

void PostgresTransaction::begin() {
  if (begun_ || joined_) return;
  begun_ = true;
  link_.set_patience(std::chrono::milliseconds(limits_.statement_ms + kPatienceBeyondMs));
  const char* begin = kind_ == Kind::writing ? "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
                                             : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
  std::vector<PostgresStatement> first =
      batch(PostgresStatement(begin),
            PostgresStatement(kSettings, std::to_string(limits_.statement_ms),
                              std::to_string(limits_.lock_ms), std::to_string(limits_.idle_ms),
                              limits_.durable ? "on" : "off"));
  gathered_.insert(gathered_.begin(), std::make_move_iterator(first.begin()),
                   std::make_move_iterator(first.end()));
}

std::vector<PostgresResult> PostgresTransaction::run(std::vector<PostgresStatement> statements) {
  begin();
  std::vector<PostgresStatement> all = std::exchange(gathered_, {});
  gathered_bytes_ = 0;
  const auto before = static_cast<std::ptrdiff_t>(all.size());
  all.insert(all.end(), std::make_move_iterator(statements.begin()),
             std::make_move_iterator(statements.end()));
  std::vector<PostgresResult> results = link_.run(all);
  return {std::make_move_iterator(results.begin() + before),
          std::make_move_iterator(results.end())};
}

PostgresResult PostgresTransaction::run(PostgresStatement statement) {
  return std::move(run(batch(std::move(statement))).front());
}

void PostgresTransaction::later(PostgresStatement statement) {
  gathered_bytes_ += statement.params.bytes();
  gathered_.push_back(std::move(statement));
  const bool much = gathered_bytes_ > kGatheredBytes || gathered_.size() >= kGatheredStatements;
  if (much) run(std::vector<PostgresStatement>{});
}

std::vector<PostgresResult> PostgresTransaction::commit(std::vector<PostgresStatement> last,
                                                        std::vector<PostgresStatement> after) {
  if (joined_) return run(std::move(last));
  const std::size_t asked = last.size();
  last.emplace_back("COMMIT");
  for (PostgresStatement& statement : after) last.push_back(std::move(statement));
  std::vector<PostgresResult> results = run(std::move(last));
  // A transaction that has failed answers COMMIT with ROLLBACK, and no error.
  if (results[asked].command() != "COMMIT") {
    throw PostgresFault("the transaction was rolled back", "40000", false);
  }
  while (results.size() > asked) results.pop_back();
  return results;
}

}  // namespace tailrace
