#pragma once

#include <atomic>
#include <chrono>
#include <nlohmann/json.hpp>

#include "destination/destination.hpp"
#include "http/pacer.hpp"
#include "http/transport.hpp"
#include "run/account_budget.hpp"
#include "run/ask.hpp"
#include "run/clock.hpp"
#include "run/login.hpp"
#include "run/report.hpp"

namespace tailrace {

/// Asks a destination many questions one after the other, within its limits: what verifying needs.
/// A refusal for the rate or a lost answer is tried again a few times.
class Questions {
 public:
  struct Parts {
    const Destination& destination;
    Login& login;
    http::Transport& transport;
    const Clock& clock;
    AccountBudget& account;
    const std::atomic<bool>& cancelled;
    HttpCounts& counts;
  };

  Questions(Parts parts, const nlohmann::json& connection, std::vector<wire::RateRule> rates);

  /// Its `failure` is set where the tool did not answer, or refused. Throws nothing of its own;
  /// a cancel ends it with a failure.
  [[nodiscard]] Answer ask(const ReadAsk& question);

 private:
  [[nodiscard]] wire::Reply fetch(const ReadAsk& question, const Call& call, ReadStep& step);
  [[nodiscard]] wire::Reply send(const Call& call, std::uint64_t& generation);
  [[nodiscard]] std::optional<wire::Reply> await_login();
  [[nodiscard]] bool wait(std::chrono::milliseconds time);
  [[nodiscard]] std::optional<wire::Reply> await_turn(wire::RateClass rate_class);
  [[nodiscard]] std::optional<wire::Reply> await(http::CallId id);

  Parts parts_;
  std::vector<wire::Header> headers_;
  http::Pacer pacer_;
  http::CallId next_id_ = 1;
};

}  // namespace tailrace
