#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tailrace {

/// Asks for tokens of a limit: `requests` in any `window_ms`, by all runs of the account together.
struct RateAsk {
  std::string account;
  std::string rule;  // names the limit
  double requests = 0;
  std::int64_t window_ms = 0;
  std::int64_t lease_ms = 0;  // a token not used so long after it was granted is void
  double want = 0;            // below 0 gives tokens of this store's last grant back
  std::optional<double> left = {};  // what the tool said is left: the rest was used by others
};

struct RateGrant {
  double granted = 0;  // at most what was wanted, whole where less; below 0 what was given back
  std::int64_t wait_ms = 0;  // where nothing was granted: until some can be
  double others = 0;         // was found to be used by others, and counts like what was granted
};

/// Tokens that were granted at about one time, and until when they count against the limit.
struct RateSlot {
  std::int64_t until_ms = 0;
  double used = 0;
};

/// Throws std::invalid_argument for a limit below one request, without a window or a lease.
void check_ask(const RateAsk& ask);

/// The slot of tokens granted now. They may be used until their lease ends, and are in a window
/// with whatever is sent within its length after that. Slots are a small part of lease or window
/// wide, so that they are few and cost little of the limit.
[[nodiscard]] std::int64_t slot_until(const RateAsk& ask, std::int64_t now_ms);

/// What can be had with these slots counting, in order of time, all of them later than now.
[[nodiscard]] RateGrant grant_of(const RateAsk& ask, std::int64_t now_ms,
                                 const std::vector<RateSlot>& counting);

/// What one store was granted last of each limit: only of that may it give back, because tokens
/// taken out of another slot than theirs would be missed there.
class LastGrants {
 public:
  void note(const RateAsk& ask, std::int64_t slot_until_ms, double granted);
  /// The slot to take tokens out of, and how many.
  [[nodiscard]] RateSlot take_back(const RateAsk& ask);

 private:
  std::map<std::pair<std::string, std::string>, RateSlot> last_;
};

}  // namespace tailrace
