#pragma once

#include <chrono>
#include <nlohmann/json.hpp>

#include "destination/destination.hpp"
#include "http/transport.hpp"
#include "run/clock.hpp"
#include "run/login.hpp"

namespace tailrace {

/// What a question to a destination ended with.
struct Answer {
  std::vector<FieldFact> fields;
  std::vector<Record> records;
  std::vector<std::string> absent;
  std::string account;
  std::string learned;
  std::optional<double> calls_left;
  std::string failure;         // empty: answered
  bool configuration = false;  // of the failure: trying again will not help
  int status = 0;              // of the failure: the HTTP status that it came with
  bool no_object = false;      // of the failure: the tool has no such object
  bool spent = false;          // of the failure: limits leave no room for the question
  std::optional<std::chrono::milliseconds> again_after;  // of spent: until they do
};

/// The longest wait for answers until a stop is looked for again.
inline constexpr std::chrono::milliseconds kPoll{100};

/// Why a question was refused, with what to do where that is known.
[[nodiscard]] std::string failure_to_look(const Answer& answer);

/// Why there was no answer, or its status.
[[nodiscard]] std::string failure_of(const wire::Reply& reply);

/// Whether a question was refused for its token: by the status, or by the answer's own words.
[[nodiscard]] bool says_old_token(const wire::Reply& reply, const ReadStep& step);

/// Adds what one step of an answer says.
void take_step(ReadStep& step, Answer& answer);

/// Asks and follows the destination's read steps to their end, within `limit`.
[[nodiscard]] Answer ask(const Destination& destination, const ReadAsk& question,
                         const nlohmann::json& connection, Login& login, http::Transport& transport,
                         std::chrono::milliseconds limit);

/// Gets a token where the login is one that asks for tokens; an answer without a failure else.
[[nodiscard]] Answer try_login(Login& login, std::chrono::milliseconds limit);

/// The transport that a resolved connection asks for.
[[nodiscard]] http::TransportOptions transport_options(const nlohmann::json& connection,
                                                       const std::string& user_agent);

/// The connection's own headers, which go on every request.
[[nodiscard]] std::vector<wire::Header> headers_of(const nlohmann::json& connection);

/// Everything of a connection that may show nowhere: its login's secrets, and its own headers'.
[[nodiscard]] std::vector<std::string> secrets_of(const nlohmann::json& connection);

[[nodiscard]] nlohmann::json to_json(const Answer& answer);

}  // namespace tailrace
