#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "http/address.hpp"
#include "http/secret.hpp"
#include "http/token_vault.hpp"
#include "http/transport.hpp"
#include "wire/request.hpp"

namespace tailrace::http {

class Scrubber;

/// Puts credentials on requests. One that has to ask for a token does so on a transport of its own
/// while other requests go on: the caller lets it work() from time to time, on one thread.
///
/// Every token has a generation, which the caller keeps with each request, so that the refusals of
/// many requests in flight come to one renewal: those of an older generation than the present one
/// only go again.
class Auth {
 public:
  using Time = std::chrono::steady_clock::time_point;

  virtual ~Auth() = default;
  /// Headers to add to a request. Call only when wait_for() is zero.
  [[nodiscard]] virtual std::vector<wire::Header> headers() const = 0;
  /// In place of the connection's base URL, where the token's reply names another; else null.
  [[nodiscard]] virtual std::shared_ptr<const BaseUrl> base() const { return nullptr; }
  /// True where a refused token can be renewed.
  [[nodiscard]] virtual bool renewable() const { return false; }
  [[nodiscard]] virtual std::uint64_t generation() const { return 0; }

  /// Takes up what the token endpoint has answered, and asks it where a request waits (`wanted`)
  /// and the token is missing, or near its end. Waits at most `patience` for an answer.
  virtual void work(Time /*now*/, bool /*wanted*/,
                    std::chrono::milliseconds /*patience*/ = std::chrono::milliseconds(0)) {}
  /// Zero: requests may start. Else how long until another work() is of use.
  [[nodiscard]] virtual std::chrono::milliseconds wait_for(Time /*now*/) const {
    return std::chrono::milliseconds(0);
  }

  /// A request with the token of this generation was refused for it. True: send it again when
  /// wait_for() is zero. False: a new token was refused like the one before; failure() says so.
  [[nodiscard]] virtual bool refused(std::uint64_t /*generation*/) { return false; }
  /// A request with the token of this generation was answered otherwise.
  virtual void accepted(std::uint64_t /*generation*/) {}

  /// Why no token will come: configuration. Unset while there is hope.
  [[nodiscard]] virtual const std::optional<std::string>& failure() const;
  /// Since when the endpoint gives nothing but passing errors, and the last of them.
  [[nodiscard]] virtual std::optional<Time> failing_since() const { return std::nullopt; }
  [[nodiscard]] virtual std::string trouble() const { return {}; }
  /// Waits for an exchange under way, so that a refresh token which it brings is not lost.
  virtual void finish(std::chrono::milliseconds /*patience*/) {}
};

/// Puts the credentials, and the headers that the connection adds to every request, on a request
/// that is about to start. Gives the token's generation, for refused() and accepted().
std::uint64_t put_on(Outgoing& outgoing, const Auth& auth, const std::vector<wire::Header>& own);

/// What a login that asks for tokens needs of the world.
struct AuthWorld {
  TransportOptions options;  // the connection's: ca_file, proxy, timeouts, allow_private
  std::function<std::unique_ptr<Transport>(const TransportOptions&)> transport;
  std::function<std::chrono::system_clock::time_point()> wall;  // for what a JWT says
  std::function<Auth::Time()> now;
  Scrubber* scrubber = nullptr;  // learns every token
  TokenVault* vault = nullptr;
  std::uint64_t seed = 0;  // of the backoff
};

/// `auth`: {"bearer": t} | {"token": t} | {"basic": {"user", "password"}} |
/// {"scheme": {"name", "token"}}, of Authorization | {"header": {"name", "value"}} |
/// {"oauth2": {…}}, see oauth_settings.hpp | {} (none). Throws std::invalid_argument for another
/// shape, or for values with CR, LF or NUL.
[[nodiscard]] std::unique_ptr<Auth> make_auth(const nlohmann::json& auth,
                                              const AuthWorld& world = {});

/// All secret texts of a connection, for the scrubber.
[[nodiscard]] std::vector<std::string> secrets_of(const nlohmann::json& auth);

}  // namespace tailrace::http
