#pragma once

#include <sys/socket.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "support/listener.hpp"

namespace tailrace::testing {

/// One request whose body is read, and answer is sent, piece by piece.
class Exchange {
 public:
  Exchange(int connection, const Listener& listener)
      : connection_(connection), listener_(listener) {}

  [[nodiscard]] const std::string& head() const { return head_; }
  [[nodiscard]] bool has_header(std::string_view text) const {
    return head_.find(text) != std::string::npos;
  }

  /// The next bytes of the body, empty at its end; throws where the connection ends before.
  std::string piece() {
    while (left_ == 0) {
      if (!chunked_ || last_) return {};
      left_ = std::stoul(line(), nullptr, 16);
      if (left_ == 0) {
        last_ = true;
        line();  // no trailers
      } else {
        ++chunks_;
      }
    }
    if (bytes_.empty()) more();
    std::string out = bytes_.substr(0, left_);
    bytes_.erase(0, out.size());
    left_ -= out.size();
    if (left_ == 0 && chunked_ && !last_) line();
    return out;
  }
  [[nodiscard]] std::string rest() {
    std::string all;
    for (std::string next = piece(); !next.empty(); next = piece()) all += next;
    return all;
  }
  [[nodiscard]] bool read_whole() const { return left_ == 0 && (!chunked_ || last_); }
  [[nodiscard]] int chunks() const { return chunks_; }

  void send(std::string_view out) const {
    while (!out.empty()) {
      const ssize_t sent = ::send(connection_, out.data(), out.size(), MSG_NOSIGNAL);
      if (sent <= 0) throw std::runtime_error("the client is gone");
      out.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  /// The next request's head; false where there is none.
  bool begin() {
    head_.clear();
    left_ = 0;
    chunked_ = last_ = false;
    chunks_ = 0;
    try {
      std::string next = line();
      for (; !next.empty(); next = line()) head_ += next + "\r\n";
    } catch (const std::runtime_error&) {
      return false;
    }
    chunked_ = has_header("Transfer-Encoding: chunked");
    const auto at = head_.find("Content-Length: ");
    if (at != std::string::npos) left_ = std::stoul(head_.substr(at + 16));
    return true;
  }

 private:
  void more() {
    if (!listener_.receive(connection_, bytes_)) throw std::runtime_error("the client is gone");
  }
  std::string line() {
    std::size_t end = 0;
    while ((end = bytes_.find("\r\n")) == std::string::npos) more();
    std::string out = bytes_.substr(0, end);
    bytes_.erase(0, end + 2);
    return out;
  }

  int connection_;
  const Listener& listener_;
  std::string bytes_;
  std::string head_;
  std::size_t left_ = 0;
  bool chunked_ = false;
  bool last_ = false;
  int chunks_ = 0;
};

/// A loopback server that keeps nothing of what it is sent. A connection goes on while its
/// requests were read whole.
class StreamServer {
 public:
  using Handler = std::function<void(Exchange&)>;

  explicit StreamServer(Handler handler)
      : handler_(std::move(handler)), listener_([this](int connection) { serve(connection); }) {}

  [[nodiscard]] std::string url() const { return listener_.url(); }

 private:
  void serve(int connection) {
    Exchange exchange(connection, listener_);
    try {
      while (exchange.begin()) {
        handler_(exchange);
        if (!exchange.read_whole()) break;
      }
    } catch (const std::runtime_error&) {
      // The client has gone, or the test is over.
    }
  }

  Handler handler_;
  Listener listener_;  // the last: it serves from when it is there until it is gone
};

}  // namespace tailrace::testing
