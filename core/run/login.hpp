#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "http/auth.hpp"
#include "http/scrub.hpp"
#include "run/clock.hpp"
#include "state/store.hpp"

namespace tailrace {

/// How long the end of a run waits for an exchange of tokens that is under way.
inline constexpr std::chrono::milliseconds kTokenPatience{5000};

/// A connection's credentials, with what they need of the world: a transport of their own for the
/// token endpoint, the state store for refresh tokens that were replaced, and a scrubber that hides
/// every secret and every token.
class Login {
 public:
  struct Parts {
    std::function<std::unique_ptr<http::Transport>(const http::TransportOptions&)> transport;
    std::shared_ptr<const Clock> clock;
    /// Uses the store while nothing else does. Unset where there is none.
    std::function<void(const std::function<void(StateStore&)>&)> with_store;
    std::uint64_t seed = 0;
  };

  /// Throws std::invalid_argument where the credentials make no sense.
  Login(const nlohmann::json& connection, const std::string& user_agent, Parts parts);
  ~Login();
  Login(const Login&) = delete;
  Login& operator=(const Login&) = delete;

  [[nodiscard]] http::Auth& auth() { return *auth_; }
  [[nodiscard]] const http::Scrubber& scrubber() const { return scrubber_; }

 private:
  http::Scrubber scrubber_;
  std::unique_ptr<http::TokenVault> vault_;
  std::unique_ptr<http::Auth> auth_;
};

/// Whether the connection's credentials may be replaced by the tool: whoever uses them needs the
/// state store, or loses what it gets.
[[nodiscard]] bool keeps_refresh_token(const nlohmann::json& connection);

}  // namespace tailrace
