#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "destination/destination.hpp"
#include "destination/settle.hpp"

namespace tailrace::zendesk {

/// An error of Zendesk's, of a whole request. All members are optional.
struct Problem {
  std::string code;  // of the first detail, else of the error; empty: not in Zendesk's words
  std::string message;
  std::string field;
};
[[nodiscard]] Problem read_problem(const nlohmann::json& body);

/// What an answer without outcomes means, in Zendesk's words.
[[nodiscard]] Refusal judge(const wire::Reply& reply);
/// Whether it means that the account has as many jobs as it takes.
[[nodiscard]] bool says_jobs_full(const wire::Reply& reply, const Refusal& refusal);

[[nodiscard]] wire::RateHint hint_of(const wire::Reply& reply);

[[nodiscard]] Reason unreadable_answer();

}  // namespace tailrace::zendesk
