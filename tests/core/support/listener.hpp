#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tailrace::testing {

/// A free loopback port. Each connection is served, and closed, by a thread of its own.
class Listener {
 public:
  using Serve = std::function<void(int connection)>;

  explicit Listener(Serve serve) : serve_(std::move(serve)) {
    socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(socket_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(socket_, 64) != 0 ||
        ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("no loopback port");
    }
    port_ = ntohs(address.sin_port);
    accepting_ = std::thread([this] { accept_all(); });
  }
  ~Listener() {
    ending_ = true;
    accepting_.join();
    ::close(socket_);
    for (std::thread& thread : serving_) thread.join();
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] int connections() const { return connections_; }

  /// Appends what comes next. False where nothing more comes, or the listener ends.
  bool receive(int connection, std::string& bytes) const {
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

 private:
  void accept_all() {
    while (!ending_) {
      pollfd waiting{socket_, POLLIN, 0};
      if (::poll(&waiting, 1, 20) <= 0) continue;
      const int connection = ::accept(socket_, nullptr, nullptr);
      if (connection < 0) continue;
      ++connections_;
      serving_.emplace_back([this, connection] {
        serve_(connection);
        ::close(connection);
      });
    }
  }

  Serve serve_;
  int socket_ = -1;
  int port_ = 0;
  std::atomic<bool> ending_{false};
  std::atomic<int> connections_{0};
  std::vector<std::thread> serving_;
  std::thread accepting_;
};

}  // namespace tailrace::testing
