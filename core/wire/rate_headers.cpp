#include "wire/rate_headers.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <string_view>

#include "wire/retry_after.hpp"
#include "wire/utf8.hpp"

namespace tailrace::wire {
namespace {

using std::chrono::seconds;

constexpr double kMost = 1e12;
// Beyond ten years a number of seconds is a point in time, and beyond that one of milliseconds.
constexpr double kLongestDelta = 10 * 366 * 86'400.0;
constexpr double kFirstMilliseconds = 1e11;
constexpr double kLongestReset = 32 * 86'400.0;

[[nodiscard]] std::optional<double> number(std::string_view text) {
  text = trimmed(text);
  if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (read.ec != std::errc{} || read.ptr != end || value > kMost) return std::nullopt;
  return value;
}

[[nodiscard]] std::optional<Milliseconds> duration(std::optional<double> count, double most_s) {
  if (!count || *count > most_s) return std::nullopt;
  return Milliseconds(static_cast<std::int64_t>(*count * 1000));
}

/// The value of the first of these headers that is there.
[[nodiscard]] std::string_view first_of(const Reply& reply,
                                        std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    const std::string_view value = reply.header(name);
    if (!value.empty()) return value;
  }
  return {};
}

/// Seconds from the answer's date to a time in seconds since 1970.
[[nodiscard]] std::optional<Milliseconds> until(const Reply& reply, double time_s) {
  const auto date =
      parse_retry_after(reply.header("date"), std::chrono::system_clock::time_point{});
  if (!date) return std::nullopt;
  const double left = time_s - static_cast<double>(date->count()) / 1000;
  return duration(std::max(0.0, left), kLongestReset);
}

/// A reset as seconds to go, as seconds or milliseconds since 1970, or as a date.
[[nodiscard]] std::optional<Milliseconds> reset_of(const Reply& reply, std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (const auto value = number(text)) {
    if (*value <= kLongestDelta) return duration(value, kLongestReset);
    return until(reply, *value >= kFirstMilliseconds ? *value / 1000 : *value);
  }
  const auto date = parse_retry_after(text, std::chrono::system_clock::time_point{});
  if (!date) return std::nullopt;
  return until(reply, static_cast<double>(date->count()) / 1000);
}

/// Takes the text up to `mark` off the front, the mark too. Marks within quotes do not count.
[[nodiscard]] std::string_view take_until(std::string_view& text, char mark) {
  bool quoted = false;
  std::size_t at = 0;
  for (; at < text.size() && (quoted || text[at] != mark); ++at) {
    if (text[at] == '"') quoted = !quoted;
  }
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(std::min(text.size(), at + 1));
  return trimmed(taken);
}

/// One member of a list: a name or number, and its parameters.
struct Item {
  std::string_view name;
  std::optional<double> quota;      // q, or the number itself
  std::optional<double> remaining;  // r
  std::optional<double> window_s;   // w
  std::optional<double> reset_s;    // t
};

[[nodiscard]] Item read_item(std::string_view text) {
  Item item;
  item.name = take_until(text, ';');
  item.quota = number(item.name);
  while (!text.empty()) {
    std::string_view parameter = take_until(text, ';');
    const std::string_view key = take_until(parameter, '=');
    const std::optional<double> value = number(parameter);
    if (key == "q") item.quota = value;
    if (key == "r") item.remaining = value;
    if (key == "w") item.window_s = value;
    if (key == "t") item.reset_s = value;
  }
  return item;
}

/// A limit whose window is a day is the day's; there the rest is calls that are left.
void put(RateHint& hint, const Item& item) {
  const bool of_the_day = item.window_s && *item.window_s >= 86'400;
  (of_the_day ? hint.calls_limit : hint.limit) = item.quota;
  (of_the_day ? hint.calls_left : hint.remaining) = item.remaining;
  if (!of_the_day) {
    hint.window = duration(item.window_s, kLongestReset);
    hint.reset = duration(item.reset_s, kLongestReset);
  }
}

/// The policy of that name; of one without a name, the only one.
[[nodiscard]] Item policy_of(std::string_view policies, std::string_view name) {
  Item found;
  for (int count = 0; !policies.empty() && count < 16; ++count) {
    const Item policy = read_item(take_until(policies, ','));
    if (policy.name == name) return policy;
    if (count == 0) found = policy;
  }
  return name.empty() ? found : Item{};
}

/// `limit=100, remaining=50, reset=5`, the seventh draft's.
[[nodiscard]] std::optional<Item> read_dictionary(std::string_view text) {
  Item item;
  bool known = false;
  while (!text.empty()) {
    std::string_view member = take_until(text, ',');
    const std::string_view key = take_until(member, '=');
    const std::optional<double> value = number(take_until(member, ';'));
    if (key == "limit") item.quota = value;
    if (key == "remaining") item.remaining = value;
    if (key == "reset") item.reset_s = value;
    known = known || key == "limit" || key == "remaining";
  }
  return known ? std::optional(item) : std::nullopt;
}

/// `"default";r=50;t=30`: the one with the least left.
[[nodiscard]] Item read_items(std::string_view text) {
  Item least;
  for (int count = 0; !text.empty() && count < 16; ++count) {
    const Item item = read_item(take_until(text, ','));
    if (!item.remaining) continue;
    if (!least.remaining || *item.remaining < *least.remaining) least = item;
  }
  return least;
}

void read_draft(const Reply& reply, RateHint& hint) {
  const std::string_view policies = reply.header("ratelimit-policy");
  const std::string_view text = reply.header("ratelimit");
  if (text.empty()) return;
  const std::optional<Item> dictionary = read_dictionary(text);
  Item item = dictionary ? *dictionary : read_items(text);
  if (!item.remaining) return;
  const Item policy = policy_of(policies, item.name);
  if (!item.quota) item.quota = policy.quota;
  item.window_s = policy.window_s;
  put(hint, item);
}

/// The three headers that were there before, and are with most tools.
void read_three(const Reply& reply, RateHint& hint) {
  std::string_view limits = first_of(
      reply, {"ratelimit-limit", "x-ratelimit-limit", "x-rate-limit-limit", "x-rate-limit"});
  Item item = read_item(take_until(limits, ','));
  // `100, 100;w=60`: the limit, and then the policies that it may come from.
  while (!item.window_s && !limits.empty()) {
    const Item policy = read_item(take_until(limits, ','));
    if (policy.quota == item.quota) item.window_s = policy.window_s;
  }
  if (!item.window_s) {
    const Item policy = policy_of(reply.header("ratelimit-policy"), {});
    if (policy.quota == item.quota) item.window_s = policy.window_s;
  }
  item.remaining = number(
      first_of(reply, {"ratelimit-remaining", "x-ratelimit-remaining", "x-rate-limit-remaining"}));
  put(hint, item);
  if (!hint.calls_limit) {
    hint.reset = reset_of(
        reply, first_of(reply, {"ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset"}));
  }
}

void read_hubspot(const Reply& reply, RateHint& hint) {
  const auto take = [&](std::optional<double>& into, std::string_view name) {
    if (const auto value = number(reply.header(name))) into = value;
  };
  take(hint.limit, "x-hubspot-ratelimit-max");
  take(hint.remaining, "x-hubspot-ratelimit-remaining");
  take(hint.calls_limit, "x-hubspot-ratelimit-daily");
  take(hint.calls_left, "x-hubspot-ratelimit-daily-remaining");
  const auto interval = number(reply.header("x-hubspot-ratelimit-interval-milliseconds"));
  if (interval && *interval >= 1 && *interval <= kLongestReset * 1000) {
    hint.window = Milliseconds(static_cast<std::int64_t>(*interval));
  }
}

/// `api-usage=18/5000; per-app-api-usage=17/250(appName=sample)`
void read_salesforce(const Reply& reply, RateHint& hint) {
  std::string_view text = reply.header("sforce-limit-info");
  while (!text.empty()) {
    std::string_view entry = take_until(text, ';');
    if (take_until(entry, '=') != "api-usage") continue;
    const std::optional<double> used = number(take_until(entry, '/'));
    const std::optional<double> limit = number(entry);
    if (!used || !limit) return;
    hint.calls_limit = limit;
    hint.calls_left = std::max(0.0, *limit - *used);
  }
}

}  // namespace

RateHint read_rate_headers(const Reply& reply) {
  RateHint hint;
  read_three(reply, hint);
  read_draft(reply, hint);
  read_hubspot(reply, hint);
  read_salesforce(reply, hint);
  if (hint.limit && *hint.limit < 1) hint.limit.reset();
  if (hint.window && *hint.window <= Milliseconds(0)) hint.window.reset();
  if (hint.limit && hint.remaining && *hint.remaining > *hint.limit) hint.remaining.reset();
  if (hint.calls_limit && hint.calls_left && *hint.calls_left > *hint.calls_limit) {
    hint.calls_left.reset();
  }
  return hint;
}

}  // namespace tailrace::wire
