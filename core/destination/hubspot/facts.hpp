#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include "destination/classify.hpp"
#include "destination/destination.hpp"
#include "destination/equality.hpp"

/// Every number, code and text of HubSpot's that the core relies on. Sources: HubSpot's usage
/// guidelines, error handling guide and changelog, the public descriptions of CRM v3 and of
/// associations v4. Marked
/// "unconfirmed" where no page of the vendor's was found that says so.
namespace tailrace::hubspot {

using std::chrono_literals::operator""s;

inline constexpr std::string_view kObjects = "/crm/v3/objects/";
inline constexpr std::string_view kProperties = "/crm/v3/properties/";
/// Lists the portal's own objects.
inline constexpr std::string_view kSchemas = "/crm-object-schemas/v3/schemas";
inline constexpr std::array<std::string_view, 7> kEveryPortals{
    "contacts", "companies", "deals", "tickets", "products", "line_items", "leads"};
inline constexpr std::string_view kLists = "/crm/v3/lists/";
/// Takes 2,000 pairs, of which a batch has no more than its rows.
inline constexpr std::string_view kAssociations = "/crm/v4/associations/";
inline constexpr std::string_view kAccount = "/account-info/v3/details";
/// The property that holds HubSpot's own id of a record.
inline constexpr std::string_view kRecordId = "hs_object_id";

inline constexpr std::size_t kMaxRows = 100;
inline constexpr std::size_t kListPage = 100;
/// Members that one request puts on a list or takes off it: far below what HubSpot takes, since
/// they are looked up by kMaxRows before.
inline constexpr std::size_t kMembersAtOnce = 500;
inline constexpr std::size_t kMaxBytes = 1'000'000;  // unconfirmed: accounts differ, up to 3 MB

/// Of a list whose members HubSpot itself chooses.
inline constexpr std::string_view kDynamic = "DYNAMIC";

/// Values are kept as text; an empty one is none. Times are kept to the millisecond.
inline constexpr Equality kEquality{true, true, 1000};

// What a property may be, and where it stands.
inline constexpr std::size_t kLongestName = 100;
inline constexpr std::string_view kString = "string";
inline constexpr std::string_view kNumber = "number";
inline constexpr std::string_view kBool = "bool";
inline constexpr std::string_view kDate = "date";
inline constexpr std::string_view kDateTime = "datetime";

struct PropertyType {
  std::string_view type;
  std::string_view shown_as;  // its fieldType
};
/// The first is taken for what none other fits.
inline constexpr std::array kPropertyTypes{
    PropertyType{kString, "text"},          PropertyType{kNumber, "number"},
    PropertyType{kBool, "booleancheckbox"}, PropertyType{kDate, "date"},
    PropertyType{kDateTime, "date"},
};
inline constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kYesAndNo{
    {{"true", "Yes"}, {"false", "No"}}};

/// The group that every account has for an object's properties; of tickets unconfirmed.
struct PropertyGroup {
  std::array<std::string_view, 3> objects;  // the names that one object has in addresses
  std::string_view name;
};
inline constexpr std::array kGroups{
    PropertyGroup{{"contacts", "contact", "0-1"}, "contactinformation"},
    PropertyGroup{{"companies", "company", "0-2"}, "companyinformation"},
    PropertyGroup{{"deals", "deal", "0-3"}, "dealinformation"},
    PropertyGroup{{"tickets", "ticket", "0-5"}, "ticketinformation"},
};

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
    // Until midnight of the portal's time zone, which no answer tells: it is worth a look then.
    AnswerRule{429, 429, "DAILY*", AnswerClass::stop, 3600s},
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
