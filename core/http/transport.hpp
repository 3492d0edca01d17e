#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "http/address.hpp"
#include "wire/rate.hpp"
#include "wire/request.hpp"

namespace tailrace::http {

using CallId = std::uint64_t;
using SteadyTime = std::chrono::steady_clock::time_point;

/// A request ready to go: the destination's, with base URL and credentials put on.
struct Outgoing {
  CallId id = 0;
  wire::Request request;
  std::vector<wire::Header> credentials;  // never logged
  std::shared_ptr<const BaseUrl> base;    // in place of the transport's own, where set
  SteadyTime send_by = SteadyTime::max();  // checked right before the first byte leaves
  bool idempotent = false;  // a read; whatever it is, nothing is re-sent below us
};

struct Finished {
  CallId id = 0;
  wire::Reply reply;
  SteadyTime sent_at{};       // when the first byte left; epoch where none did
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  double seconds = 0;
};

/// Carries requests to one connection. Used from one thread; wake() alone from any.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual void start(Outgoing outgoing) = 0;
  /// Works until something finished, wake() was called or `wait` has passed. Throws what the
  /// source of a body or the sink of an answer threw; that request is then gone.
  [[nodiscard]] virtual std::vector<Finished> poll(std::chrono::milliseconds wait) = 0;
  virtual void wake() noexcept = 0;
  /// Gives up what is in flight: each ends not_sent, or lost where a byte had left.
  virtual void abandon() = 0;
  [[nodiscard]] virtual std::size_t in_flight() const = 0;
};

struct TransportOptions {
  std::string base_url;      // https, or http to a loopback address
  std::string dsn;           // of a database, in place of base_url
  std::string ca_file;       // empty: libcurl's own
  std::string user_agent;
  std::string proxy;         // only by configuration; the environment is not read
  std::size_t max_in_flight = 8;
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds total_timeout{60'000};
  std::chrono::milliseconds idle_timeout{60'000};  // without a byte in either direction
  std::size_t max_reply_bytes = 32u << 20;
  std::uint64_t max_sink_bytes = 2ull << 30;  // of an answer that a sink takes
  bool allow_private = false;  // addresses of private ranges (loopback is allowed by its name)
};

/// libcurl multi. Throws std::invalid_argument for a base URL that is neither https nor loopback,
/// and for a `ca_file` that cannot be read.
[[nodiscard]] std::unique_ptr<Transport> make_curl_transport(const TransportOptions& options);

}  // namespace tailrace::http
