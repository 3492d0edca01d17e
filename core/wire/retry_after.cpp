#include "wire/retry_after.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

#include "row/ascii.hpp"
#include "wire/utf8.hpp"

namespace tailrace::wire {
namespace {

using std::chrono::milliseconds;
using SystemTime = std::chrono::system_clock::time_point;

constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kDays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                "Thursday", "Friday", "Saturday"};

// 136 years: such a wait can still be added to any clock of nanoseconds.
constexpr std::int64_t kMostSeconds = std::numeric_limits<std::uint32_t>::max();

[[nodiscard]] std::optional<milliseconds> parse_seconds(std::string_view text) {
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  if (whole.empty() || !std::all_of(whole.begin(), whole.end(), is_digit)) return std::nullopt;
  std::int64_t whole_seconds = 0;
  for (const char c : whole) {
    whole_seconds = whole_seconds * 10 + (c - '0');
    if (whole_seconds > kMostSeconds) return std::nullopt;
  }
  if (point != std::string_view::npos) {
    const std::string_view fraction = text.substr(point + 1);
    if (fraction.empty() || !std::all_of(fraction.begin(), fraction.end(), is_digit)) {
      return std::nullopt;
    }
    if (fraction.find_first_not_of('0') != std::string_view::npos) ++whole_seconds;
  }
  return milliseconds(whole_seconds * 1000);
}

/// Takes a date apart from left to right; one wrong character spoils it.
class DateReader {
 public:
  explicit DateReader(std::string_view text) : rest_(text) {}

  void expect(std::string_view literal) {
    good_ = good_ && rest_.starts_with(literal);
    if (good_) rest_.remove_prefix(literal.size());
  }
  bool accept(std::string_view literal) {
    if (!good_ || !rest_.starts_with(literal)) return false;
    rest_.remove_prefix(literal.size());
    return true;
  }
  int digits(std::size_t count) {
    good_ = good_ && rest_.size() >= count;
    int value = 0;
    for (std::size_t i = 0; good_ && i < count; ++i) {
      good_ = is_digit(rest_[i]);
      value = value * 10 + (rest_[i] - '0');
    }
    if (good_) rest_.remove_prefix(count);
    return value;
  }
  unsigned month() {
    for (std::size_t i = 0; good_ && i < kMonths.size(); ++i) {
      if (accept(kMonths[i])) return static_cast<unsigned>(i + 1);
    }
    good_ = false;
    return 1;
  }
  void clock() {
    hour_ = digits(2);
    expect(":");
    minute_ = digits(2);
    expect(":");
    second_ = digits(2);
  }
  /// `month` and `day` as in a calendar; a leap second counts as the second after it.
  [[nodiscard]] std::optional<SystemTime> time(int year, unsigned month, int day) const {
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                           std::chrono::day(static_cast<unsigned>(day))};
    const bool clock_fits = hour_ <= 23 && minute_ <= 59 && second_ <= 60;
    // Within what system_clock's nanoseconds can hold, with room to spare.
    const bool year_fits = year >= 1700 && year <= 2250;
    if (!good_ || !rest_.empty() || !date.ok() || !clock_fits || !year_fits) return std::nullopt;
    return std::chrono::sys_days(date) + std::chrono::hours(hour_) + std::chrono::minutes(minute_) +
           std::chrono::seconds(second_);
  }
  [[nodiscard]] bool good() const { return good_; }

 private:
  std::string_view rest_;
  bool good_ = true;
  int hour_ = 0;
  int minute_ = 0;
  int second_ = 0;
};

/// Sun, 06 Nov 1994 08:49:37 GMT
[[nodiscard]] std::optional<SystemTime> parse_imf(DateReader reader) {
  reader.expect(", ");
  const int day = reader.digits(2);
  reader.expect(" ");
  const unsigned month = reader.month();
  reader.expect(" ");
  const int year = reader.digits(4);
  reader.expect(" ");
  reader.clock();
  reader.expect(" GMT");
  return reader.time(year, month, day);
}

/// Sunday, 06-Nov-94 08:49:37 GMT. A year that would be more than 50 years ahead is of the century
/// before (RFC 9110 §5.6.7).
[[nodiscard]] std::optional<SystemTime> parse_rfc850(DateReader reader, SystemTime now) {
  reader.expect(", ");
  const int day = reader.digits(2);
  reader.expect("-");
  const unsigned month = reader.month();
  reader.expect("-");
  const int short_year = reader.digits(2);
  reader.expect(" ");
  reader.clock();
  reader.expect(" GMT");
  const std::chrono::year_month_day today(std::chrono::floor<std::chrono::days>(now));
  const int this_year = static_cast<int>(today.year());
  int year = this_year - this_year % 100 + short_year;
  if (year > this_year + 50) year -= 100;
  return reader.time(year, month, day);
}

/// Sun Nov  6 08:49:37 1994
[[nodiscard]] std::optional<SystemTime> parse_asctime(DateReader reader) {
  reader.expect(" ");
  const unsigned month = reader.month();
  reader.expect(" ");
  const int day = reader.accept(" ") ? reader.digits(1) : reader.digits(2);
  reader.expect(" ");
  reader.clock();
  reader.expect(" ");
  const int year = reader.digits(4);
  return reader.time(year, month, day);
}

[[nodiscard]] std::optional<SystemTime> parse_date(std::string_view text, SystemTime now) {
  for (const std::string_view day : kDays) {
    if (text.starts_with(day)) return parse_rfc850(DateReader(text.substr(day.size())), now);
  }
  for (const std::string_view day : kDays) {
    if (!text.starts_with(day.substr(0, 3))) continue;
    const DateReader reader(text.substr(3));
    const auto time = parse_imf(reader);
    return time ? time : parse_asctime(reader);
  }
  return std::nullopt;
}

}  // namespace

std::optional<milliseconds> parse_retry_after(std::string_view value, SystemTime now) {
  value = trimmed(value);
  if (value.empty()) return std::nullopt;
  if (is_digit(value.front())) return parse_seconds(value);
  const std::optional<SystemTime> time = parse_date(value, now);
  if (!time) return std::nullopt;
  if (*time <= now) return milliseconds(0);
  return std::chrono::ceil<milliseconds>(*time - now);
}

std::optional<milliseconds> longest_retry_after(std::span<const Header> headers, SystemTime now) {
  std::optional<milliseconds> longest;
  for (const Header& header : headers) {
    if (header.name != "retry-after") continue;
    const std::optional<milliseconds> wait = parse_retry_after(header.value, now);
    if (wait && (!longest || *wait > *longest)) longest = wait;
  }
  return longest;
}

}  // namespace tailrace::wire
