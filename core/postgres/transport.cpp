#include "postgres/transport.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

#include "postgres/session.hpp"
#include "source/source.hpp"

namespace tailrace::postgres {
namespace {

using std::chrono::milliseconds;

[[nodiscard]] Dsn dsn_of(const http::TransportOptions& options) {
  try {
    return Dsn(options.dsn);
  } catch (const SourceError&) {
    throw std::invalid_argument(
        "dsn: is not a valid PostgreSQL connection string (expected "
        "postgresql://user@host:5432/database or host=… dbname=…; in a URI, special characters of "
        "a password are written as %XX)");
  }
}

/// Wakes a poll() from another thread.
class Bell {
 public:
  Bell() : file_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (file_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  }
  ~Bell() { ::close(file_); }
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;

  void ring() const noexcept {
    // Fails where it is rung already.
    [[maybe_unused]] const int failed = ::eventfd_write(file_, 1);
  }
  void still() const noexcept {
    eventfd_t rings = 0;
    [[maybe_unused]] const int failed = ::eventfd_read(file_, &rings);
  }
  [[nodiscard]] int file() const { return file_; }

 private:
  int file_;
};

class DatabaseTransport final : public http::Transport {
 public:
  explicit DatabaseTransport(const http::TransportOptions& options)
      : options_(options), dsn_(dsn_of(options)) {}

  void start(http::Outgoing outgoing) override {
    std::unique_ptr<Session> session;
    if (idle_.empty()) {
      session = std::make_unique<Session>(dsn_, options_);
    } else {
      session = std::move(idle_.back());
      idle_.pop_back();
    }
    session->start(std::move(outgoing));
    active_.push_back(std::move(session));
  }

  std::vector<http::Finished> poll(milliseconds wait) override {
    advance();
    if (finished_.empty()) {
      wait_for_any(wait);
      advance();
    }
    return std::exchange(finished_, {});
  }

  void wake() noexcept override { bell_.ring(); }

  void abandon() override {
    for (const std::unique_ptr<Session>& session : active_) {
      finished_.push_back(session->abandon());
    }
    active_.clear();
  }

  std::size_t in_flight() const override { return active_.size(); }

 private:
  void advance() {
    for (std::size_t i = 0; i < active_.size();) {
      std::optional<http::Finished> finished = active_[i]->advance();
      if (!finished) {
        ++i;
        continue;
      }
      finished_.push_back(std::move(*finished));
      if (active_[i]->usable()) idle_.push_back(std::move(active_[i]));
      active_.erase(active_.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }

  void wait_for_any(milliseconds wait) const {
    std::vector<pollfd> watched{{bell_.file(), POLLIN, 0}};
    const http::SteadyTime now = std::chrono::steady_clock::now();
    for (const std::unique_ptr<Session>& session : active_) {
      watched.push_back({session->socket(), session->events(), 0});
      const auto left = std::chrono::ceil<milliseconds>(session->deadline() - now);
      wait = std::min(wait, left);
    }
    const auto ms = static_cast<int>(std::max<std::int64_t>(0, wait.count()));
    if (::poll(watched.data(), watched.size(), ms) < 0 && errno != EINTR) {
      throw std::system_error(errno, std::generic_category(), "poll");
    }
    bell_.still();
  }

  http::TransportOptions options_;
  Dsn dsn_;
  Bell bell_;
  std::vector<std::unique_ptr<Session>> active_;
  std::vector<std::unique_ptr<Session>> idle_;
  std::vector<http::Finished> finished_;
};

}  // namespace

std::unique_ptr<http::Transport> make_transport(const http::TransportOptions& options) {
  return std::make_unique<DatabaseTransport>(options);
}

}  // namespace tailrace::postgres
