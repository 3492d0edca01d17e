#pragma once

#include <sys/socket.h>

#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "support/listener.hpp"

namespace tailrace::testing {

/// One HTTP request as it came over the wire.
struct RawRequest {
  std::string head;  // request line and headers
  std::string body;
  int nth_on_connection = 0;  // from 1

  [[nodiscard]] bool has_header(const std::string& text) const {
    return head.find(text) != std::string::npos;
  }
};

/// What a handler does with the connection after its answer.
enum class Then { keep, close, reset };

/// A loopback server for one behaviour: every whole request goes to the handler, which writes raw
/// bytes. Connections are served one thread each, so that many may be in flight.
class RawServer {
 public:
  using Handler = std::function<Then(const RawRequest&, const std::function<void(std::string)>&)>;

  explicit RawServer(Handler handler)
      : handler_(std::move(handler)), listener_([this](int connection) { serve(connection); }) {}

  [[nodiscard]] std::string url() const { return listener_.url(); }
  [[nodiscard]] std::vector<RawRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  [[nodiscard]] int connections() const { return listener_.connections(); }

 private:
  void serve(int connection) {
    std::string bytes;
    int nth = 0;
    for (;;) {
      RawRequest request;
      if (!read_request(connection, bytes, request)) break;
      request.nth_on_connection = ++nth;
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      const Then then = handler_(request, [connection](const std::string& out) {
        (void)!::send(connection, out.data(), out.size(), MSG_NOSIGNAL);
      });
      if (then == Then::keep) continue;
      if (then == Then::reset) {
        const linger now{1, 0};
        ::setsockopt(connection, SOL_SOCKET, SO_LINGER, &now, sizeof now);
      }
      break;
    }
  }

  bool read_request(int connection, std::string& bytes, RawRequest& request) {
    std::size_t end = 0;
    while ((end = bytes.find("\r\n\r\n")) == std::string::npos) {
      if (!listener_.receive(connection, bytes)) return false;
    }
    request.head = bytes.substr(0, end + 2);
    bytes.erase(0, end + 4);
    const auto at = request.head.find("Content-Length: ");
    const std::size_t length =
        at == std::string::npos ? 0 : std::stoul(request.head.substr(at + 16));
    while (bytes.size() < length) {
      if (!listener_.receive(connection, bytes)) return false;
    }
    request.body = bytes.substr(0, length);
    bytes.erase(0, length);
    return true;
  }

  Handler handler_;
  mutable std::mutex mutex_;
  std::vector<RawRequest> requests_;
  Listener listener_;  // the last: it serves from when it is there until it is gone
};

inline std::string http_answer(int status, const std::string& body,
                               const std::string& headers = {}) {
  return "HTTP/1.1 " + std::to_string(status) +
         " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body;
}

}  // namespace tailrace::testing
