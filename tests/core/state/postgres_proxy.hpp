#pragma once

#include <atomic>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "postgres_database.hpp"
#include "store_contract.hpp"

namespace tailrace::test {

/// Stands between a store and its server, on a socket of its own, and knows the protocol well
/// enough to see round trips: all that the client sends up to a Sync, and the answer to it.
class PostgresProxy {
 public:
  enum class Fault : std::uint8_t {
    none,
    lose_request,  // the server never gets it
    lose_answer,   // the server has done it, the client never learns
    kill_session,  // the server does it and ends the session with an error of its own
  };

  explicit PostgresProxy(const PostgresServer& server = PostgresServer::shared());
  ~PostgresProxy();
  PostgresProxy(const PostgresProxy&) = delete;
  PostgresProxy& operator=(const PostgresProxy&) = delete;

  [[nodiscard]] std::string url(const ScratchDatabase& database) const;

  /// Before the n-th round trip from now, counted from 1. The login is none.
  void fail_at(int round_trip, Fault fault);
  [[nodiscard]] bool has_failed() const { return failed_; }
  [[nodiscard]] int round_trips() const { return round_trips_; }
  /// As a pooler does: sessions that begin from now on are told another process number.
  void pose_as_pooler() { pooler_ = true; }
  /// Connections that begin from now on are taken and never answered.
  void fall_silent() { silent_ = true; }

 private:
  void listen();
  void serve(int client);
  bool login(int client, int server);
  bool round_trip(int client, int server);
  void kill_session();

  ScratchDirectory directory_;
  std::filesystem::path server_socket_;
  std::string admin_url_;
  int listener_ = -1;
  std::atomic<bool> pooler_{false};
  std::atomic<bool> silent_{false};
  std::atomic<bool> failed_{false};
  std::atomic<bool> ending_{false};
  std::atomic<int> round_trips_{0};
  std::atomic<int> fail_at_{0};
  std::atomic<Fault> fault_{Fault::none};
  std::atomic<int> backend_{0};
  std::mutex mutex_;
  std::vector<int> sockets_;
  std::vector<std::thread> threads_;
  std::thread listening_;
};

}  // namespace tailrace::test
