#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "destination/classify.hpp"
#include "destination/destination.hpp"
#include "destination/equality.hpp"

/// Every number, code and text of Mailchimp's that the core relies on. Sources: the vendor's
/// client library, accounts of the vendor's pages by others, answers that users have published.
/// Marked "unconfirmed" where no account of the vendor's own words was found.
namespace tailrace::mailchimp {

using std::chrono_literals::operator""s;

inline constexpr std::string_view kLists = "/lists/";
inline constexpr std::string_view kAccount = "/";  // below the base URL's /3.0

inline constexpr std::size_t kMaxRows = 500;
inline constexpr std::size_t kMaxBytes = 4'000'000;  // unconfirmed: no size is documented
inline constexpr std::size_t kPage = 1000;
/// Requests of an account under way at once, the only limit that it has. No header tells of it.
inline constexpr std::size_t kMaxConnections = 10;

/// An empty text is none. A member is told of with what was written.
inline constexpr Equality kEquality{true, false, 1'000'000};
inline constexpr std::size_t kMaxValueChars = 255;  // of a merge field

inline constexpr std::array<std::string_view, 5> kStatuses{"subscribed", "unsubscribed", "cleaned",
                                                           "pending", "transactional"};
inline constexpr std::string_view kArchived = "archived";

/// Where a member of a request of many stands in its errors; its number follows.
inline constexpr std::string_view kItem = "members.item:";

/// Codes: the problem's title. What has none is not in Mailchimp's words: a 403 like that comes
/// from in front of the API where it has too much to do, and asks for another try.
inline constexpr std::array kAnswers{
    AnswerRule{200, 200, "", AnswerClass::ok},
    AnswerRule{204, 204, "", AnswerClass::ok},
    AnswerRule{400, 400, "*", AnswerClass::record},
    AnswerRule{401, 401, "", AnswerClass::reauth},
    AnswerRule{403, 403, "*", AnswerClass::terminal},
    AnswerRule{403, 403, "", AnswerClass::retry, 2s},
    AnswerRule{404, 404, "*", AnswerClass::terminal},
    AnswerRule{405, 405, "*", AnswerClass::terminal},
    AnswerRule{409, 409, "*", AnswerClass::record},  // unconfirmed, as is 422
    AnswerRule{413, 413, "", AnswerClass::split},
    AnswerRule{415, 415, "*", AnswerClass::terminal},
    AnswerRule{422, 422, "*", AnswerClass::record},
    AnswerRule{429, 429, "", AnswerClass::retry, 1s},
    AnswerRule{500, 599, "", AnswerClass::unknown},
};

/// What every member has. Merge fields are asked for.
struct Standard {
  std::string_view name;
  std::string_view type;
  bool clears = true;  // takes an empty text; what does not keeps its value where ours is NULL
};
inline constexpr std::array kStandard{
    Standard{"email_address", "email"},
    Standard{"status", "status", false},
    Standard{"status_if_new", "status", false},
    Standard{"email_type", "text", false},
    Standard{"language", "text"},
    Standard{"vip", "boolean", false},
    Standard{"location", "object", false},
    Standard{"tags", "list", false},
    Standard{"marketing_permissions", "list", false},
    Standard{"ip_signup", "text", false},
    Standard{"timestamp_signup", "time", false},
    Standard{"ip_opt", "text", false},
    Standard{"timestamp_opt", "time", false},
};
inline constexpr std::string_view kMatch = "email_address";
inline constexpr std::string_view kStatus = "status";
inline constexpr std::string_view kStatusIfNew = "status_if_new";
inline constexpr std::string_view kTags = "tags";
inline constexpr std::string_view kMergeFields = "merge_fields.";
inline constexpr std::string_view kInterests = "interests.";

}  // namespace tailrace::mailchimp
