#include "row/number.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "row/ascii.hpp"

namespace tailrace {
namespace {

constexpr std::string_view kTwoTo53 = "9007199254740992";
/// More exponent digits than this (leading zeros aside) are no double of any kind.
constexpr std::size_t kMaxExponentDigits = 9;

/// A number as it was written: whole.fraction × 10^exponent.
struct Written {
  bool negative = false;
  std::string_view whole;
  std::string_view fraction;
  std::int64_t exponent = 0;
};

[[nodiscard]] std::string_view take_digits(std::string_view& text) {
  std::size_t n = 0;
  while (n < text.size() && is_digit(text[n])) ++n;
  const std::string_view digits = text.substr(0, n);
  text.remove_prefix(n);
  return digits;
}

[[nodiscard]] bool take_sign(std::string_view& text) {
  if (text.empty() || (text.front() != '-' && text.front() != '+')) return false;
  const bool negative = text.front() == '-';
  text.remove_prefix(1);
  return negative;
}

[[nodiscard]] std::size_t leading_zeros(std::string_view digits) {
  const std::size_t n = digits.find_first_not_of('0');
  return n == std::string_view::npos ? digits.size() : n;
}

/// Reads what follows the e. False where it is no exponent.
[[nodiscard]] bool take_exponent(std::string_view& text, std::int64_t& exponent) {
  const bool negative = take_sign(text);
  std::string_view digits = take_digits(text);
  if (digits.empty()) return false;
  digits.remove_prefix(leading_zeros(digits));
  if (digits.size() > kMaxExponentDigits) return false;
  exponent = 0;
  for (const char c : digits) exponent = exponent * 10 + (c - '0');
  if (negative) exponent = -exponent;
  return true;
}

[[nodiscard]] std::optional<Written> read_number(std::string_view text) {
  Written number;
  number.negative = take_sign(text);
  number.whole = take_digits(text);
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    number.fraction = take_digits(text);
  }
  if (number.whole.empty() && number.fraction.empty()) return std::nullopt;
  if (!text.empty() && (text.front() == 'e' || text.front() == 'E')) {
    text.remove_prefix(1);
    if (!take_exponent(text, number.exponent)) return std::nullopt;
  }
  if (!text.empty()) return std::nullopt;
  return number;
}

/// Significant digits in a buffer that has room for them, without zeros at either end:
/// 0.DDD × 10^point.
class Digits {
 public:
  Digits(char* buffer, const Written& number) : begin_(buffer), end_(buffer) {
    write(number.whole.substr(leading_zeros(number.whole)));
    point_ = static_cast<std::int64_t>(size()) + number.exponent;
    if (size() != 0) {
      write(number.fraction);
    } else {
      const std::size_t zeros = leading_zeros(number.fraction);
      write(number.fraction.substr(zeros));
      point_ -= static_cast<std::int64_t>(zeros);
    }
    drop_trailing('0');
  }

  [[nodiscard]] bool zero() const { return size() == 0; }
  [[nodiscard]] char* end() const { return end_; }
  /// Of the last digit.
  [[nodiscard]] std::int64_t exponent() const { return point_ - static_cast<std::int64_t>(size()); }

  [[nodiscard]] bool whole_below_2_to_53() const {
    if (exponent() < 0) return false;
    const auto length = static_cast<std::int64_t>(kTwoTo53.size());
    // With as many digits, the text order of the significant digits is the order of the numbers.
    return point_ < length || (point_ == length && std::string_view(begin_, size()) < kTwoTo53);
  }

  /// Half to even, as printf rounds.
  void round_to(std::size_t digits) {
    if (size() <= digits) return;
    const char next = begin_[digits];
    const bool beyond_tie = size() > digits + 1;
    end_ = begin_ + digits;
    const bool odd = (end_[-1] - '0') % 2 != 0;
    if (next > '5' || (next == '5' && (beyond_tie || odd))) {
      count_up();
    } else {
      drop_trailing('0');
    }
  }

 private:
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(end_ - begin_); }

  void write(std::string_view digits) { end_ = std::copy(digits.begin(), digits.end(), end_); }

  void drop_trailing(char digit) {
    while (end_ != begin_ && end_[-1] == digit) --end_;
  }

  void count_up() {
    drop_trailing('9');
    if (end_ != begin_) {
      ++end_[-1];
    } else {
      *end_++ = '1';
      ++point_;
    }
  }

  char* begin_;
  char* end_;
  std::int64_t point_ = 0;
};

/// Longest `e` and exponent: a long text of zeros moves the exponent by its length.
constexpr std::size_t kExponentRoom = 24;

}  // namespace

void append_compared_float(std::string& out, std::string_view text, int digits) {
  const std::optional<Written> number = digits > 0 ? read_number(text) : std::nullopt;
  if (!number) {
    out.append(text);
    return;
  }
  const std::size_t before = out.size();
  out.resize(before + 1 + text.size() + kExponentRoom);
  char* const begin = out.data() + before;
  char* at = begin;
  if (number->negative) *at++ = '-';
  Digits significant(at, *number);
  if (significant.zero()) {
    // Negative zero equals zero, and a sum may end as either.
    *begin = '0';
    out.resize(before + 1);
    return;
  }
  if (!significant.whole_below_2_to_53()) significant.round_to(static_cast<std::size_t>(digits));
  at = significant.end();
  *at++ = 'e';
  at = std::to_chars(at, out.data() + out.size(), significant.exponent()).ptr;
  out.resize(static_cast<std::size_t>(at - out.data()));
}

}  // namespace tailrace
