#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "destination/classify.hpp"
#include "destination/destination.hpp"
#include "destination/equality.hpp"

/// Every number, code and text of Klaviyo's that the core relies on. Sources: Klaviyo's public
/// OpenAPI description of the revision below, its pages on rate limits, errors and bulk imports.
/// Marked "unconfirmed" where no page of the vendor's was found that says so.
namespace tailrace::klaviyo {

using std::chrono_literals::operator""s;

inline constexpr std::string_view kRevisionHeader = "revision";
inline constexpr std::string_view kRevision = "2026-07-15";
inline constexpr std::string_view kContentType = "application/vnd.api+json";

inline constexpr std::string_view kJobs = "/api/profile-bulk-import-jobs";
inline constexpr std::string_view kErrorsOf = "/import-errors";
inline constexpr std::string_view kProfiles = "/api/profiles";
inline constexpr std::string_view kDeletions = "/api/data-privacy-deletion-jobs";
inline constexpr std::string_view kLists = "/api/lists/";
inline constexpr std::string_view kMembersOf = "/relationships/profiles";
inline constexpr std::string_view kAccounts = "/api/accounts";
inline constexpr std::string_view kEvents = "/api/events";

inline constexpr std::size_t kMaxRows = 10'000;
inline constexpr std::size_t kMaxBytes = 5'000'000;  // "5 MB": the smaller of its two meanings
inline constexpr std::size_t kMaxMembers = 1'000;
inline constexpr std::size_t kPage = 100;
/// Imports that a run has at a time. Klaviyo tells of no such limit: it is ours, since rows of an
/// import are kept until it has ended.
inline constexpr std::size_t kImportsAtOnce = 8;
inline constexpr std::size_t kMaxAny = 100;  // values of a filter's `any`; unconfirmed
inline constexpr std::size_t kMaxMetric = 127;  // characters of its name: "less than 128"
/// Of a filter in a query. Longer addresses are refused on the way.
inline constexpr std::size_t kMaxFilterBytes = 6'000;

/// Calls of an endpoint that an account may make in a second and in a minute, in fixed windows.
/// Each endpoint has windows of its own; headers tell of the minute's.
struct Pace {
  std::string_view method;
  std::string_view path;
  double burst;
  double steady;
};
/// An endpoint's place in the table is its rate class.
enum Endpoint : std::uint8_t {
  kImport,
  kJob,
  kErrors,
  kFind,
  kCreate,
  kDelete,
  kLeave,
  kAccount,
  kTrack,
  kFindEvents,
};
inline constexpr std::array kPaces{
    Pace{"post", "/api/profile-bulk-import-jobs", 10, 150},
    Pace{"get", "/api/profile-bulk-import-jobs/{job_id}", 10, 150},
    Pace{"get", "/api/profile-bulk-import-jobs/{id}/import-errors", 10, 150},
    Pace{"get", "/api/profiles", 75, 750},
    Pace{"post", "/api/profiles", 75, 750},
    Pace{"post", "/api/data-privacy-deletion-jobs", 3, 60},
    Pace{"delete", "/api/lists/{id}/relationships/profiles", 10, 150},
    Pace{"get", "/api/accounts", 1, 15},
    Pace{"post", "/api/events", 350, 3'500},
    Pace{"get", "/api/events", 350, 3'500},
};
inline constexpr wire::Milliseconds kBurstWindow = 1s;
inline constexpr wire::Milliseconds kSteadyWindow = 60s;

/// The description of POST /api/events says that of events of one profile and one metric which
/// have the same unique_id only the first is recorded. It names no end of that: this one is ours.
inline constexpr wire::Milliseconds kUniqueIdTtl = std::chrono::hours(30 * 24);

/// An empty text clears as null does (unconfirmed). Values are kept as they were sent.
inline constexpr Equality kEquality{true, false, 1};

// States of an import.
inline constexpr std::array<std::string_view, 2> kUnderWay{"queued", "processing"};
inline constexpr std::string_view kComplete = "complete";
inline constexpr std::string_view kCancelled = "cancelled";

/// Where a row stands in a request; its number follows.
inline constexpr std::string_view kRowPointer = "/data/attributes/profiles/data/";
/// Where an error points within a request of one event. The places are those of the description's
/// schema; that errors point there, as they do in imports, is unconfirmed.
inline constexpr std::string_view kEventPointer = "/data/attributes/";
inline constexpr std::string_view kMetricPointer = "/data/attributes/metric";
inline constexpr std::string_view kEventProfilePointer = "/data/attributes/profile/data/";
/// Code of an error about a profile that there is none of.
inline constexpr std::string_view kNotFound = "not_found";

/// Codes: those of the first error. What has none is not in Klaviyo's words, and then a 400, 403,
/// 404 or 409 is some proxy's. That a 409 of a profile which is to be created names another one's
/// identifiers, and the status of what is too large, are unconfirmed.
inline constexpr std::array kAnswers{
    AnswerRule{200, 202, "", AnswerClass::ok},
    AnswerRule{204, 204, "", AnswerClass::ok},
    AnswerRule{400, 400, "*", AnswerClass::terminal},
    AnswerRule{401, 401, "", AnswerClass::reauth},
    AnswerRule{403, 403, "*", AnswerClass::terminal},
    AnswerRule{404, 404, "*", AnswerClass::terminal},
    AnswerRule{409, 409, "*", AnswerClass::record},
    AnswerRule{413, 413, "", AnswerClass::split},
    AnswerRule{415, 415, "*", AnswerClass::terminal},
    AnswerRule{429, 429, "", AnswerClass::retry, 1s},
    AnswerRule{500, 599, "", AnswerClass::unknown},
};

/// An attribute that every profile has; all else stands below `properties`.
struct Standard {
  std::string_view name;
  bool is_text = true;
  bool unique = false;  // may be the match field
};
inline constexpr std::array kStandard{
    Standard{"id", true, true},
    Standard{"email", true, true},
    Standard{"phone_number", true, true},
    Standard{"external_id", true, true},
    Standard{"first_name"},
    Standard{"last_name"},
    Standard{"organization"},
    Standard{"locale"},
    Standard{"title"},
    Standard{"image"},
    Standard{"location.address1"},
    Standard{"location.address2"},
    Standard{"location.city"},
    Standard{"location.country"},
    Standard{"location.region"},
    Standard{"location.zip"},
    Standard{"location.timezone"},
    Standard{"location.ip"},
    Standard{"location.latitude", false},
    Standard{"location.longitude", false},
};
inline constexpr std::string_view kProperties = "properties";
inline constexpr std::string_view kUniqueId = "unique_id";

/// An attribute that an event may have, by the schema EventCreateQueryV2 of the description.
struct EventAttribute {
  std::string_view name;
  std::string_view type;
  Takes takes = Takes::anything;
};
inline constexpr std::array kEventAttributes{
    EventAttribute{"time", "datetime", Takes::moment},
    EventAttribute{"value", "number", Takes::number},
    EventAttribute{"value_currency", "string"},
    EventAttribute{kUniqueId, "string"},
    EventAttribute{"backfill", "boolean", Takes::yes_or_no},
};

/// What a profile that is emptied keeps.
inline constexpr std::array<std::string_view, 4> kNeverCleared{"id", "email", "phone_number",
                                                               "external_id"};

}  // namespace tailrace::klaviyo
