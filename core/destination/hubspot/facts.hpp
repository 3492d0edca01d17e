#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "destination/classify.hpp"
#include "destination/destination.hpp"
#include "destination/equality.hpp"

/// Every number, code and text of HubSpot's that the core relies on. Sources: HubSpot's usage
/// guidelines, error handling guide and changelog, the public CRM v3 description. Marked
/// "unconfirmed" where no page of the vendor's was found that says so.
namespace tailrace::hubspot {

using std::chrono_literals::operator""s;

inline constexpr std::string_view kObjects = "/crm/v3/objects/";
inline constexpr std::string_view kProperties = "/crm/v3/properties/";
inline constexpr std::string_view kAccount = "/account-info/v3/details";

inline constexpr std::size_t kMaxRows = 100;
inline constexpr std::size_t kListPage = 100;
inline constexpr std::size_t kMaxBytes = 1'000'000;  // unconfirmed: accounts differ, up to 3 MB

/// Values are kept as text; an empty one is none. Times are kept to the millisecond.
inline constexpr Equality kEquality{true, true, 1000};

/// Requests a private app may make. The window of ten seconds rolls; the day's is the account's.
struct Tier {
  std::string_view name;
  double per_ten_seconds;
  double per_day;
};
/// The first is taken where the connection names none: the smallest.
inline constexpr std::array kTiers{
    Tier{"starter", 100, 250'000},  // the day's number unconfirmed for free and starter
    Tier{"free", 100, 250'000},         Tier{"professional", 190, 650'000},
    Tier{"enterprise", 190, 1'000'000}, Tier{"capacity_pack", 250, 2'000'000},
};

// Property errors that every row of the sync would have: halving the batch finds nothing.
inline constexpr std::string_view kNoSuchProperty = "PROPERTY_DOESNT_EXIST";
inline constexpr std::string_view kReadOnlyProperty = "READ_ONLY_VALUE";
/// Our own code for a message of HubSpot's that has none.
inline constexpr std::string_view kNotUnique = "NOT_UNIQUE";
inline constexpr std::string_view kNotUniqueMessage =
    "Unable to perform update/upsert by non-unique";

inline constexpr std::string_view kNotFound = "OBJECT_NOT_FOUND";
inline constexpr std::string_view kComplete = "COMPLETE";

/// Codes: policyName of a 429, the property error or the category of the others. What has none is
/// not in HubSpot's words, and then a 400, 403, 404 or 409 is some proxy's.
inline constexpr std::array kAnswers{
    AnswerRule{200, 201, "", AnswerClass::ok},
    AnswerRule{207, 207, "", AnswerClass::ok},
    AnswerRule{400, 400, kNoSuchProperty, AnswerClass::terminal},
    AnswerRule{400, 400, kReadOnlyProperty, AnswerClass::terminal},
    AnswerRule{400, 400, kNotUnique, AnswerClass::terminal},
    AnswerRule{400, 400, "*", AnswerClass::record},
    AnswerRule{401, 401, "", AnswerClass::reauth},
    AnswerRule{403, 403, "*", AnswerClass::terminal},
    AnswerRule{404, 404, "*", AnswerClass::terminal},
    AnswerRule{409, 409, "*", AnswerClass::record},
    AnswerRule{413, 413, "", AnswerClass::split},
    AnswerRule{423, 423, "", AnswerClass::retry, 2s},
    AnswerRule{429, 429, "DAILY*", AnswerClass::stop},
    AnswerRule{429, 429, "TEN_SECONDLY*", AnswerClass::retry, 10s},
    AnswerRule{429, 429, "SECONDLY", AnswerClass::retry, 1s},
    AnswerRule{429, 429, "", AnswerClass::retry, 1s},
    AnswerRule{477, 477, "", AnswerClass::retry, 60s},
    AnswerRule{500, 599, "", AnswerClass::unknown},
};

/// Categories of one row's error that say nothing against the row. Others reject it.
struct RowRule {
  std::string_view category;
  Outcome outcome;
};
inline constexpr std::array kRowErrors{
    RowRule{"RATE_LIMITS", Outcome::retryable}, RowRule{"RATE_LIMIT", Outcome::retryable},
    RowRule{"SERVER_ERROR", Outcome::unknown},  RowRule{"INTERNAL_ERROR", Outcome::unknown},
    RowRule{"TIMEOUT", Outcome::unknown},
};

}  // namespace tailrace::hubspot
