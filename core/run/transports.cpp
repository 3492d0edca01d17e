#include "run/transports.hpp"

#include "postgres/transport.hpp"

namespace tailrace {

std::unique_ptr<http::Transport> make_transport(const http::TransportOptions& options) {
  return options.dsn.empty() ? http::make_curl_transport(options)
                             : postgres::make_transport(options);
}

}  // namespace tailrace
