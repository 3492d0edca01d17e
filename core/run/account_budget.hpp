#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "run/clock.hpp"
#include "state/budget.hpp"
#include "wire/rate.hpp"

namespace tailrace {

/// The account's limits, which belong to all runs that use it, in whatever process: requests are
/// drawn from the state store in leases short against the limit's window, and what is not used
/// goes back. A run without limits draws nothing.
class AccountBudget {
 public:
  using Draw = std::function<RateGrant(const RateAsk&)>;

  AccountBudget(std::string account, const std::vector<wire::RateRule>& rules, Draw draw);

  /// How long until a request of this class may start; zero: now. May draw from the store; while
  /// that is away nothing starts.
  [[nodiscard]] std::chrono::milliseconds wait_for(wire::RateClass rate_class, Clock::Time now);
  /// How long nothing is free, as far as is known: draws nothing.
  [[nodiscard]] std::chrono::milliseconds blocked_for(wire::RateClass rate_class,
                                                      Clock::Time now) const;
  /// Counts a start. Call only after wait_for() said zero.
  void take(wire::RateClass rate_class);
  /// What an answer's headers say of the account's limit: the tier that it really has.
  void learn(wire::RateClass rate_class, const wire::RateHint& hint);
  /// Gives back what was drawn and not used.
  void give_back(Clock::Time now);

 private:
  struct Share {
    wire::RateClass rate_class = 0;
    RateAsk ask;
    std::chrono::milliseconds lease{0};
    double tokens = 0;
    Clock::Time until{};   // of the tokens
    Clock::Time retry_at{};  // nothing was free
  };
  static void set_limit(Share& share, double requests);
  [[nodiscard]] RateGrant draw(const RateAsk& ask) const;
  [[nodiscard]] std::chrono::milliseconds wait_for(Share& share, Clock::Time now);

  std::vector<Share> shares_;
  Draw draw_;
};

}  // namespace tailrace
