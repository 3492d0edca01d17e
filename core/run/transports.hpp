#pragma once

#include <memory>

#include "http/transport.hpp"

namespace tailrace {

/// What carries a connection's requests: libpq where it has a dsn, else libcurl. Throws
/// std::invalid_argument where the address is none that may be used.
[[nodiscard]] std::unique_ptr<http::Transport> make_transport(
    const http::TransportOptions& options);

}  // namespace tailrace
