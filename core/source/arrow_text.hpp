#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tailrace {

// Canonical text of Arrow values: what PostgreSQL would write for the same logical value, so that
// neither integer width, time unit nor the way a table was cut shows in a row's bytes.

/// Of times and timestamps: how many decimal digits of a second one unit stands for.
enum class TimeUnit : std::uint8_t { seconds = 0, milli = 3, micro = 6, nano = 9 };

enum class TimestampForm : std::uint8_t {
  sql,   // 2024-01-01 00:00:00.5+00
  json,  // 2024-01-01T00:00:00.5+00:00
};

/// `value` units since 1970, UTC. Fractions lose their trailing zeros. The extremes of 64 bits are
/// infinity and -infinity: DuckDB and ADBC drivers hand PostgreSQL's infinity over as these.
void append_timestamp(std::string& out, std::int64_t value, TimeUnit unit, bool zoned,
                      TimestampForm form);

/// Days since 1970-01-01, proleptic Gregorian. 0044-03-15 BC, 10000-01-01; the extremes of 32 bits
/// are infinity and -infinity.
void append_date(std::string& out, std::int64_t days);

/// Units since midnight: HH:MM:SS[.f].
void append_time(std::string& out, std::int64_t value, TimeUnit unit);

struct IntervalParts {
  std::int64_t months = 0;
  std::int64_t days = 0;
  std::int64_t value = 0;  // in `unit`
  TimeUnit unit = TimeUnit::nano;
};
/// ISO 8601 as PostgreSQL's IntervalStyle iso_8601: P1Y2M3DT4H5M6.5S, PT0S, each part signed.
void append_interval(std::string& out, const IntervalParts& parts);

/// The shortest text that reads back the same, in PostgreSQL's choice of notation. Equal to what
/// PostgreSQL writes up to 2^53 (2^24 for float); above it sometimes has a digit or two more.
void append_float(std::string& out, double value);
void append_float(std::string& out, float value);

/// `little_endian`: a two's complement integer of 4, 8, 16 or 32 bytes; the value is it times
/// 10^-scale. Keeps the scale (1.50); a negative scale adds zeros.
void append_decimal(std::string& out, std::span<const std::uint8_t> little_endian, int scale);

/// `bytes`: 16 of them.
void append_uuid(std::string& out, std::string_view bytes);

/// In quotes, escaped; bytes above 0x7f as they are.
void append_json_string(std::string& out, std::string_view text);

}  // namespace tailrace
