#pragma once

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

/// Connects, at most connect_timeout for each host of the dsn. `interrupt` ends it early; only a
/// name server that does not answer can hold it longer, as libpq resolves names in one call.
/// `application_name` counts where the dsn and the environment name none. A dead peer is noticed
/// within two minutes (keepalives; the dsn may say otherwise).
/// Throws SourceError.
[[nodiscard]] PostgresConnection connect_postgres(const Dsn& dsn,
                                                  const std::string& application_name,
                                                  const Interrupt& interrupt);

}  // namespace tailrace
