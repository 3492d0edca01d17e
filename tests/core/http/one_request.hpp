#pragma once

#include <chrono>
#include <stdexcept>
#include <utility>

#include "http/transport.hpp"

namespace tailrace::http {

/// Starts a request and waits for its end, ten seconds at the most.
inline Finished one(Transport& transport, Outgoing outgoing) {
  using std::chrono::milliseconds;
  transport.start(std::move(outgoing));
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < end) {
    auto finished = transport.poll(milliseconds(50));
    if (!finished.empty()) return std::move(finished.front());
  }
  throw std::runtime_error("no end of the request within 10 s");
}

}  // namespace tailrace::http
