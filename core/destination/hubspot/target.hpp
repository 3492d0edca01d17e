#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "destination/destination.hpp"
#include "destination/hubspot/answer.hpp"

namespace tailrace::hubspot {

/// One object type and the property that its records are matched by.
struct Target {
  Target(std::string object_type, std::string match_property);

  /// As HubSpot compares the match value. A contact's e-mail address: without space around it, in
  /// lower case. Of other unique properties no rule was found that says so; they are taken as case
  /// sensitive, since two values that HubSpot takes for one come back as a conflict with a reason,
  /// while two that we took for one would never be sent.
  [[nodiscard]] bool identity_into(std::string_view value, std::string& out) const;
  /// The identity, or empty text where there is none.
  [[nodiscard]] std::string compared(std::string_view value) const;
  /// Whether it is a contact's e-mail address, which HubSpot keeps in a form of its own.
  [[nodiscard]] bool is_email(std::string_view property) const;
  /// That form: without space around it, in lower case.
  [[nodiscard]] static std::string address_of(std::string_view value);
  /// How a batch's rows are found in an answer; without traces and ids.
  [[nodiscard]] RowNames names(const Batch& batch) const;
  /// Path of a batch request.
  [[nodiscard]] std::string path(std::string_view verb) const;

  std::string type;
  std::string match;
  bool match_is_email;
};

/// What an answer without outcomes means, in HubSpot's words.
[[nodiscard]] Refusal judge(const wire::Reply& reply);

[[nodiscard]] Stop schema_stop(const Problem& problem);

/// Reasons of rows that a success says nothing of.
[[nodiscard]] Reason unreadable_answer();
[[nodiscard]] Reason not_in_answer();

}  // namespace tailrace::hubspot
