#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <libpq-fe.h>

#include "source/dsn.hpp"
#include "source/interrupt.hpp"

namespace tailrace {

struct FinishConnection {
  void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
};
using PostgresConnection = std::unique_ptr<PGconn, FinishConnection>;

/// Begins to connect; PQconnectPoll goes on with it. An address is given up where it acknowledges
/// nothing for `address_limit`. `encoding` is that of all text, the dsn's own where it is null.
/// Throws std::bad_alloc.
[[nodiscard]] PostgresConnection begin_connecting(const Dsn& dsn,
                                                  const std::string& application_name,
                                                  std::chrono::milliseconds address_limit,
                                                  const char* encoding = nullptr);

/// Why a connection could not be made.
struct ConnectFailure {
  std::string message;  // without secrets
  std::string state;    // SQLSTATE; 08001 where the server sent none
};
[[nodiscard]] ConnectFailure connect_failure(const Dsn& dsn, PGconn* connection);

/// Connects, at most connect_timeout for each host of the dsn. `interrupt` ends it early; only a
/// name server that does not answer can hold it longer, as libpq resolves names in one call.
/// `application_name` counts where the dsn and the environment name none. A dead peer is noticed
/// within two minutes (keepalives; the dsn may say otherwise).
/// Throws SourceError.
[[nodiscard]] PostgresConnection connect_postgres(const Dsn& dsn,
                                                  const std::string& application_name,
                                                  const Interrupt& interrupt);

}  // namespace tailrace
