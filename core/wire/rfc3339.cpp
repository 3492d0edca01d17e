#include "wire/rfc3339.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "row/ascii.hpp"

namespace tailrace::wire {
namespace {

/// Digits of a fixed width at `at`; -1 where there are others.
[[nodiscard]] int number_at(std::string_view text, std::size_t at, std::size_t width) {
  if (text.size() < at + width) return -1;
  int value = 0;
  for (std::size_t i = at; i < at + width; ++i) {
    if (!is_digit(text[i])) return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

[[nodiscard]] int days_in(int year, int month) {
  constexpr std::array<int, 12> kMonthDays{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kMonthDays[static_cast<std::size_t>(month - 1)];
}

}  // namespace

bool is_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  const int year = number_at(text, 0, 4);
  const int month = number_at(text, 5, 2);
  const int day = number_at(text, 8, 2);
  return year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= days_in(year, month);
}

bool is_time(std::string_view text) {
  if (text.size() < 8 || text[2] != ':' || text[5] != ':') return false;
  const int hour = number_at(text, 0, 2);
  const int minute = number_at(text, 3, 2);
  const int second = number_at(text, 6, 2);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return false;
  if (text.size() == 8) return true;
  const std::string_view fraction = text.substr(9);
  return text[8] == '.' && !fraction.empty() &&
         std::all_of(fraction.begin(), fraction.end(), is_digit);
}

bool is_timestamp(std::string_view text) {
  if (text.size() < 11 || (text[10] != ' ' && text[10] != 'T')) return false;
  return is_date(text.substr(0, 10)) && is_time(text.substr(11));
}

std::string_view without_utc(std::string_view text) {
  for (const std::string_view zone : {"+00:00", "+00", "Z"}) {
    if (text.ends_with(zone)) return text.substr(0, text.size() - zone.size());
  }
  return {};
}

std::string_view without_zeros(std::string_view time) {
  if (time.find('.') == std::string_view::npos) return time;
  while (time.ends_with('0')) time.remove_suffix(1);
  if (time.ends_with('.')) time.remove_suffix(1);
  return time;
}

}  // namespace tailrace::wire
