#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

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

  explicit RawServer(Handler handler) : handler_(std::move(handler)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("no loopback port");
    }
    port_ = ntohs(address.sin_port);
    accepting_ = std::thread([this] { accept_all(); });
  }

  ~RawServer() {
    ending_ = true;
    accepting_.join();
    ::close(listener_);
    for (std::thread& thread : serving_) thread.join();
  }
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::vector<RawRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  [[nodiscard]] int connections() const { return connections_; }

 private:
  void accept_all() {
    while (!ending_) {
      pollfd waiting{listener_, POLLIN, 0};
      if (::poll(&waiting, 1, 20) <= 0) continue;
      const int connection = ::accept(listener_, nullptr, nullptr);
      if (connection < 0) continue;
      ++connections_;
      serving_.emplace_back([this, connection] { serve(connection); });
    }
  }

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
    ::close(connection);
  }

  bool read_more(int connection, std::string& bytes) {
    while (!ending_) {
      pollfd waiting{connection, POLLIN, 0};
      if (::poll(&waiting, 1, 20) <= 0) continue;
      char block[65536];
      const ssize_t got = ::recv(connection, block, sizeof block, 0);
      if (got <= 0) return false;
      bytes.append(block, static_cast<std::size_t>(got));
      return true;
    }
    return false;
  }

  bool read_request(int connection, std::string& bytes, RawRequest& request) {
    std::size_t end = 0;
    while ((end = bytes.find("\r\n\r\n")) == std::string::npos) {
      if (!read_more(connection, bytes)) return false;
    }
    request.head = bytes.substr(0, end + 2);
    bytes.erase(0, end + 4);
    const auto at = request.head.find("Content-Length: ");
    const std::size_t length =
        at == std::string::npos ? 0 : std::stoul(request.head.substr(at + 16));
    while (bytes.size() < length) {
      if (!read_more(connection, bytes)) return false;
    }
    request.body = bytes.substr(0, length);
    bytes.erase(0, length);
    return true;
  }

  Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> ending_{false};
  std::atomic<int> connections_{0};
  mutable std::mutex mutex_;
  std::vector<RawRequest> requests_;
  std::vector<std::thread> serving_;
  std::thread accepting_;
};

inline std::string http_answer(int status, const std::string& body,
                               const std::string& headers = {}) {
  return "HTTP/1.1 " + std::to_string(status) +
         " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body;
}

}  // namespace tailrace::testing
