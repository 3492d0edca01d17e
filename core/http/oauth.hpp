#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "http/auth.hpp"
#include "http/jwt.hpp"
#include "http/oauth_reply.hpp"
#include "http/oauth_seal.hpp"
#include "http/oauth_settings.hpp"

namespace tailrace::http {

/// A bearer token from an OAuth 2 endpoint. It is asked for when the first request waits for it,
/// and again ahead of its end, while requests go on with the old one; where the endpoint names no
/// end, it holds until it is refused. One exchange at a time, whatever the number of requests.
///
/// A refresh token that the endpoint replaces is in the vault before anything is sent with what
/// came along with it.
class TokenAuth final : public Auth {
 public:
  TokenAuth(OauthSettings settings, AuthWorld world);
  ~TokenAuth() override;
  TokenAuth(const TokenAuth&) = delete;
  TokenAuth& operator=(const TokenAuth&) = delete;

  [[nodiscard]] std::vector<wire::Header> headers() const override;
  [[nodiscard]] std::shared_ptr<const BaseUrl> base() const override { return base_; }
  [[nodiscard]] bool renewable() const override { return true; }
  [[nodiscard]] std::uint64_t generation() const override { return generation_; }
  void work(Time now, bool wanted, std::chrono::milliseconds patience) override;
  [[nodiscard]] std::chrono::milliseconds wait_for(Time now) const override;
  [[nodiscard]] bool refused(std::uint64_t generation) override;
  void accepted(std::uint64_t generation) override;
  [[nodiscard]] const std::optional<std::string>& failure() const override { return failure_; }
  [[nodiscard]] std::optional<Time> failing_since() const override { return failing_since_; }
  [[nodiscard]] std::string trouble() const override { return trouble_; }
  void finish(std::chrono::milliseconds patience) override;

 private:
  struct Held {
    Secret access;
    std::optional<Time> ends;    // by what the endpoint said
    std::optional<Time> renew;   // ahead of that
  };

  [[nodiscard]] bool valid(Time now) const;
  [[nodiscard]] bool due(Time now) const;
  void ask(Time now);
  [[nodiscard]] bool take_lease(Time now);
  void give_back();
  [[nodiscard]] wire::Request request();
  [[nodiscard]] std::string assertion() const;
  void take(const wire::Reply& reply, Time now);
  void take_token(Token token, Time now);
  void try_later(const wire::Reply& reply, std::string why, Time now);
  void fail(const TokenAnswer& answer);
  void keep(Time now);
  void install(Token token, Time now);
  [[nodiscard]] bool take_base(const std::string& instance_url);
  [[nodiscard]] std::string endpoint() const { return settings_.origin + settings_.path; }

  OauthSettings settings_;
  AuthWorld world_;
  TokenSeal seal_;
  std::optional<JwtKey> key_;
  std::unique_ptr<Transport> transport_;
  std::mt19937_64 random_;

  std::optional<Held> token_;
  std::uint64_t generation_ = 0;
  std::shared_ptr<const BaseUrl> base_;
  int refusals_ = 0;  // of tokens, since one was last accepted

  bool asking_ = false;
  CallId next_id_ = 1;
  Time asked_at_{};
  std::optional<std::int64_t> lease_;
  Secret refresh_;               // that the next exchange sends
  std::optional<Token> to_keep_;  // came with a new refresh token, which is not durable yet
  int failures_ = 0;
  Time retry_at_{};
  std::optional<Time> failing_since_;
  std::string trouble_;
  std::optional<std::string> failure_;
};

[[nodiscard]] std::unique_ptr<Auth> make_token_auth(OauthSettings settings, const AuthWorld& world);

}  // namespace tailrace::http
