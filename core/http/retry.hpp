#pragma once

#include <chrono>
#include <cstdint>
#include <random>

namespace tailrace::http {

/// Retries allowed: a share of the requests made, and a floor. Finagle's and the AWS SDK's budgets
/// are of this kind; one outage then costs at most 1.2 requests a batch.
class RetryBudget {
 public:
  explicit RetryBudget(double share = 0.2, double floor = 10) : share_(share), tokens_(floor) {}
  void request_made() { tokens_ += share_; }
  [[nodiscard]] bool take() {
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

 private:
  double share_;
  double tokens_;
};

/// Full jitter: uniform between 0 and min(cap, base · 2^attempt).
[[nodiscard]] std::chrono::milliseconds full_jitter(int attempt, std::chrono::milliseconds base,
                                                    std::chrono::milliseconds cap,
                                                    std::mt19937_64& random);

/// Stops requests to a system that is down: after `threshold` failures in a row it opens, and lets
/// one probe through each `probe_every` (doubling up to `probe_cap`) until one succeeds.
class Breaker {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit Breaker(int threshold = 5,
                   std::chrono::milliseconds probe_every = std::chrono::milliseconds(2000),
                   std::chrono::milliseconds probe_cap = std::chrono::milliseconds(30'000))
      : threshold_(threshold), probe_every_(probe_every), probe_cap_(probe_cap) {}

  void succeeded();
  void failed(Time now);
  [[nodiscard]] bool open() const { return failures_ >= threshold_; }
  /// Zero: a request may start now (closed, or the probe is due).
  [[nodiscard]] std::chrono::milliseconds wait_for(Time now) const;
  void probing(Time now);

 private:
  int threshold_;
  std::chrono::milliseconds probe_every_;
  std::chrono::milliseconds probe_cap_;
  int failures_ = 0;
  bool probing_ = false;
  std::chrono::milliseconds interval_{0};
  Time next_probe_{};
};

}  // namespace tailrace::http
