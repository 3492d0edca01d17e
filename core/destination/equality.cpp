#include "destination/equality.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "row/ascii.hpp"
#include "row/number.hpp"
#include "wire/cell.hpp"
#include "wire/json_reader.hpp"
#include "wire/json_scan.hpp"
#include "wire/rfc3339.hpp"

namespace tailrace {
namespace {

constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::int64_t kDaySeconds = 86'400;

[[nodiscard]] std::int64_t digits_of(std::string_view text) {
  std::int64_t value = 0;
  for (const char c : text) value = value * 10 + (c - '0');
  return value;
}

// --- numbers ---------------------------------------------------------------------------------

[[nodiscard]] std::string compared_number(std::string_view text, int digits) {
  std::string form;
  append_compared_float(form, text, digits);
  return form;
}

[[nodiscard]] std::optional<double> as_double(std::string_view text) {
  double value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc{} || read.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Decimals may have gone through a double on their way: nearly every reader of JSON has one.
[[nodiscard]] bool same_number(std::string_view a, std::string_view b, const Column& column) {
  constexpr int kEveryDigit = 1000;
  if (!wire::is_json_number(a) || !wire::is_json_number(b)) return a == b;
  const bool rounded = column.type == Type::floating && column.digits > 0;
  const int digits = rounded ? column.digits : kEveryDigit;
  if (compared_number(a, digits) == compared_number(b, digits)) return true;
  const auto first = as_double(a);
  return column.type != Type::integer && first && first == as_double(b);
}

// --- dates and times -------------------------------------------------------------------------

/// Days since 1970-01-01 of a day of the Gregorian calendar.
[[nodiscard]] std::int64_t days_since_1970(std::int64_t year, std::int64_t month,
                                           std::int64_t day) {
  // Years that begin in March have the leap day at their end.
  const std::int64_t from_march = (month + 9) % 12;
  const std::int64_t y = month <= 2 ? year - 1 : year;
  const std::int64_t day_of_year = (153 * from_march + 2) / 5 + day - 1;
  constexpr std::int64_t kDaysTo1970 = 719'468;
  return 365 * y + y / 4 - y / 100 + y / 400 + day_of_year - kDaysTo1970;
}

struct Moment {
  std::int64_t us = 0;  // since 1970, of the zone where none is named
  bool zoned = false;
  bool operator==(const Moment&) const = default;
};

/// Takes Z, +hh, +hhmm or +hh:mm off the end, and a space before it; nothing is taken where there
/// is none.
[[nodiscard]] std::optional<std::int64_t> take_zone_seconds(std::string_view& text) {
  if (text.ends_with('Z')) {
    text.remove_suffix(1);
    return 0;
  }
  constexpr std::size_t kDateAndTime = 19;
  const std::size_t sign = text.find_first_of("+-", kDateAndTime);
  if (sign == std::string_view::npos) return std::nullopt;
  std::string zone(text.substr(sign + 1));
  if (zone.size() == 5 && zone[2] == ':') zone.erase(2, 1);
  if (zone.size() == 2) zone += "00";
  if (zone.size() != 4 || !std::all_of(zone.begin(), zone.end(), is_digit)) return std::nullopt;
  const std::int64_t seconds = digits_of(zone.substr(0, 2)) * 3600 + digits_of(zone.substr(2)) * 60;
  const bool east = text[sign] == '+';
  text = text.substr(0, sign);
  if (text.ends_with(' ')) text.remove_suffix(1);
  return east ? seconds : -seconds;
}

[[nodiscard]] std::int64_t fraction_us(std::string_view fraction) {
  std::string six(fraction.substr(0, 6));
  six.resize(6, '0');
  return digits_of(six);
}

[[nodiscard]] std::optional<Moment> moment_of_epoch(std::string_view text) {
  std::int64_t ms = 0;
  constexpr std::size_t kMostDigits = 15;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), ms);
  const bool whole = read.ec == std::errc{} && read.ptr == text.data() + text.size();
  if (!whole || text.size() > kMostDigits) return std::nullopt;
  return Moment{ms * 1000, true};
}

[[nodiscard]] std::optional<Moment> moment_of(std::string_view text, const Equality& equality) {
  if (equality.epoch_ms) {
    if (const auto moment = moment_of_epoch(text)) return moment;
  }
  // A date alone is a midnight, which means one moment only where all times are UTC.
  std::string padded;
  if (equality.epoch_ms && wire::is_date(text)) {
    padded.assign(text).append("T00:00:00Z");
    text = padded;
  }
  const auto zone = take_zone_seconds(text);
  if (!wire::is_timestamp(text)) return std::nullopt;
  const auto number = [text](std::size_t at, std::size_t width) {
    return digits_of(text.substr(at, width));
  };
  const std::int64_t days = days_since_1970(number(0, 4), number(5, 2), number(8, 2));
  const std::int64_t clock = number(11, 2) * 3600 + number(14, 2) * 60 + number(17, 2);
  const std::int64_t seconds = days * kDaySeconds + clock - zone.value_or(0);
  const std::int64_t us = text.size() > 19 ? fraction_us(text.substr(20)) : 0;
  return Moment{seconds * kSecondUs + us, zone.has_value()};
}

[[nodiscard]] bool same_moment(std::string_view a, std::string_view b, const Equality& equality) {
  auto first = moment_of(a, equality);
  auto second = moment_of(b, equality);
  if (!first || !second) return a == b;
  for (Moment* moment : {&*first, &*second}) {
    const std::int64_t past = moment->us % equality.resolution_us;
    moment->us -= past < 0 ? past + equality.resolution_us : past;
  }
  return *first == *second;
}

// --- the rest --------------------------------------------------------------------------------

[[nodiscard]] bool same_json(std::string_view a, std::string_view b) {
  const auto first = wire::read_json(a);
  const auto second = wire::read_json(b);
  return first && second ? *first == *second : a == b;
}

[[nodiscard]] bool same_value(const Equality& equality, const Column& column, std::string_view a,
                              std::string_view b) {
  switch (column.type) {
    case Type::integer:
    case Type::floating:
    case Type::decimal: return same_number(a, b, column);
    case Type::date:
    case Type::timestamp:
    case Type::timestamptz: return same_moment(a, b, equality);
    case Type::time: return wire::without_zeros(a) == wire::without_zeros(b);
    case Type::json:
    case Type::list: return same_json(a, b);
    case Type::boolean:
    case Type::uuid: return same_but_for_case(a, b);
    case Type::text:
    case Type::interval:
    case Type::bytes: return a == b;
  }
  return false;
}

}  // namespace

bool equal_text(const Equality& equality, const Column& column, std::string_view ours,
                const std::optional<std::string>& theirs) {
  std::string scratch;
  const std::string_view text = wire::value_text(ours, column, scratch);
  if (equality.empty_is_null && text.empty()) return !theirs || theirs->empty();
  return theirs && same_value(equality, column, text, *theirs);
}

}  // namespace tailrace
