#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "destination/destination.hpp"
#include "wire/request.hpp"

namespace tailrace {

/// What an answer means for the request that it answers.
enum class AnswerClass : std::uint8_t {
  ok,        // the body says what became of each row
  record,    // no to a row: rejected, once the batch has been halved down to it
  split,     // no to the size: halved
  terminal,  // can never succeed as configured: stop the run and name the cause
  retry,     // nothing was applied
  stop,      // a quota that comes back far away
  reauth,    // the token is old
  unknown,   // no definite answer
};

/// One line of a destination's table of answers. The first line that fits counts; what no line
/// fits is unknown.
struct AnswerRule {
  int first_status = 0;
  int last_status = 0;
  /// The tool's own code. Empty: whatever it is. "*" at the end: any that begins so, so that "*"
  /// alone asks for an answer in the tool's own words (a proxy's page has no code).
  std::string_view code;
  AnswerClass means = AnswerClass::unknown;
  wire::Milliseconds wait{0};  // where the answer has no Retry-After
};

struct Judgement {
  AnswerClass means = AnswerClass::unknown;
  wire::Milliseconds pause{0};  // before the next request of the class
};

/// The one place where an answer is judged. Failures below HTTP need no table: what was not sent
/// is retry, what may have been applied is unknown, an untrusted peer is terminal.
[[nodiscard]] Judgement classify(std::span<const AnswerRule> table, const wire::Reply& reply,
                                 std::string_view code);

}  // namespace tailrace
