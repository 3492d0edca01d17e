#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>

#include "source/arrow_text.hpp"

namespace tailrace {
namespace {

constexpr std::size_t kLimbs = 8;  // 256 bits
constexpr std::uint32_t kBillion = 1'000'000'000;
constexpr std::size_t kBillionDigits = 9;

/// An unsigned integer of up to 256 bits that is taken apart, nine decimal digits at a time.
class Magnitude {
 public:
  Magnitude(std::span<const std::uint8_t> little_endian, bool negative)
      : used_(little_endian.size() / sizeof(std::uint32_t)) {
    std::memcpy(limbs_.data(), little_endian.data(), little_endian.size());
    if (negative) negate();
    trim();
  }

  [[nodiscard]] bool zero() const { return used_ == 0; }

  std::uint32_t divide_by_billion() {
    std::uint64_t remainder = 0;
    for (std::size_t i = used_; i-- > 0;) {
      const std::uint64_t part = (remainder << 32U) | limbs_[i];
      limbs_[i] = static_cast<std::uint32_t>(part / kBillion);
      remainder = part % kBillion;
    }
    trim();
    return static_cast<std::uint32_t>(remainder);
  }

 private:
  void negate() {
    std::uint64_t carry = 1;
    for (std::size_t i = 0; i < used_; ++i) {
      const std::uint64_t sum = std::uint64_t{~limbs_[i]} + carry;
      limbs_[i] = static_cast<std::uint32_t>(sum);
      carry = sum >> 32U;
    }
  }
  void trim() {
    while (used_ > 0 && limbs_[used_ - 1] == 0) --used_;
  }

  std::array<std::uint32_t, kLimbs> limbs_{};
  std::size_t used_;
};

/// Digits of the magnitude without leading zeros, "0" for zero; right-aligned in `room`.
std::string_view digits_of(Magnitude magnitude, std::span<char> room) {
  std::size_t begin = room.size();
  do {
    std::uint32_t group = magnitude.divide_by_billion();
    for (std::size_t i = 0; i < kBillionDigits && (group > 0 || !magnitude.zero()); ++i) {
      room[--begin] = static_cast<char>('0' + group % 10);
      group /= 10;
    }
  } while (!magnitude.zero());
  if (begin == room.size()) room[--begin] = '0';
  return {room.data() + begin, room.size() - begin};
}

}  // namespace

void append_decimal(std::string& out, std::span<const std::uint8_t> little_endian, int scale) {
  constexpr unsigned kSignBit = 0x80;
  const bool negative = (little_endian.back() & kSignBit) != 0;
  std::array<char, 96> room{};
  const std::string_view digits = digits_of(Magnitude(little_endian, negative), room);

  if (negative) out.push_back('-');
  if (scale <= 0) {
    out += digits;
    if (digits != "0") out.append(static_cast<std::size_t>(-scale), '0');
    return;
  }
  const auto fraction = static_cast<std::size_t>(scale);
  if (digits.size() > fraction) {
    out += digits.substr(0, digits.size() - fraction);
    out.push_back('.');
    out += digits.substr(digits.size() - fraction);
  } else {
    out += "0.";
    out.append(fraction - digits.size(), '0');
    out += digits;
  }
}

}  // namespace tailrace
