#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "destination/classify.hpp"
#include "destination/destination.hpp"
#include "destination/equality.hpp"

/// Every number, code and text of Zendesk's that the core relies on. Sources: Zendesk's public
/// description of the Support API, its pages on rate limits, job statuses and idempotency, answers
/// of its staff in its forum. Marked "unconfirmed" where no page of the vendor's was found that
/// says so.
namespace tailrace::zendesk {

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""h;

inline constexpr std::string_view kApi = "/api/v2/";
inline constexpr std::string_view kMe = "/api/v2/users/me";
inline constexpr std::string_view kShowJobs = "/api/v2/job_statuses/show_many";

inline constexpr std::size_t kMaxRows = 100;
inline constexpr std::size_t kPage = 100;
inline constexpr std::size_t kMaxBytes = 1'000'000;  // unconfirmed: no size is documented
inline constexpr wire::Milliseconds kRateWindow = 60s;
inline constexpr std::size_t kMaxJobs = 30;  // queued or at work, all integrations of the account
inline constexpr std::size_t kPollJobs = 100;  // unconfirmed: as show_many of other objects
/// Of a list in a query. Longer addresses are refused on the way.
inline constexpr std::size_t kMaxQueryBytes = 6'000;
/// Answers that do not know a job which was just queued, before it is taken for gone. Unconfirmed.
inline constexpr int kJobMisses = 3;

/// Of the Idempotency-Key of POST /tickets.
inline constexpr std::string_view kIdempotencyHeader = "Idempotency-Key";
inline constexpr wire::Milliseconds kIdempotencyTtl = 2h;
inline constexpr std::string_view kIdempotencyMismatch = "IdempotentRequestError";  // unconfirmed

/// An empty text is kept as none. Times are kept to the second. Unconfirmed.
inline constexpr Equality kEquality{true, false, 1'000'000};

/// Requests that an account may make in a minute, by its plan.
struct Tier {
  std::string_view name;
  double per_minute;
};
/// The first is taken where the connection names none: the smallest.
inline constexpr std::array kTiers{
    Tier{"team", 200},       Tier{"growth", 400},           Tier{"professional", 400},
    Tier{"enterprise", 700}, Tier{"enterprise_plus", 2500}, Tier{"high_volume", 2500},
};

// States of a job. All others are still under way.
inline constexpr std::string_view kCompleted = "completed";
inline constexpr std::array<std::string_view, 2> kBroken{"failed", "killed"};
inline constexpr std::array<std::string_view, 2> kUnderWay{"queued", "working"};

// What a job says of one row. `error` outweighs `status`.
inline constexpr std::string_view kItemFailed = "Failed";
inline constexpr std::array<std::string_view, 3> kItemDone{"Created", "Updated", "Deleted"};

// Errors of a row: what its code or its details hold. Unconfirmed but for the first.
inline constexpr std::string_view kDuplicate = "DuplicateValue";
inline constexpr std::string_view kTaken = "already been taken";
inline constexpr std::array<std::string_view, 2> kGone{"NotFound", "not found"};
/// Details of a duplicate that is another record's name, and no record made meanwhile.
inline constexpr std::string_view kNameTaken = "Name";
inline constexpr std::string_view kExternalTaken = "xternal";

inline constexpr std::string_view kTooManyJobs = "TooManyJobs";  // unconfirmed

/// Codes: `error` of the body, or the first detail's. What has none is not in Zendesk's words.
inline constexpr std::array kAnswers{
    AnswerRule{200, 201, "", AnswerClass::ok},
    AnswerRule{400, 400, kIdempotencyMismatch, AnswerClass::record},
    AnswerRule{400, 400, "*", AnswerClass::terminal},
    AnswerRule{401, 401, "", AnswerClass::reauth},
    AnswerRule{403, 403, "*", AnswerClass::terminal},
    AnswerRule{404, 404, "*", AnswerClass::terminal},
    AnswerRule{409, 409, "", AnswerClass::retry, 1s},  // unconfirmed
    AnswerRule{413, 413, "", AnswerClass::split},
    AnswerRule{422, 422, "*", AnswerClass::record},
    AnswerRule{429, 429, kTooManyJobs, AnswerClass::retry},
    AnswerRule{429, 429, "", AnswerClass::retry, 1s},
    AnswerRule{500, 599, "", AnswerClass::unknown},
};

/// A field that every account has. Custom ones are asked for.
struct Standard {
  std::string_view name;
  std::string_view type;
  bool writable = true;
  bool required = false;  // to create a record
  bool unique = false;  // may be the match field
};

inline constexpr std::array kUserFields{
    Standard{"id", "integer", true, false, true},
    Standard{"external_id", "text", true, false, true},
    Standard{"email", "text", true, false, true},
    Standard{"name", "text", true, true},
    Standard{"alias", "text"},
    Standard{"custom_role_id", "integer"},
    Standard{"default_group_id", "integer"},
    Standard{"details", "text"},
    Standard{"locale", "text"},
    Standard{"locale_id", "integer"},
    Standard{"moderator", "boolean"},
    Standard{"notes", "text"},
    Standard{"only_private_comments", "boolean"},
    Standard{"organization_id", "integer"},
    Standard{"organization.name", "text"},
    Standard{"phone", "text"},
    Standard{"remote_photo_url", "text"},
    Standard{"role", "text"},
    Standard{"signature", "text"},
    Standard{"skip_verify_email", "boolean"},
    Standard{"suspended", "boolean"},
    Standard{"tags", "list"},
    Standard{"ticket_restriction", "text"},
    Standard{"time_zone", "text"},
    Standard{"verified", "boolean"},
    Standard{"created_at", "time", false},
    Standard{"updated_at", "time", false},
    Standard{"last_login_at", "time", false},
    Standard{"url", "text", false},
};

inline constexpr std::array kOrganizationFields{
    Standard{"id", "integer", true, false, true},
    Standard{"external_id", "text", true, false, true},
    Standard{"name", "text", true, true},
    Standard{"details", "text"},
    Standard{"domain_names", "list"},
    Standard{"group_id", "integer"},
    Standard{"notes", "text"},
    Standard{"shared_comments", "boolean"},
    Standard{"shared_tickets", "boolean"},
    Standard{"tags", "list"},
    Standard{"created_at", "time", false},
    Standard{"updated_at", "time", false},
    Standard{"url", "text", false},
};

inline constexpr std::array kTicketFields{
    Standard{"id", "integer", true, false, true},
    Standard{"external_id", "text", true, false, true},
    Standard{"comment.body", "text"},
    Standard{"comment.html_body", "text"},
    Standard{"comment.public", "boolean"},
    Standard{"comment.author_id", "integer"},
    Standard{"additional_tags", "list"},
    Standard{"assignee_email", "text"},
    Standard{"assignee_id", "integer"},
    Standard{"brand_id", "integer"},
    Standard{"collaborator_ids", "list"},
    Standard{"custom_fields", "list"},
    Standard{"custom_status_id", "integer"},
    Standard{"due_at", "time"},
    Standard{"group_id", "integer"},
    Standard{"organization_id", "integer"},
    Standard{"priority", "text"},
    Standard{"problem_id", "integer"},
    Standard{"raw_subject", "text"},
    Standard{"recipient", "text"},
    Standard{"remove_tags", "list"},
    Standard{"requester.email", "text"},
    Standard{"requester.name", "text"},
    Standard{"requester_id", "integer"},
    Standard{"status", "text"},
    Standard{"subject", "text"},
    Standard{"submitter_id", "integer"},
    Standard{"tags", "list"},
    Standard{"ticket_form_id", "integer"},
    Standard{"type", "text"},
    Standard{"created_at", "time", false},
    Standard{"updated_at", "time", false},
    Standard{"url", "text", false},
};

/// Fields that a record must keep when it is emptied.
inline constexpr std::array<std::string_view, 3> kNeverCleared{"name", "email", "role"};

}  // namespace tailrace::zendesk
