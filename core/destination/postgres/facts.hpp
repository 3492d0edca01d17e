#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "destination/classify.hpp"
#include "destination/equality.hpp"
#include "wire/body.hpp"

/// What the core relies on of PostgreSQL 12 and later. Sources: its manual's chapters on COPY,
/// INSERT, and error codes (appendix A).
namespace tailrace::postgres {

using std::chrono_literals::operator""s;

/// One transaction a request: so many rows are written in well under a second.
inline constexpr std::size_t kMaxRows = 10'000;
inline constexpr std::size_t kMaxBytes = wire::kMostInMemory;
/// A database gains little from more, and every one is a connection of its.
inline constexpr std::size_t kConnections = 4;
inline constexpr std::size_t kIdPage = 10'000;
/// Of a table's name among others, when the one that was asked for is not there.
inline constexpr std::size_t kTablesShown = 1'000;

/// Values are compared as they are; times are kept to the microsecond.
inline constexpr Equality kEquality{};

inline constexpr std::string_view kNoTable = "42P01";
inline constexpr std::string_view kNoColumn = "42703";
inline constexpr std::string_view kNoRight = "42501";
inline constexpr std::string_view kReadOnly = "25006";
inline constexpr std::string_view kNoArbiter = "42P10";  // ON CONFLICT without a unique index
/// Our own codes.
inline constexpr std::string_view kNotUnique = "not_unique";
inline constexpr std::string_view kExists = "exists";
inline constexpr std::string_view kSameRecord = "same_record";
inline constexpr std::string_view kNotTaken = "not_taken";

/// Codes are SQLSTATEs. Whatever the server refuses has not happened: the transaction is undone.
inline constexpr std::array kAnswers{
    AnswerRule{200, 200, "", AnswerClass::ok},
    AnswerRule{400, 400, "21*", AnswerClass::record},  // more than one row where one is due
    AnswerRule{400, 400, "22*", AnswerClass::record},  // a value that the type does not take
    AnswerRule{400, 400, "23*", AnswerClass::record},  // a constraint
    AnswerRule{400, 400, "44*", AnswerClass::record},  // a view's check option
    AnswerRule{400, 400, "P0*", AnswerClass::record},  // raised by a trigger
    AnswerRule{400, 400, "40*", AnswerClass::retry},   // deadlock, serialization
    AnswerRule{400, 400, "53*", AnswerClass::retry, 2s},  // no connections, disk or memory left
    AnswerRule{400, 400, "55P03", AnswerClass::retry},    // a lock was not to be had in time
    AnswerRule{400, 400, "57*", AnswerClass::retry, 1s},  // cancelled, or the server stops
    AnswerRule{400, 400, "58*", AnswerClass::retry, 1s},
    AnswerRule{400, 400, "08*", AnswerClass::retry, 1s},
    AnswerRule{400, 400, "*", AnswerClass::terminal},
};

}  // namespace tailrace::postgres
