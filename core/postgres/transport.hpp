#pragma once

#include <memory>

#include "http/transport.hpp"

namespace tailrace::postgres {

/// Carries requests to a PostgreSQL database (see session.hpp for their form), each in a
/// transaction of its own and on a connection that no other uses meanwhile. Takes the dsn, the
/// user agent and the deadlines of `options`. Connects with the first request. Throws
/// std::invalid_argument where libpq cannot read the dsn.
///
/// A request that ends `lost` may have been committed; one that the server could not commit, since
/// its data did not end, is `not_sent`.
[[nodiscard]] std::unique_ptr<http::Transport> make_transport(
    const http::TransportOptions& options);

}  // namespace tailrace::postgres
