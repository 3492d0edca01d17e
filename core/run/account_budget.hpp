#pragma once

#include <chrono>
#include <functional>
#include <optional>
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

  using Now = std::function<Clock::Time()>;

  /// `now` tells how long a draw takes: where the store is far away, leases are longer and draws
  /// fewer, so that they do not become the limit.
  AccountBudget(std::string account, const std::vector<wire::RateRule>& rules, Draw draw,
                Now now = {});

  /// How long until a request of this class may start; zero: now. May draw from the store; while
  /// that is away nothing starts.
  [[nodiscard]] std::chrono::milliseconds wait_for(wire::RateClass rate_class, Clock::Time now);
  /// How long nothing is free, as far as is known: draws nothing.
  [[nodiscard]] std::chrono::milliseconds blocked_for(wire::RateClass rate_class,
                                                      Clock::Time now) const;
  /// What an answer's headers say of a limit: the leases that follow are of that one, and one that
  /// was not known becomes a limit. A limit that the user has chosen is only made smaller. Where
  /// less is left than the runs have used together, others use the account too.
  void learn(wire::RateClass rate_class, const wire::RateHint& hint, Clock::Time now);
  /// The tool has refused a request for its rate. Requests came later than was reckoned with, here
  /// or in another run, so tokens count for longer; the longer none is refused, the less so.
  void refused(wire::RateClass rate_class);
  /// Counts a start. Call only after wait_for() said zero.
  void take(wire::RateClass rate_class);
  /// Gives back what was drawn and not used.
  void give_back(Clock::Time now);

 private:
  struct Share {
    wire::RateClass rate_class = 0;
    bool chosen = false;
    RateAsk ask;
    std::chrono::milliseconds least_lease{0};
    std::chrono::milliseconds lease{0};
    std::chrono::milliseconds drawing{0};  // how long a draw takes
    std::chrono::milliseconds least_way{0};
    std::chrono::duration<double, std::milli> way{0};  // of a request, until the tool counts it
    double tokens = 0;
    Clock::Time until{};   // of the tokens
    Clock::Time retry_at{};  // nothing was free
    std::optional<double> left;  // the least that answers spoke of since the last draw
    Clock::Time left_at{};
  };
  void add(const wire::RateRule& rule);
  [[nodiscard]] Share* share_of(wire::RateClass rate_class, const wire::RateHint& hint);
  static void set_limit(Share& share, double requests);
  static void fit_lease(Share& share, std::chrono::milliseconds took);
  [[nodiscard]] RateGrant draw(const RateAsk& ask) const;
  [[nodiscard]] std::chrono::milliseconds wait_for(Share& share, Clock::Time now);

  std::string account_;
  std::vector<Share> shares_;
  Draw draw_;
  Now now_;
};

}  // namespace tailrace
