#include <array>
#include <charconv>
#include <cstddef>
#include <limits>

#include "source/arrow_text.hpp"

namespace tailrace {
namespace {

constexpr std::int64_t kSecondsPerDay = 86'400;

std::int64_t per_second(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::seconds: return 1;
    case TimeUnit::milli: return 1'000;
    case TimeUnit::micro: return 1'000'000;
    case TimeUnit::nano: return 1'000'000'000;
  }
  return 1;
}

struct Divided {
  std::int64_t quotient;
  std::int64_t remainder;  // never negative
};

Divided divide_down(std::int64_t value, std::int64_t by) {
  Divided result{value / by, value % by};
  if (result.remainder < 0) {
    result.remainder += by;
    --result.quotient;
  }
  return result;
}

void append_number(std::string& out, std::int64_t value, std::size_t width) {
  std::array<char, 24> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  const auto size = static_cast<std::size_t>(end.ptr - buffer.data());
  if (size < width) out.append(width - size, '0');
  out.append(buffer.data(), size);
}

void append_two(std::string& out, std::int64_t value) {
  out.push_back(static_cast<char>('0' + value / 10));
  out.push_back(static_cast<char>('0' + value % 10));
}

void append_fraction(std::string& out, std::int64_t fraction, TimeUnit unit) {
  if (fraction == 0) return;
  out.push_back('.');
  append_number(out, fraction, static_cast<std::size_t>(unit));
  while (out.back() == '0') out.pop_back();
}

struct Civil {
  std::int64_t year;
  std::int64_t month;
  std::int64_t day;
};

/// Days since 1970-01-01 to a date. The year is taken to begin in March, so that the leap day is
/// the last one; 400 of such years (an era) always have 146,097 days.
Civil civil_of(std::int64_t days) {
  constexpr std::int64_t kDaysPerEra = 146'097;
  constexpr std::int64_t kMarchYearZero = 719'468;  // days from 0000-03-01 to 1970-01-01
  const auto [era, day_of_era] = divide_down(days + kMarchYearZero, kDaysPerEra);
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t months_since_march = (5 * day_of_year + 2) / 153;
  const std::int64_t day = day_of_year - (153 * months_since_march + 2) / 5 + 1;
  const std::int64_t month =
      months_since_march < 10 ? months_since_march + 3 : months_since_march - 9;
  return {era * 400 + year_of_era + (month <= 2 ? 1 : 0), month, day};
}

/// Returns true for years before 1 AD: " BC" belongs behind all the rest.
bool append_civil(std::string& out, std::int64_t days) {
  const Civil date = civil_of(days);
  const bool before_christ = date.year <= 0;
  append_number(out, before_christ ? 1 - date.year : date.year, 4);
  out.push_back('-');
  append_two(out, date.month);
  out.push_back('-');
  append_two(out, date.day);
  return before_christ;
}

void append_clock(std::string& out, std::int64_t seconds, std::int64_t fraction, TimeUnit unit) {
  append_number(out, seconds / 3600, 2);
  out.push_back(':');
  append_two(out, seconds / 60 % 60);
  out.push_back(':');
  append_two(out, seconds % 60);
  append_fraction(out, fraction, unit);
}

template <typename Integer>
bool append_infinity(std::string& out, std::int64_t value) {
  using Limits = std::numeric_limits<Integer>;
  if (value == Limits::max()) {
    out += "infinity";
    return true;
  }
  if (value == Limits::min() || value == -std::int64_t{Limits::max()}) {
    out += "-infinity";
    return true;
  }
  return false;
}

void append_part(std::string& out, std::int64_t value, char unit) {
  if (value == 0) return;
  append_number(out, value, 1);
  out.push_back(unit);
}

}  // namespace

void append_date(std::string& out, std::int64_t days) {
  if (append_infinity<std::int32_t>(out, days)) return;
  if (append_civil(out, days)) out += " BC";
}

void append_time(std::string& out, std::int64_t value, TimeUnit unit) {
  // PostgreSQL has no times outside of a day; those of other warehouses stay recognisable.
  const std::int64_t sign = value < 0 ? -1 : 1;
  if (sign < 0) out.push_back('-');
  append_clock(out, value / per_second(unit) * sign, value % per_second(unit) * sign, unit);
}

void append_timestamp(std::string& out, std::int64_t value, TimeUnit unit, bool zoned,
                      TimestampForm form) {
  if (append_infinity<std::int64_t>(out, value)) return;
  const auto [seconds, fraction] = divide_down(value, per_second(unit));
  const auto [days, second_of_day] = divide_down(seconds, kSecondsPerDay);
  const bool before_christ = append_civil(out, days);
  out.push_back(form == TimestampForm::json ? 'T' : ' ');
  append_clock(out, second_of_day, fraction, unit);
  if (zoned) out += form == TimestampForm::json ? "+00:00" : "+00";
  if (before_christ) out += " BC";
}

void append_interval(std::string& out, const IntervalParts& parts) {
  if (parts.months == 0 && parts.days == 0 && parts.value == 0) {
    out += "PT0S";
    return;
  }
  out.push_back('P');
  append_part(out, parts.months / 12, 'Y');
  append_part(out, parts.months % 12, 'M');
  append_part(out, parts.days, 'D');
  if (parts.value == 0) return;
  const std::int64_t whole = per_second(parts.unit);
  const std::int64_t seconds = parts.value / whole;
  const std::int64_t fraction = parts.value % whole;
  out.push_back('T');
  append_part(out, seconds / 3600, 'H');
  append_part(out, seconds / 60 % 60, 'M');
  if (seconds % 60 == 0 && fraction == 0) return;
  if (parts.value < 0) out.push_back('-');
  append_number(out, seconds % 60 < 0 ? -(seconds % 60) : seconds % 60, 1);
  append_fraction(out, fraction < 0 ? -fraction : fraction, parts.unit);
  out.push_back('S');
}

}  // namespace tailrace
