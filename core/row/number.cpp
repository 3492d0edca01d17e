#include "row/number.hpp"

#include <charconv>
#include <cstdint>
#include <optional>

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

[[nodiscard]] bool is_digit(char c) { return c >= '0' && c <= '9'; }

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

/// Digits at the end of a buffer, without zeros at either end: 0.DDD × 10^point.
class Digits {
 public:
  Digits(std::string& out, const Written& number) : out_(out), start_(out.size()) {
    const std::size_t zeros = leading_zeros(number.whole);
    out_.append(number.whole.substr(zeros));
    point_ = static_cast<std::int64_t>(size()) + number.exponent;
    if (size() != 0) {
      out_.append(number.fraction);
    } else {
      const std::size_t more = leading_zeros(number.fraction);
      out_.append(number.fraction.substr(more));
      point_ -= static_cast<std::int64_t>(more);
    }
    drop_trailing_zeros();
  }

  [[nodiscard]] bool zero() const { return size() == 0; }

  [[nodiscard]] bool whole_below_2_to_53() const {
    if (point_ < static_cast<std::int64_t>(size())) return false;
    const auto length = static_cast<std::int64_t>(kTwoTo53.size());
    // With as many digits, the text order of the significant digits is the order of the numbers.
    return point_ < length ||
           (point_ == length && std::string_view(out_).substr(start_) < kTwoTo53);
  }

  /// Half to even, as printf rounds.
  void round_to(std::size_t digits) {
    if (size() <= digits) return;
    const char next = out_[start_ + digits];
    const bool beyond_tie = size() > digits + 1;
    out_.resize(start_ + digits);
    const bool odd = ((out_.back() - '0') & 1) != 0;
    if (next > '5' || (next == '5' && (beyond_tie || odd))) {
      count_up();
    } else {
      drop_trailing_zeros();
    }
  }

  void append_exponent() {
    char text[24];
    const std::int64_t exponent = point_ - static_cast<std::int64_t>(size());
    const auto end = std::to_chars(std::begin(text), std::end(text), exponent).ptr;
    out_.push_back('e');
    out_.append(std::begin(text), end);
  }

 private:
  [[nodiscard]] std::size_t size() const { return out_.size() - start_; }

  void drop_trailing_zeros() {
    while (size() != 0 && out_.back() == '0') out_.pop_back();
  }

  void count_up() {
    while (size() != 0 && out_.back() == '9') out_.pop_back();
    if (size() != 0) {
      ++out_.back();
    } else {
      out_.push_back('1');
      ++point_;
    }
  }

  std::string& out_;
  std::size_t start_;
  std::int64_t point_ = 0;
};

}  // namespace

void append_compared_float(std::string& out, std::string_view text, int digits) {
  const std::optional<Written> number = digits > 0 ? read_number(text) : std::nullopt;
  if (!number) {
    out.append(text);
    return;
  }
  const std::size_t begin = out.size();
  if (number->negative) out.push_back('-');
  Digits significant(out, *number);
  if (significant.zero()) {
    // Negative zero equals zero, and a sum may end as either.
    out.resize(begin);
    out.push_back('0');
    return;
  }
  if (!significant.whole_below_2_to_53()) significant.round_to(static_cast<std::size_t>(digits));
  significant.append_exponent();
}

}  // namespace tailrace
