#include "state/postgres_value.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstddef>
#include <limits>
#include <type_traits>

#include "row/ascii.hpp"
#include "state/errors.hpp"

namespace tailrace {
namespace {

// Built-in types have had these numbers in every release (src/include/catalog/pg_type.dat).
constexpr Oid kBytea = 17;
constexpr Oid kBigint = 20;
constexpr Oid kInteger = 23;
constexpr Oid kText = 25;
constexpr Oid kJson = 114;
constexpr Oid kDouble = 701;
constexpr Oid kByteaArray = 1001;
constexpr Oid kTextArray = 1009;
constexpr Oid kBigintArray = 1016;
constexpr Oid kTimestamptz = 1184;
constexpr Oid kTimestamptzArray = 1185;

constexpr std::int64_t kEpochMs = 946'684'800'000;  // 2000-01-01, from which the server counts

constexpr char kMark = '\x1A';

/// Microseconds since the server's epoch.
std::int64_t server_time(PostgresTime time) { return (time.unix_ms - kEpochMs) * 1000; }

template <typename Number>
void put(std::string& out, Number value) {
  const auto bits = static_cast<std::make_unsigned_t<Number>>(value);
  for (int shift = 8 * (static_cast<int>(sizeof bits) - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(bits >> shift & 0xFFU));
  }
}

template <typename Number>
std::string network_order(Number value) {
  std::string out;
  put(out, value);
  return out;
}

/// An array of one dimension; `write` appends the n-th element.
template <typename Write>
std::string array_of(Oid element, std::size_t count, const Write& write) {
  std::string out;
  put<std::int32_t>(out, count == 0 ? 0 : 1);  // dimensions
  put<std::int32_t>(out, 0);                   // no NULL in it
  put<std::uint32_t>(out, element);
  if (count == 0) return out;
  put<std::int32_t>(out, static_cast<std::int32_t>(count));
  put<std::int32_t>(out, 1);  // the first index
  for (std::size_t i = 0; i < count; ++i) write(out, i);
  return out;
}

void put_element(std::string& out, std::string_view bytes) {
  put<std::int32_t>(out, static_cast<std::int32_t>(bytes.size()));
  out += bytes;
}

/// Bytes of the UTF-8 character at the front as PostgreSQL takes them; 0 where there is none.
std::size_t character_bytes(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto follows = [&](std::size_t i, unsigned least = 0x80, unsigned most = 0xBF) {
    return i < text.size() && at(i) >= least && at(i) <= most;
  };
  const unsigned first = at(0);
  if (first < 0x80) return first == 0 ? 0 : 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const unsigned least = first == 0xE0 ? 0xA0 : 0x80;
    const unsigned most = first == 0xED ? 0x9F : 0xBF;  // no surrogates
    return follows(1, least, most) && follows(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const unsigned least = first == 0xF0 ? 0x90 : 0x80;
    const unsigned most = first == 0xF4 ? 0x8F : 0xBF;
    return follows(1, least, most) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

[[noreturn]] void wrong_type(const char* what) {
  throw StateLost(std::string("state: a column that should hold ") + what +
                  " does not: the tables are not what they were made as");
}

}  // namespace

std::string to_postgres_text(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const std::size_t length = bytes.front() == kMark ? 0 : character_bytes(bytes);
    if (length == 0) {
      text += kMark;
      append_hex(text, bytes.substr(0, 1));
    } else {
      text += bytes.substr(0, length);
    }
    bytes.remove_prefix(length == 0 ? 1 : length);
  }
  return text;
}

std::string from_postgres_text(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    if (text[i] != kMark) {
      bytes.push_back(text[i]);
      continue;
    }
    const char* digits = text.data() + i + 1;
    const bool whole = i + 2 < text.size();
    if (!whole || std::from_chars(digits, digits + 2, value, 16).ptr != digits + 2) {
      throw StateLost("state: a text in the store is corrupt");
    }
    bytes.push_back(static_cast<char>(value));
    i += 2;
  }
  return bytes;
}

void PostgresParams::keep(Oid type, std::string bytes) {
  const std::string& held = kept_.emplace_back(std::move(bytes));
  refer(type, held.data(), held.size());
}

void PostgresParams::refer(Oid type, const char* at, std::size_t length) {
  types_.push_back(type);
  values_.push_back(at);
  lengths_.push_back(static_cast<int>(length));
  formats_.push_back(1);
  bytes_ += length;
}

void PostgresParams::add(std::int64_t value) { keep(kBigint, network_order(value)); }

void PostgresParams::add(std::int32_t value) { keep(kInteger, network_order(value)); }

void PostgresParams::add(double value) {
  keep(kDouble, network_order(std::bit_cast<std::int64_t>(value)));
}

void PostgresParams::add(std::string_view text) { keep(kText, to_postgres_text(text)); }

// A null pointer would be NULL, and an empty view may have one.
void PostgresParams::add(PostgresBlob value) {
  refer(kBytea, value.bytes.data() == nullptr ? "" : value.bytes.data(), value.bytes.size());
}

void PostgresParams::add(PostgresTime value) {
  if (value.unix_ms == 0) return refer(kTimestamptz, nullptr, 0);
  keep(kTimestamptz, network_order(server_time(value)));
}

void PostgresParams::add(PostgresJson value) {
  if (value.document.empty()) return refer(kJson, nullptr, 0);
  keep(kJson, std::string(value.document));
}

void PostgresParams::add(const std::vector<std::int64_t>& values) {
  keep(kBigintArray, array_of(kBigint, values.size(), [&](std::string& out, std::size_t i) {
         put_element(out, network_order(values[i]));
       }));
}

void PostgresParams::add(const std::vector<std::string>& values) {
  keep(kTextArray, array_of(kText, values.size(), [&](std::string& out, std::size_t i) {
         put_element(out, to_postgres_text(values[i]));
       }));
}

void PostgresParams::add(const std::vector<PostgresBlob>& values) {
  keep(kByteaArray, array_of(kBytea, values.size(), [&](std::string& out, std::size_t i) {
         put_element(out, values[i].bytes);
       }));
}

void PostgresParams::add(const std::vector<PostgresTime>& values) {
  keep(kTimestamptzArray,
       array_of(kTimestamptz, values.size(), [&](std::string& out, std::size_t i) {
         put_element(out, network_order(server_time(values[i])));
       }));
}

std::int64_t postgres_limit(std::size_t rows) {
  constexpr auto most = static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max());
  return static_cast<std::int64_t>(std::min(rows, most));
}

std::int64_t PostgresResult::touched() const {
  const std::string_view count = PQcmdTuples(result_);
  std::int64_t value = 0;
  std::from_chars(count.data(), count.data() + count.size(), value);
  return value;
}

bool PostgresResult::null(int row, int column) const {
  return PQgetisnull(result_, row, column) != 0;
}

std::int64_t PostgresResult::integer(int row, int column) const {
  const std::string_view from = bytes(row, column);
  if (from.size() != 8 && from.size() != 4 && from.size() != 2) wrong_type("a number");
  // Sign-extended from the first byte.
  auto value =
      static_cast<std::uint64_t>(static_cast<std::int64_t>(static_cast<signed char>(from.front())));
  for (const char byte : from.substr(1)) value = value << 8U | static_cast<unsigned char>(byte);
  return static_cast<std::int64_t>(value);
}

double PostgresResult::real(int row, int column) const {
  if (PQftype(result_, column) != kDouble) wrong_type("a fraction");
  return std::bit_cast<double>(integer(row, column));
}

bool PostgresResult::flag(int row, int column) const {
  const std::string_view from = bytes(row, column);
  if (from.size() != 1) wrong_type("true or false");
  return from.front() != '\0';
}

std::string PostgresResult::text(int row, int column) const {
  return from_postgres_text(bytes(row, column));
}

std::string_view PostgresResult::bytes(int row, int column) const {
  return {PQgetvalue(result_, row, column),
          static_cast<std::size_t>(PQgetlength(result_, row, column))};
}

std::int64_t PostgresResult::time_ms(int row, int column) const {
  if (null(row, column)) return 0;
  if (PQftype(result_, column) != kTimestamptz) wrong_type("a time");
  return integer(row, column) / 1000 + kEpochMs;
}

}  // namespace tailrace
