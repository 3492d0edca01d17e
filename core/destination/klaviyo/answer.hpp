#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "destination/destination.hpp"
#include "destination/klaviyo/facts.hpp"
#include "destination/settle.hpp"

namespace tailrace::klaviyo {

/// A request of ours, with the revision that it is written for.
[[nodiscard]] Call call_of(Endpoint endpoint, wire::Method method, std::string path);
/// One with a document that is yet to be written.
[[nodiscard]] Call document_of(Endpoint endpoint, wire::Method method, std::string path);

/// An error of Klaviyo's: of a request, or of one row of an import.
struct Problem {
  std::string code;  // empty: not in Klaviyo's words
  std::string detail;
  std::optional<std::size_t> row;  // its place in the request
  std::string field;
  std::string pointer;  // as Klaviyo says it
};
[[nodiscard]] Problem read_problem(const nlohmann::json& error);
/// The errors of an answer that says no.
[[nodiscard]] std::vector<Problem> problems_in(const wire::Reply& reply);

/// What an answer without outcomes means, in Klaviyo's words.
[[nodiscard]] Refusal judge(const wire::Reply& reply);

[[nodiscard]] wire::RateHint hint_of(const wire::Reply& reply);

/// The cursor of the next page, ready for a query; empty where there is none. nullopt: the answer
/// makes no sense.
[[nodiscard]] std::optional<std::string> next_cursor(const nlohmann::json& body);

[[nodiscard]] Reason unreadable_answer();

}  // namespace tailrace::klaviyo
