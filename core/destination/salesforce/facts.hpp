#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "destination/classify.hpp"
#include "destination/destination.hpp"
#include "destination/equality.hpp"

/// Every number, code and text of Salesforce's that the core relies on. Sources: Salesforce's REST
/// API and Bulk API 2.0 guides and its list of limits. Marked "unconfirmed" where no page of the
/// vendor's was found that says so.
namespace tailrace::salesforce {

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""h;

/// Collections upsert came in 46, ids of failed rows in 53.
inline constexpr std::string_view kApiVersion = "60.0";
inline constexpr int kFirstVersion = 53;
inline constexpr std::string_view kData = "/services/data/v";

inline constexpr std::size_t kMaxRows = 200;
inline constexpr std::size_t kMaxBytes = 5'000'000;  // unconfirmed: about 6 MB
/// Of a query in an address, encoded. The address may have 16,384 bytes.
inline constexpr std::size_t kMaxQueryBytes = 12'000;

// --- Bulk API 2.0 ------------------------------------------------------------------------------

/// From so many rows on Salesforce recommends it.
inline constexpr std::size_t kBulkFrom = 2000;
/// Of one job: two of the batches of 10,000 that Salesforce cuts a file into, 15,000 of which an
/// org has in a day.
inline constexpr std::size_t kJobRows = 20'000;
/// A file may have 150 MB after base64, which adds up to half.
inline constexpr std::size_t kMaxFileBytes = 100'000'000;
/// Jobs of one run side by side. Our own choice: Salesforce sets no number.
inline constexpr std::size_t kMaxJobs = 3;
inline constexpr wire::Milliseconds kFilePatience = 600s;  // a call ends after ten minutes
/// Calls that a job takes, as a plan counts them: open, upload, close, two polls, three results.
inline constexpr std::uint64_t kCallsPerJob = 8;

inline constexpr std::string_view kCsvNull = "#N/A";
inline constexpr std::string_view kOpenState = "Open";
inline constexpr std::string_view kAborted = "Aborted";
inline constexpr std::string_view kFailed = "Failed";
inline constexpr std::string_view kComplete = "JobComplete";
inline constexpr std::array<std::string_view, 3> kEnded{kComplete, kFailed, kAborted};
inline constexpr std::string_view kNotFound = "NOT_FOUND";
inline constexpr std::string_view kWrongState = "INVALIDJOBSTATE";  // unconfirmed
/// What the errorMessage of a failed job begins with where its file is at fault, and where the
/// day's batches are spent. Unconfirmed.
inline constexpr std::array<std::string_view, 2> kBadFile{"InvalidBatch", "ClientInputError"};
inline constexpr std::string_view kQuotaSpent = "ExceededQuota";

// --- rows ----------------------------------------------------------------------------------------

/// Rows whose records are locked go again in batches of at most so many. Unconfirmed: a size that
/// few other transactions get in the way of.
inline constexpr std::size_t kLockedRows = 25;

/// An empty text is kept as none. Times are kept to the second. Unconfirmed.
inline constexpr Equality kEquality{true, false, 1'000'000};

/// Calls in any 24 hours, without those that come with licences.
struct Tier {
  std::string_view name;
  double per_day;
};
inline constexpr std::array kTiers{
    Tier{"developer", 15'000},
    Tier{"enterprise", 100'000},
    Tier{"unlimited", 500'000},
};

inline constexpr std::string_view kId = "Id";

// Codes of whole answers.
inline constexpr std::string_view kLimit = "REQUEST_LIMIT_EXCEEDED";
/// What the message of that code says where too many calls are under way at once, and no day's
/// quota is spent. Unconfirmed.
inline constexpr std::string_view kConcurrent = "oncurrent";
/// Our own word for it: there is no code of Salesforce's.
inline constexpr std::string_view kTooManyAtOnce = "CONCURRENT_REQUESTS";
inline constexpr wire::Milliseconds kQuotaWindow = 1h;  // the day rolls: there is more each hour

/// Codes: errorCode of the first error. What has none is not in Salesforce's words.
inline constexpr std::array kAnswers{
    AnswerRule{200, 201, "", AnswerClass::ok},
    AnswerRule{204, 204, "", AnswerClass::ok},
    // What every row of the sync would have: halving the batch finds nothing.
    AnswerRule{400, 400, "INVALID_FIELD", AnswerClass::terminal},
    AnswerRule{400, 400, "INVALID_TYPE", AnswerClass::terminal},
    AnswerRule{400, 400, "MALFORMED_QUERY", AnswerClass::terminal},
    AnswerRule{400, 400, "*", AnswerClass::record},
    AnswerRule{401, 401, "", AnswerClass::reauth},
    AnswerRule{403, 403, kTooManyAtOnce, AnswerClass::retry, 2s},
    AnswerRule{403, 403, kLimit, AnswerClass::stop},
    AnswerRule{403, 403, "*", AnswerClass::terminal},
    AnswerRule{404, 404, "*", AnswerClass::terminal},
    AnswerRule{405, 405, "*", AnswerClass::terminal},
    AnswerRule{409, 409, "*", AnswerClass::record},
    AnswerRule{413, 414, "", AnswerClass::split},
    AnswerRule{415, 415, "*", AnswerClass::terminal},
    AnswerRule{429, 429, "", AnswerClass::retry, 2s},  // unconfirmed: Salesforce says 403
    AnswerRule{500, 599, "", AnswerClass::unknown},
};

/// Codes of one row's error that say nothing against the row. Others reject it.
inline constexpr std::string_view kLocked = "UNABLE_TO_LOCK_ROW";
inline constexpr std::array<std::string_view, 5> kTransient{
    kLocked, "SERVER_UNAVAILABLE", "REQUEST_RUNNING_TOO_LONG", "QUERY_TIMEOUT",
    "ALL_OR_NONE_OPERATION_ROLLED_BACK"};
inline constexpr std::array<std::string_view, 2> kGone{"ENTITY_IS_DELETED",
                                                       "INVALID_CROSS_REFERENCE_KEY"};

/// Fields that a record must keep when it is emptied; besides, all that are true or false.
inline constexpr std::array<std::string_view, 7> kNeverCleared{
    "Name", "LastName", "Company", "OwnerId", "Status", "StageName", "CloseDate"};

}  // namespace tailrace::salesforce
