#include "wire/json_scan.hpp"

#include <algorithm>
#include <bitset>
#include <charconv>
#include <system_error>

#include "row/ascii.hpp"
#include "wire/utf8.hpp"

namespace tailrace::wire {
namespace {

class Scanner {
 public:
  Scanner(std::string_view text, int max_depth)
      : rest_(text), max_depth_(static_cast<std::size_t>(std::clamp(max_depth, 0, kScanDepth))) {}

  [[nodiscard]] JsonScan run() {
    result_.valid = document();
    return result_;
  }

 private:
  /// Whether the innermost open container is an object stands in open_[depth_ - 1].
  bool document() {
    for (;;) {
      skip_space();
      if (!value()) return false;
      if (opened_) continue;  // a container with something in it: its first value comes next
      for (;;) {
        skip_space();
        if (depth_ == 0) return rest_.empty();
        if (take(',')) break;
        if (!take(in_object() ? '}' : ']')) return false;
        --depth_;
      }
      if (in_object() && !key()) return false;
    }
  }

  /// One value; of a container its opening, and its end where it is empty.
  bool value() {
    opened_ = false;
    if (rest_.empty()) return false;
    ++result_.values;
    switch (rest_.front()) {
      case '{': return open(true);
      case '[': return open(false);
      case '"': return string();
      case 't': return take_word("true");
      case 'f': return take_word("false");
      case 'n': return take_word("null");
      default: return number();
    }
  }

  bool open(bool object) {
    if (depth_ >= max_depth_) return false;
    rest_.remove_prefix(1);
    skip_space();
    if (take(object ? '}' : ']')) return true;
    open_[depth_++] = object;
    opened_ = true;
    return object ? key() : true;
  }

  bool key() {
    skip_space();
    if (rest_.empty() || rest_.front() != '"' || !string()) return false;
    skip_space();
    return take(':');
  }

  bool string() {
    rest_.remove_prefix(1);
    while (!rest_.empty()) {
      const auto c = static_cast<unsigned char>(rest_.front());
      if (c == '"') return take('"');
      if (c < 0x20) return false;
      if (c == '\\') {
        if (!escape()) return false;
      } else if (c < 0x80) {
        rest_.remove_prefix(1);
      } else {
        const std::size_t length = utf8_sequence(rest_);
        if (length == 0) return false;
        rest_.remove_prefix(length);
      }
    }
    return false;
  }

  bool escape() {
    rest_.remove_prefix(1);
    if (rest_.empty()) return false;
    const char c = rest_.front();
    rest_.remove_prefix(1);
    if (c != 'u') return std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos;
    const int unit = hex_unit();
    if (unit < 0) return false;
    if (unit < 0xD800 || unit > 0xDFFF) return true;
    if (unit > 0xDBFF || !take('\\') || !take('u')) return false;
    const int low = hex_unit();
    return low >= 0xDC00 && low <= 0xDFFF;
  }

  int hex_unit() {
    if (rest_.size() < 4) return -1;
    int value = 0;
    const char* end = rest_.data() + 4;
    // from_chars takes a minus sign, which has no place here.
    if (rest_.front() == '-') return -1;
    const auto read = std::from_chars(rest_.data(), end, value, 16);
    if (read.ec != std::errc{} || read.ptr != end) return -1;
    rest_.remove_prefix(4);
    return value;
  }

  bool number() {
    std::size_t length = 0;
    while (length < rest_.size() &&
           (is_digit(rest_[length]) ||
            std::string_view("+-.eE").find(rest_[length]) != std::string_view::npos)) {
      ++length;
    }
    const std::string_view text = rest_.substr(0, length);
    if (!is_json_number(text)) return false;
    result_.finite = result_.finite && fits_double(text);
    rest_.remove_prefix(length);
    return true;
  }

  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool take_word(std::string_view word) {
    if (rest_.substr(0, word.size()) != word) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  void skip_space() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\n' ||
                              rest_.front() == '\r' || rest_.front() == '\t')) {
      rest_.remove_prefix(1);
    }
  }

  [[nodiscard]] bool in_object() const { return depth_ > 0 && open_[depth_ - 1]; }

  std::string_view rest_;
  std::size_t max_depth_;
  std::size_t depth_ = 0;
  bool opened_ = false;
  std::bitset<kScanDepth> open_;
  JsonScan result_;
};

[[nodiscard]] std::size_t digits_at(std::string_view text, std::size_t from) {
  std::size_t end = from;
  while (end < text.size() && is_digit(text[end])) ++end;
  return end - from;
}

/// Power of ten that a number in JSON's grammar begins at: 1 for 9.5, 0 for 0.95, -2 for 0.001.
[[nodiscard]] long long magnitude(std::string_view number) {
  const std::size_t mark = number.find_first_of("eE");
  const std::string_view digits = number.substr(0, mark);
  const std::size_t first = digits.find_first_of("123456789");
  if (first == std::string_view::npos) return 0;
  const std::size_t point = std::min(digits.find('.'), digits.size());
  long long power = static_cast<long long>(point) - static_cast<long long>(first);
  if (first > point) ++power;  // the point itself was counted as a digit
  if (mark == std::string_view::npos) return power;
  const std::string_view exponent = number.substr(mark + 1);
  const bool negative = exponent.front() == '-';
  constexpr long long kFar = 1'000'000'000'000;  // more than any text has digits
  long long shift = 0;
  for (const char c : exponent) {
    if (is_digit(c)) shift = std::min(shift * 10 + (c - '0'), kFar);
  }
  return negative ? power - shift : power + shift;
}

}  // namespace

JsonScan scan_json(std::string_view text, int max_depth) { return Scanner(text, max_depth).run(); }

bool is_json_number(std::string_view text) {
  std::size_t at = !text.empty() && text.front() == '-' ? 1 : 0;
  const std::size_t whole = digits_at(text, at);
  if (whole == 0 || (whole > 1 && text[at] == '0')) return false;
  at += whole;
  if (at < text.size() && text[at] == '.') {
    const std::size_t fraction = digits_at(text, at + 1);
    if (fraction == 0) return false;
    at += 1 + fraction;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const std::size_t exponent = digits_at(text, at);
    if (exponent == 0) return false;
    at += exponent;
  }
  return at == text.size();
}

bool fits_double(std::string_view number) {
  const std::size_t exponent = number.find_first_of("eE");
  // 308 digits before the point are below the largest double, 1.8e308.
  if (exponent == std::string_view::npos && number.size() <= 308) return true;
  double value = 0;
  const auto read = std::from_chars(number.data(), number.data() + number.size(), value);
  if (read.ec == std::errc{}) return true;
  return magnitude(number) <= 0;  // out of range, and too small is zero
}

}  // namespace tailrace::wire
