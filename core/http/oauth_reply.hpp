#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "http/secret.hpp"
#include "wire/request.hpp"

namespace tailrace::http {

/// A token as its endpoint gives it.
struct Token {
  Secret access;
  std::optional<std::chrono::milliseconds> expires_in;  // unset: it holds until it is refused
  Secret refresh;            // empty: the one that was sent stays good
  std::string instance_url;  // as it came; may be empty
};

/// What an answer of a token endpoint comes to.
struct TokenAnswer {
  enum class Kind : std::uint8_t {
    token,
    later,   // passing: a lost answer, 408, 425, 429, 5xx
    refused  // the same would happen again: configuration
  };
  Kind kind = Kind::refused;
  Token token;
  std::string error;    // OAuth's code where there is one: invalid_client, invalid_grant …
  std::string message;  // what the endpoint said, or why its answer is no token; not scrubbed
};

/// Reads an answer, whatever is in it. An access token has to be printable ASCII without spaces
/// (RFC 6750), of at most 16 KiB; a lifetime below a second, or no number, counts as none, and one
/// above a year as a year.
[[nodiscard]] TokenAnswer read_token_answer(const wire::Reply& reply);

}  // namespace tailrace::http
