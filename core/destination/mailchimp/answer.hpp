#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "destination/destination.hpp"
#include "destination/settle.hpp"

namespace tailrace::mailchimp {

/// What a problem says of one field.
struct FieldProblem {
  std::optional<std::size_t> item;  // of a request of many: the member's place
  std::string field;
  std::string message;
};

/// A refused request in Mailchimp's words.
struct Problem {
  std::string code;  // its title; empty: not in Mailchimp's words
  std::string detail;
  std::vector<FieldProblem> fields;
};
[[nodiscard]] Problem read_problem(const wire::Reply& reply);

/// The reason of a row of which a problem speaks; the first field counts.
[[nodiscard]] Reason reason_in(const Problem& problem);

/// What an answer without outcomes means.
[[nodiscard]] Refusal judge(const wire::Reply& reply);

/// Whether it says that there is no such member, or no such audience.
[[nodiscard]] bool says_not_found(const wire::Reply& reply);

[[nodiscard]] Reason unreadable_answer();

}  // namespace tailrace::mailchimp
