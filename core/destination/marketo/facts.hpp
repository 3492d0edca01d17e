#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "destination/classify.hpp"
#include "destination/destination.hpp"
#include "destination/equality.hpp"

/// Every number, code and text of Marketo's that the core relies on. Sources: Adobe's guide to
/// Marketo's REST API (limits, error codes, leads, bulk import, static lists) and its Swagger
/// files. Marked "unconfirmed" where no page of the vendor's was found that says so.
namespace tailrace::marketo {

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""h;

// --- requests ------------------------------------------------------------------------------------

inline constexpr std::string_view kLeads = "/rest/v1/leads.json";
inline constexpr std::string_view kDeleteLeads = "/rest/v1/leads/delete.json";
inline constexpr std::string_view kDescribe = "/rest/v1/leads/describe2.json";
inline constexpr std::string_view kUsage = "/rest/v1/stats/usage.json";
inline constexpr std::string_view kLists = "/rest/v1/lists/";
inline constexpr std::string_view kImport = "/bulk/v1/leads.json";
inline constexpr std::string_view kImports = "/bulk/v1/leads/batch/";

/// Of leads to write, to delete, to look up, and of members of a list.
inline constexpr std::size_t kMaxRows = 300;
inline constexpr std::size_t kMaxBytes = 1'000'000;  // 1 MB; whether it is 2^20 is unconfirmed
/// Of path and query together; what is longer goes as a POST with `_method=GET`.
inline constexpr std::size_t kMaxAddress = 8'000;

// --- bulk import ---------------------------------------------------------------------------------

/// From so many rows on an import costs less of the day's calls than requests of 300 do, and tells
/// less: no ids. Our own choice.
inline constexpr std::size_t kBulkFrom = 10'000;
inline constexpr std::size_t kMaxFileBytes = 10'000'000;
/// Of the form around the file.
inline constexpr std::size_t kFormBytes = 1'000;
/// Rows of one file: our own choice, by what rows of a batch take in memory.
inline constexpr std::size_t kFileRows = 25'000;
/// Two imports are worked on at a time, ten may wait, those two among them, all integrations
/// together. Two of ours at work and two behind them keep Marketo busy.
inline constexpr std::size_t kMaxJobs = 4;
inline constexpr std::size_t kMostJobs = 10;
/// The import, two looks at it, and its failures, as a plan counts them.
inline constexpr std::uint64_t kCallsPerFile = 4;
inline constexpr wire::Milliseconds kFilePatience = 600s;

inline constexpr std::array<std::string_view, 2> kUnderWay{"Queued", "Importing"};
inline constexpr std::string_view kComplete = "Complete";
inline constexpr std::string_view kFailed = "Failed";
/// Means NULL in a file. Unconfirmed, as is what an empty cell means: rows with either do not go
/// into one.
inline constexpr std::string_view kCsvNull = "NULL";

// --- rows ----------------------------------------------------------------------------------------

inline constexpr std::string_view kId = "id";

/// An empty text is kept as none. Times are kept to the second. Unconfirmed.
inline constexpr Equality kEquality{true, false, 1'000'000};

inline constexpr std::array<std::string_view, 2> kWritten{"created", "updated"};
inline constexpr std::string_view kDeleted = "deleted";
inline constexpr std::string_view kAdded = "added";
inline constexpr std::string_view kRemoved = "removed";
inline constexpr std::string_view kSkipped = "skipped";

// Codes of a row's reason. Others reject the row.
inline constexpr std::string_view kNoSuchLead = "1004";
inline constexpr std::string_view kUnknownField = "1006";
inline constexpr std::string_view kNotInList = "1015";
inline constexpr std::array<std::string_view, 7> kTransient{"713",  "719",  "1016", "1019",
                                                            "1022", "1029", "604"};

// --- limits --------------------------------------------------------------------------------------

/// Adobe asks each integration to keep to half of an instance's 100 calls in 20 s and 10 at once.
inline constexpr double kWindowCalls = 50;
inline constexpr wire::Milliseconds kWindow = 20s;
inline constexpr std::size_t kAtOnce = 5;
/// The usual subscription's calls in a day, all integrations together; contracts differ.
inline constexpr std::size_t kDailyCalls = 50'000;
inline constexpr std::size_t kMostDailyCalls = 100'000'000;  // that a connection may name
/// Midnight of Central Standard Time, when the day's count begins anew.
inline constexpr wire::Milliseconds kDayBegins = 6h;
/// A call that was not answered may still be at work for so long: of two upserts of one new key at
/// the same time Marketo makes two leads. Our own choice.
inline constexpr wire::Milliseconds kResendAfter = 30s;

// --- answers -------------------------------------------------------------------------------------

/// Our own word for an answer that says `success`, since nearly all answers have status 200.
inline constexpr std::string_view kSuccess = "success";
inline constexpr std::string_view kTooFast = "606";
inline constexpr std::string_view kTooManyAtOnce = "615";
inline constexpr std::array<std::string_view, 2> kJobsFull{"1016", "1029"};

/// What is asked for by its id is not there.
inline constexpr std::string_view kNoObject = "1013";

/// Codes: `code` of the first error. What has none is not in Marketo's words.
inline constexpr std::array kAnswers{
    AnswerRule{200, 200, kSuccess, AnswerClass::ok},
    AnswerRule{200, 200, "600", AnswerClass::reauth},
    AnswerRule{200, 200, "601", AnswerClass::reauth},
    AnswerRule{200, 200, "602", AnswerClass::reauth},
    // Time-outs: the call may have been at work.
    AnswerRule{200, 200, "604", AnswerClass::unknown},
    AnswerRule{200, 200, "500", AnswerClass::unknown},
    AnswerRule{200, 200, "502", AnswerClass::unknown},
    // Refused calls count too: the window is waited out.
    AnswerRule{200, 200, kTooFast, AnswerClass::retry, kWindow},
    AnswerRule{200, 200, kTooManyAtOnce, AnswerClass::retry, 1s},
    AnswerRule{200, 200, "607", AnswerClass::stop},
    AnswerRule{200, 200, "608", AnswerClass::retry, 5s},
    AnswerRule{200, 200, "611", AnswerClass::retry, 2s},
    AnswerRule{200, 200, "614", AnswerClass::retry, 5s},
    AnswerRule{200, 200, "713", AnswerClass::retry, 2s},
    AnswerRule{200, 200, "719", AnswerClass::retry, 2s},
    AnswerRule{200, 200, "1016", AnswerClass::retry},
    AnswerRule{200, 200, "1019", AnswerClass::retry, 5s},
    AnswerRule{200, 200, "1022", AnswerClass::retry, 5s},
    AnswerRule{200, 200, "1029", AnswerClass::retry},
    // What every row of the sync would have: halving the batch finds nothing.
    AnswerRule{200, 200, kUnknownField, AnswerClass::terminal},
    AnswerRule{200, 200, "1008", AnswerClass::terminal},
    AnswerRule{200, 200, "1009", AnswerClass::terminal},
    AnswerRule{200, 200, "1010", AnswerClass::terminal},
    AnswerRule{200, 200, "1011", AnswerClass::terminal},
    AnswerRule{200, 200, kNoObject, AnswerClass::terminal},
    AnswerRule{200, 200, "1*", AnswerClass::record},
    AnswerRule{200, 200, "6*", AnswerClass::terminal},
    AnswerRule{200, 200, "7*", AnswerClass::terminal},
    // From here on it is not the API itself that answers.
    AnswerRule{400, 400, "", AnswerClass::record},  // unconfirmed
    AnswerRule{401, 401, "", AnswerClass::reauth},
    AnswerRule{409, 409, "", AnswerClass::record},  // unconfirmed
    AnswerRule{413, 414, "", AnswerClass::split},
    AnswerRule{429, 429, "", AnswerClass::retry, kWindow},  // unconfirmed
    AnswerRule{500, 599, "", AnswerClass::unknown},
};

}  // namespace tailrace::marketo
