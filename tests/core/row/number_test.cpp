#include "row/number.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

namespace tailrace {
namespace {

std::string compared(std::string_view text, int digits = 12) {
  std::string out = "kept:";
  append_compared_float(out, text, digits);
  EXPECT_EQ(out.substr(0, 5), "kept:");
  return out.substr(5);
}

std::string printed_e(double value, int digits) {
  std::string out(1200, '\0');
  out.resize(
      static_cast<std::size_t>(std::snprintf(out.data(), out.size(), "%.*e", digits, value)));
  return out;
}

std::string printed_f(double value, int digits) {
  std::string out(1500, '\0');
  out.resize(
      static_cast<std::size_t>(std::snprintf(out.data(), out.size(), "%.*f", digits, value)));
  return out;
}

/// The form that the header describes, made from what printf rounded: "d.ddddde±xx".
std::string form_of(const std::string& scientific) {
  const std::size_t e = scientific.find('e');
  std::string digits;
  for (const char c : scientific.substr(0, e)) {
    if (c != '.' && c != '-') digits.push_back(c);
  }
  int exponent = std::stoi(scientific.substr(e + 1)) - static_cast<int>(digits.size()) + 1;
  while (!digits.empty() && digits.back() == '0') {
    digits.pop_back();
    ++exponent;
  }
  if (digits.empty()) return "0";
  return (scientific[0] == '-' ? "-" : "") + digits + "e" + std::to_string(exponent);
}

bool is_exact_whole(double value) {
  return std::fabs(value) < 9007199254740992.0 && std::trunc(value) == value;
}

std::string expected_form(double value) {
  return form_of(printed_e(value, is_exact_whole(value) ? 17 : 11));
}

std::string shortest(double value, std::chars_format format) {
  std::string out(1200, '\0');
  const auto end = std::to_chars(out.data(), out.data() + out.size(), value, format).ptr;
  out.resize(static_cast<std::size_t>(end - out.data()));
  return out;
}

/// Any finite double: subnormals and huge ones as likely as their exponents are.
double random_double(std::mt19937_64& random) {
  for (;;) {
    const double value = std::bit_cast<double>(random());
    if (std::isfinite(value)) return value;
  }
}

TEST(ComparedFloat, WritesSignDigitsAndExponent) {
  EXPECT_EQ(compared("1.5"), "15e-1");
  EXPECT_EQ(compared("-1500"), "-15e2");
  EXPECT_EQ(compared("0.001"), "1e-3");
  EXPECT_EQ(compared("3"), "3e0");
  EXPECT_EQ(compared("3.14159265358979"), "314159265359e-11");
}

TEST(ComparedFloat, NotationMakesNoDifference) {
  for (const char* text :
       {"1e+15", "1000000000000000", "1000000000000000.0", "1.0e15", "+1E15", "0.1e16", "10E0014",
        "00001e15", "1000000000000000.", "1e0000000000015"}) {
    EXPECT_EQ(compared(text), "1e15") << text;
  }
  for (const char* text : {".5", "0.5", "5e-1", "0.50000", "+.5", "50E-02"}) {
    EXPECT_EQ(compared(text), "5e-1") << text;
  }
}

TEST(ComparedFloat, NegativeZeroEqualsZero) {
  for (const char* text :
       {"0", "-0", "0.0", "-0.000", "0e0", "-0e-308", "+0", "0e99999999", ".0"}) {
    EXPECT_EQ(compared(text), "0") << text;
  }
}

TEST(ComparedFloat, NoiseInTheLastBitsIsNoDifference) {
  EXPECT_EQ(compared("0.1"), compared("0.10000000000000001"));
  EXPECT_EQ(compared("0.30000000000000004"), compared("0.3"));
  EXPECT_EQ(compared("1234.5600000000001"), compared("1234.56"));
  EXPECT_EQ(compared("9.9999999999999982"), compared("10"));
  EXPECT_NE(compared("1.00000000001"), compared("1"));
}

TEST(ComparedFloat, RoundsHalfToEven) {
  EXPECT_EQ(compared("1234567890125e-13"), "123456789012e-12");
  EXPECT_EQ(compared("0.1234567890135"), "123456789014e-12");
  EXPECT_EQ(compared("0.12345678901250000000000000001"), "123456789013e-12");
  EXPECT_EQ(compared("0.12345678901249999999999999999"), "123456789012e-12");
  EXPECT_EQ(compared("2.5", 1), "2e0");
  EXPECT_EQ(compared("3.5", 1), "4e0");
}

TEST(ComparedFloat, CarriesThroughNines) {
  EXPECT_EQ(compared("0.99999999999999"), "1e0");
  EXPECT_EQ(compared("-99.99999999999999"), "-1e2");
  EXPECT_EQ(compared("9.96", 2), "1e1");
  EXPECT_EQ(compared("1.99999999999996"), "2e0");
}

TEST(ComparedFloat, WholeNumbersBelowTwoTo53KeepAllDigits) {
  EXPECT_EQ(compared("9007199254740991"), "9007199254740991e0");
  EXPECT_EQ(compared("-9007199254740991"), "-9007199254740991e0");
  EXPECT_EQ(compared("9.007199254740991e15"), "9007199254740991e0");
  EXPECT_EQ(compared("9007199254740992"), "900719925474e4");
  EXPECT_EQ(compared("9007199254740993"), "900719925474e4");
  EXPECT_EQ(compared("1234567890123456"), "1234567890123456e0");
  EXPECT_EQ(compared("1234567890123456.5"), "123456789012e4");
  EXPECT_EQ(compared("900719925474099", 3), "900719925474099e0");
  EXPECT_EQ(compared("900719925474099.5", 3), "901e12");
  EXPECT_EQ(compared("12345678901234567"), "123456789012e5");
}

TEST(ComparedFloat, DigitsZeroKeepsTheTextAsItStands) {
  EXPECT_EQ(compared("-0.10000000000000001", 0), "-0.10000000000000001");
  EXPECT_EQ(compared("1e+15", 0), "1e+15");
}

TEST(ComparedFloat, WhatIsNoNumberIsAppendedAsItStands) {
  for (const char* text : {"NaN",
                           "Infinity",
                           "-Infinity",
                           "",
                           "-",
                           "+",
                           ".",
                           "e5",
                           "1e",
                           "1e+",
                           "1.5.2",
                           "1,5",
                           " 1",
                           "1 ",
                           "0x1p3",
                           "--1",
                           "1e5x",
                           "1_000",
                           "1e9999999999",
                           "1e-99999999999999999999",
                           "\\N",
                           "١"}) {
    EXPECT_EQ(compared(text), text);
  }
}

TEST(ComparedFloat, SurvivesTextOfAnyLengthAndBytes) {
  EXPECT_EQ(compared(std::string(100'000, '0') + "7"), "7e0");
  EXPECT_EQ(compared("0." + std::string(100'000, '0') + "7"), "7e-100001");
  EXPECT_EQ(compared(std::string(100'000, '9')), "1e100000");
  std::mt19937_64 random(3);
  static const std::string letters = "0123456789.eE+-9990N\\";
  for (int i = 0; i < 50'000; ++i) {
    std::vector<char> text(random() % 24);
    for (char& c : text) c = letters[random() % letters.size()];
    const std::string first = compared(std::string_view(text.data(), text.size()));
    // The compared form of a compared form is itself.
    ASSERT_EQ(compared(first), first) << std::string(text.begin(), text.end());
  }
}

TEST(ComparedFloat, AgreesWithPrintfOnTheExactValueOfAnyDouble) {
  std::mt19937_64 random(11);
  for (int i = 0; i < 20'000; ++i) {
    const double value = random_double(random);
    ASSERT_EQ(compared(printed_e(value, 770)), expected_form(value)) << printed_e(value, 20);
  }
}

TEST(ComparedFloat, AgreesWithPrintfOnSubnormals) {
  std::mt19937_64 random(12);
  for (int i = 0; i < 5'000; ++i) {
    const double value = std::bit_cast<double>(random() & ((1ULL << 52) - 1));
    ASSERT_EQ(compared(printed_f(value, 1074)), expected_form(value)) << printed_e(value, 20);
  }
}

TEST(ComparedFloat, AgreesWithPrintfOnExactTies) {
  std::mt19937_64 random(13);
  for (int i = 0; i < 20'000; ++i) {
    // n + 1/2 with 12 digits before the point is exact in a double, and a tie at 12 digits.
    const double value = static_cast<double>(100'000'000'000 + random() % 899'999'999'999) + 0.5;
    ASSERT_EQ(compared(printed_f(value, 20)), expected_form(value)) << printed_f(value, 1);
  }
}

TEST(ComparedFloat, TheShortestTextOfADoubleGivesItsRoundedValueInEveryNotation) {
  std::mt19937_64 random(14);
  for (int i = 0; i < 50'000; ++i) {
    double value = random_double(random);
    if (!std::isnormal(value)) continue;
    // Half of them of the size that business figures have.
    int exponent = 0;
    if (i % 2 == 0) value = std::ldexp(std::frexp(value, &exponent), i % 70 - 10);
    const std::string scientific = shortest(value, std::chars_format::scientific);
    const std::string form = compared(scientific);
    ASSERT_EQ(compared(shortest(value, std::chars_format::fixed)), form) << scientific;
    const std::size_t significant = scientific.find('e') - (value < 0 ? 2 : 1);
    const bool tie = significant == 13 && scientific[scientific.find('e') - 1] == '5';
    // A tie of the text need not be one of the double behind it.
    if (tie) continue;
    ASSERT_EQ(form, expected_form(value)) << scientific;
  }
}

TEST(ComparedFloat, WholeDoublesBelowTwoTo53AreExactInEveryNotation) {
  std::mt19937_64 random(15);
  for (int i = 0; i < 20'000; ++i) {
    const auto value = static_cast<double>(random() >> (11 + random() % 53));
    const std::string exact = expected_form(value);
    ASSERT_EQ(compared(printed_f(value, 0)), exact);
    ASSERT_EQ(compared(shortest(value, std::chars_format::scientific)), exact);
    ASSERT_EQ(compared(printed_f(-value, 3)), value == 0 ? "0" : "-" + exact);
  }
}

}  // namespace
}  // namespace tailrace
