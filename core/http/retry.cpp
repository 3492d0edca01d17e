#include "http/retry.hpp"

#include <algorithm>

namespace tailrace::http {

using std::chrono::milliseconds;

milliseconds full_jitter(int attempt, milliseconds base, milliseconds cap,
                         std::mt19937_64& random) {
  const int doublings = std::clamp(attempt, 0, 30);
  const std::int64_t most = std::min<std::int64_t>(cap.count(), base.count() << doublings);
  std::uniform_int_distribution<std::int64_t> within(0, std::max<std::int64_t>(most, 0));
  return milliseconds(within(random));
}

void Breaker::succeeded() {
  failures_ = 0;
  probing_ = false;
  interval_ = milliseconds(0);
}

void Breaker::failed(Time now) {
  ++failures_;
  if (!open()) return;
  // Only a probe's failure lengthens the wait: the rest were sent before it opened.
  if (interval_ == milliseconds(0)) {
    interval_ = probe_every_;
  } else if (probing_) {
    interval_ = std::min(interval_ * 2, probe_cap_);
  } else {
    return;
  }
  probing_ = false;
  next_probe_ = now + interval_;
}

void Breaker::probing(Time now) {
  probing_ = true;
  next_probe_ = now + std::max(interval_, probe_every_);
}

milliseconds Breaker::wait_for(Time now) const {
  if (!open() || now >= next_probe_) return milliseconds(0);
  return std::chrono::ceil<milliseconds>(next_probe_ - now);
}

}  // namespace tailrace::http
