// Dates, times, timestamps, durations and intervals.

#include <array>
#include <optional>
#include <string_view>

#include "source/arrow_column.hpp"
#include "source/arrow_text.hpp"

namespace tailrace {
namespace {

constexpr ArrowColumn::Layout kTimes{2, 0};

class TemporalColumn : public ArrowColumn {
 public:
  explicit TemporalColumn(std::string path) : ArrowColumn(std::move(path), kTimes) {}

 protected:
  void bind_values(const ArrowArray& array, std::int64_t /*slots*/) override {
    values_ = buffer(array, 1);
  }
  template <typename T>
  [[nodiscard]] T value(std::int64_t slot) const {
    return load<T>(values_, slot);
  }
  [[nodiscard]] const std::uint8_t* values() const { return values_; }

 private:
  const std::uint8_t* values_ = nullptr;
};

class DateColumn : public TemporalColumn {
 public:
  DateColumn(std::string path, bool in_milliseconds)
      : TemporalColumn(std::move(path)), in_milliseconds_(in_milliseconds) {}

 protected:
  void append_text(std::string& out, std::int64_t slot) const override {
    append_date(out, in_milliseconds_ ? days_of(value<std::int64_t>(slot))
                                      : std::int64_t{value<std::int32_t>(slot)});
  }

 private:
  static std::int64_t days_of(std::int64_t milliseconds) {
    constexpr std::int64_t kPerDay = 86'400'000;
    return milliseconds / kPerDay - (milliseconds % kPerDay < 0 ? 1 : 0);
  }

  bool in_milliseconds_;
};

class TimeColumn : public TemporalColumn {
 public:
  TimeColumn(std::string path, TimeUnit unit) : TemporalColumn(std::move(path)), unit_(unit) {}

 protected:
  void append_text(std::string& out, std::int64_t slot) const override {
    const bool narrow = unit_ == TimeUnit::seconds || unit_ == TimeUnit::milli;
    append_time(out, narrow ? value<std::int32_t>(slot) : value<std::int64_t>(slot), unit_);
  }

 private:
  TimeUnit unit_;
};

class TimestampColumn : public TemporalColumn {
 public:
  TimestampColumn(std::string path, TimeUnit unit, bool zoned)
      : TemporalColumn(std::move(path)), unit_(unit), zoned_(zoned) {}

 protected:
  void append_text(std::string& out, std::int64_t slot) const override {
    append_timestamp(out, value<std::int64_t>(slot), unit_, zoned_, TimestampForm::sql);
  }
  void append_json(std::string& out, std::int64_t slot) const override {
    out.push_back('"');
    append_timestamp(out, value<std::int64_t>(slot), unit_, zoned_, TimestampForm::json);
    out.push_back('"');
  }

 private:
  TimeUnit unit_;
  bool zoned_;
};

class DurationColumn : public TemporalColumn {
 public:
  DurationColumn(std::string path, TimeUnit unit) : TemporalColumn(std::move(path)), unit_(unit) {}

 protected:
  void append_text(std::string& out, std::int64_t slot) const override {
    append_interval(out, {0, 0, value<std::int64_t>(slot), unit_});
  }

 private:
  TimeUnit unit_;
};

class IntervalColumn : public TemporalColumn {
 public:
  /// `kind`: the last letter of the format: M months, D days and milliseconds, n all three.
  IntervalColumn(std::string path, char kind) : TemporalColumn(std::move(path)), kind_(kind) {}

 protected:
  void append_text(std::string& out, std::int64_t slot) const override {
    append_interval(out, parts(slot));
  }

 private:
  [[nodiscard]] IntervalParts parts(std::int64_t slot) const {
    if (kind_ == 'M') return {value<std::int32_t>(slot), 0, 0, TimeUnit::seconds};
    if (kind_ == 'D') {
      return {0, value<std::int32_t>(2 * slot), value<std::int32_t>(2 * slot + 1), TimeUnit::milli};
    }
    // int32 months, int32 days, int64 nanoseconds: four int32 or two int64 to a value.
    return {value<std::int32_t>(4 * slot), value<std::int32_t>(4 * slot + 1),
            value<std::int64_t>(2 * slot + 1), TimeUnit::nano};
  }

  char kind_;
};

std::optional<TimeUnit> unit_of(char letter) {
  switch (letter) {
    case 's': return TimeUnit::seconds;
    case 'm': return TimeUnit::milli;
    case 'u': return TimeUnit::micro;
    case 'n': return TimeUnit::nano;
    default: return std::nullopt;
  }
}

const char* word_of(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::seconds: return "[s]";
    case TimeUnit::milli: return "[ms]";
    case TimeUnit::micro: return "[us]";
    case TimeUnit::nano: return "[ns]";
  }
  return "";
}

ArrowField make_timestamp(const ArrowColumnAsk& ask, TimeUnit unit, std::string_view zone) {
  const bool zoned = !zone.empty();
  std::string word = std::string("timestamp") + word_of(unit);
  if (zoned) word.insert(word.size() - 1, ", " + std::string(zone));
  return {std::make_unique<TimestampColumn>(ask.path, unit, zoned),
          zoned ? Type::timestamptz : Type::timestamp, std::move(word)};
}

ArrowField make_interval(const ArrowColumnAsk& ask, char kind) {
  if (kind != 'M' && kind != 'D' && kind != 'n') return {};
  return {std::make_unique<IntervalColumn>(ask.path, kind), Type::interval, "interval"};
}

}  // namespace

ArrowField make_arrow_time(const ArrowColumnAsk& ask) {
  const std::string_view format = ask.schema.format;
  if (format == "tdD") return {std::make_unique<DateColumn>(ask.path, false), Type::date, "date32"};
  if (format == "tdm") return {std::make_unique<DateColumn>(ask.path, true), Type::date, "date64"};
  if (format.size() < 3 || format.front() != 't') return {};
  if (format[1] == 'i') return make_interval(ask, format[2]);
  const auto unit = unit_of(format[2]);
  if (!unit) return {};
  switch (format[1]) {
    case 't':
      return {std::make_unique<TimeColumn>(ask.path, *unit), Type::time,
              std::string("time") + word_of(*unit)};
    case 'D':
      return {std::make_unique<DurationColumn>(ask.path, *unit), Type::interval,
              std::string("duration") + word_of(*unit)};
    case 's':
      if (format.size() < 4 || format[3] != ':') return {};
      return make_timestamp(ask, *unit, format.substr(4));
    default: return {};
  }
}

}  // namespace tailrace
