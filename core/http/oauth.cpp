#include "http/oauth.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "http/retry.hpp"
#include "http/scrub.hpp"

namespace tailrace::http {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

// A token endpoint answers at once or not at all; the lease outlasts the answer and its commit.
constexpr milliseconds kTimeout{20'000};
constexpr milliseconds kCommit{5'000};
constexpr milliseconds kBackoffBase{500};
constexpr milliseconds kBackoffCap{30'000};
constexpr milliseconds kPoll{5};
constexpr milliseconds kStoreRetry{250};
constexpr std::size_t kLargestReply = 1 << 20;

TransportOptions token_transport(TransportOptions options, const OauthSettings& settings) {
  options.base_url = settings.origin;
  options.max_in_flight = 1;
  options.total_timeout = std::min(options.total_timeout, kTimeout);
  options.max_reply_bytes = kLargestReply;
  return options;
}

/// What the user can do about OAuth's errors (RFC 6749 §5.2).
std::string advice(const std::string& error, Grant grant) {
  if (error == "invalid_client") {
    return "check client_id, client_secret and client_auth (basic or form)";
  }
  if (error == "invalid_grant" && grant == Grant::refresh_token) {
    return "the refresh token is spent, revoked or another client's: authorise the app anew and "
           "set auth's refresh_token";
  }
  if (error == "invalid_grant") {
    return "check the key, issuer, subject and audience, that the app is allowed to act for the "
           "subject, and this machine's clock";
  }
  if (error == "unauthorized_client" || error == "unsupported_grant_type") {
    return "the app is not allowed this grant: enable it where the app is registered";
  }
  if (error == "invalid_scope") return "check scope";
  return "check token_url and the keys under auth";
}

}  // namespace

TokenAuth::TokenAuth(OauthSettings settings, AuthWorld world)
    : settings_(std::move(settings)),
      world_(std::move(world)),
      seal_(settings_),
      random_(world_.seed),
      refresh_(settings_.refresh_token) {
  if (settings_.grant == Grant::jwt_bearer) key_.emplace(settings_.private_key);
}

TokenAuth::~TokenAuth() {
  if (transport_) transport_->abandon();
}

std::vector<wire::Header> TokenAuth::headers() const {
  if (!token_) throw std::logic_error("no token yet");
  return {{"Authorization", "Bearer " + token_->access.reveal()}};
}

bool TokenAuth::valid(Time now) const { return token_ && (!token_->ends || now < *token_->ends); }

bool TokenAuth::due(Time now) const {
  return !valid(now) || (token_->renew && now >= *token_->renew);
}

milliseconds TokenAuth::wait_for(Time now) const {
  if (valid(now)) return milliseconds(0);
  if (asking_ || retry_at_ <= now) return kPoll;
  return std::clamp(std::chrono::ceil<milliseconds>(retry_at_ - now), kPoll, kBackoffCap);
}

void TokenAuth::work(Time now, bool wanted, milliseconds patience) {
  if (failure_) return;
  if (asking_) {
    for (Finished& finished : transport_->poll(patience)) {
      asking_ = false;
      take(finished.reply, world_.now ? world_.now() : now);
    }
    return;
  }
  if (now < retry_at_) return;
  if (to_keep_) return keep(now);
  if (wanted && due(now)) ask(now);
}

bool TokenAuth::take_lease(Time now) {
  if (settings_.grant != Grant::refresh_token || world_.vault == nullptr || lease_) return true;
  const TokenVault::Lease lease =
      world_.vault->take(seal_.login(), std::min(world_.options.total_timeout, kTimeout) + kCommit);
  if (!lease.granted) {
    retry_at_ = now + std::clamp(lease.wait, kPoll, kStoreRetry);
    return false;
  }
  lease_ = lease.number;
  if (lease.sealed.empty()) return true;
  std::optional<Secret> kept = seal_.open(lease.sealed);
  if (!kept) {
    give_back();
    failure_ =
        "the refresh token that the state store keeps for this login cannot be read: "
        "authorise the app anew and set auth's refresh_token";
    return false;
  }
  refresh_ = std::move(*kept);
  if (world_.scrubber != nullptr) world_.scrubber->learn(refresh_.reveal());
  return true;
}

void TokenAuth::give_back() {
  if (lease_) world_.vault->give_back(seal_.login(), *lease_);
  lease_.reset();
}

std::string TokenAuth::assertion() const {
  const auto wall = world_.wall ? world_.wall() : std::chrono::system_clock::now();
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(wall.time_since_epoch());
  json header = {{"alg", "RS256"}, {"typ", "JWT"}};
  if (!settings_.key_id.empty()) header["kid"] = settings_.key_id;
  const json claims = {{"iss", settings_.issuer},
                       {"sub", settings_.subject},
                       {"aud", settings_.audience},
                       {"iat", now.count()},
                       {"exp", (now + settings_.lifetime).count()}};
  return key_->sign(header.dump(), claims.dump());
}

wire::Request TokenAuth::request() {
  std::vector<std::pair<std::string, std::string>> fields;
  switch (settings_.grant) {
    case Grant::client_credentials: fields = {{"grant_type", "client_credentials"}}; break;
    case Grant::refresh_token:
      fields = {{"grant_type", "refresh_token"}, {"refresh_token", refresh_.reveal()}};
      break;
    case Grant::jwt_bearer:
      fields = {{"grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"},
                {"assertion", assertion()}};
      if (world_.scrubber != nullptr) world_.scrubber->learn(fields[1].second);
      break;
  }
  wire::Request request;
  request.path = settings_.path;
  request.query = settings_.query;
  request.content_type = "application/x-www-form-urlencoded";
  request.headers = {{"Accept", "application/json"}};
  if (!settings_.scope.empty()) fields.emplace_back("scope", settings_.scope);
  for (const auto& [name, value] : settings_.params) fields.emplace_back(name, value);
  // A client without a secret names itself in the form (RFC 6749 §3.2.1); the assertion of a JWT
  // names it already.
  const bool in_form = settings_.client_in_form || settings_.client_secret.empty();
  if (in_form && !settings_.client_id.empty()) {
    fields.emplace_back("client_id", settings_.client_id);
    if (!settings_.client_secret.empty()) {
      fields.emplace_back("client_secret", settings_.client_secret.reveal());
    }
  }
  if (!settings_.in_query) {
    request.body = form_of(fields);
    return request;
  }
  request.method = wire::Method::get;
  request.content_type.clear();
  if (!request.query.empty()) request.query += '&';
  request.query += form_of(fields);
  return request;
}

void TokenAuth::ask(Time now) {
  if (!take_lease(now)) return;
  if (!transport_) transport_ = world_.transport(token_transport(world_.options, settings_));
  Outgoing outgoing;
  outgoing.id = next_id_++;
  outgoing.request = request();
  if (!settings_.client_in_form && !settings_.client_secret.empty()) {
    outgoing.credentials = {
        {"Authorization", basic_client(settings_.client_id, settings_.client_secret.reveal())}};
  }
  asking_ = true;
  asked_at_ = now;
  transport_->start(std::move(outgoing));
}

void TokenAuth::take(const wire::Reply& reply, Time now) {
  TokenAnswer answer = read_token_answer(reply);
  switch (answer.kind) {
    case TokenAnswer::Kind::token: return take_token(std::move(answer.token), now);
    case TokenAnswer::Kind::later: return try_later(reply, std::move(answer.message), now);
    case TokenAnswer::Kind::refused: return fail(answer);
  }
}

void TokenAuth::take_token(Token token, Time now) {
  if (world_.scrubber != nullptr) {
    world_.scrubber->learn(token.access.reveal());
    world_.scrubber->learn(token.refresh.reveal());
  }
  const bool replaced = settings_.grant == Grant::refresh_token && !token.refresh.empty() &&
                        token.refresh.reveal() != refresh_.reveal();
  if (replaced) {
    refresh_ = token.refresh;
    to_keep_ = std::move(token);
    return keep(now);
  }
  give_back();
  install(std::move(token), now);
}

/// Nothing is sent with the new tokens before the refresh token is durable: some endpoints keep the
/// old one alive until then, and a process that died in between would have locked itself out.
void TokenAuth::keep(Time now) {
  if (world_.vault != nullptr && lease_) {
    if (!world_.vault->keep(seal_.login(), *lease_, seal_.seal(refresh_))) {
      retry_at_ = now + kStoreRetry;
      if (!failing_since_) failing_since_ = now;
      trouble_ = "the state store cannot keep the new refresh token";
      return;
    }
    lease_.reset();
  }
  install(*std::exchange(to_keep_, std::nullopt), now);
}

bool TokenAuth::take_base(const std::string& instance_url) {
  if (!settings_.base_from_instance_url) return true;
  try {
    base_ = std::make_shared<const BaseUrl>(check_base_url(instance_url));
  } catch (const std::invalid_argument& error) {
    failure_ = "the token endpoint " + endpoint() +
               " named no instance_url that may be used: " + error.what();
    return false;
  }
  return true;
}

void TokenAuth::install(Token token, Time now) {
  if (!take_base(token.instance_url)) return;
  Held held{std::move(token.access), std::nullopt, std::nullopt};
  if (token.expires_in) {
    // From when it was asked for: never later than what the endpoint counts.
    held.ends = asked_at_ + *token.expires_in;
    held.renew = *held.ends - std::min(settings_.ahead, *token.expires_in / 10);
  }
  token_ = std::move(held);
  ++generation_;
  failures_ = 0;
  failing_since_.reset();
  trouble_.clear();
  retry_at_ = now;
}

void TokenAuth::try_later(const wire::Reply& reply, std::string why, Time now) {
  give_back();
  const milliseconds pause = reply.retry_after
                                 ? *reply.retry_after
                                 : full_jitter(failures_, kBackoffBase, kBackoffCap, random_);
  ++failures_;
  retry_at_ = now + std::max(pause, kPoll);
  if (!failing_since_) failing_since_ = now;
  trouble_ = "the token endpoint " + endpoint() + ": " + std::move(why);
}

void TokenAuth::fail(const TokenAnswer& answer) {
  give_back();
  failure_ = "the token endpoint " + endpoint() + " gave no token (" + answer.message +
             "): " + advice(answer.error, settings_.grant);
}

bool TokenAuth::refused(std::uint64_t generation) {
  if (failure_) return false;
  if (generation != generation_ || !token_) return true;
  token_.reset();
  if (refusals_++ == 0) return true;
  failure_ = "a new token was refused like the one before: check what the app and its user may do";
  return false;
}

void TokenAuth::accepted(std::uint64_t generation) {
  if (generation == generation_ && token_) refusals_ = 0;
}

void TokenAuth::finish(milliseconds patience) {
  const auto clock = [this] {
    return world_.now ? world_.now() : std::chrono::steady_clock::now();
  };
  const Time until = clock() + patience;
  const bool rotates = settings_.grant == Grant::refresh_token;
  while (rotates && (asking_ || to_keep_) && !failure_ && clock() < until) {
    work(clock(), false, kPoll);
    if (to_keep_ && transport_) static_cast<void>(transport_->poll(kPoll));
  }
}

std::unique_ptr<Auth> make_token_auth(OauthSettings settings, const AuthWorld& world) {
  if (!world.transport) throw std::invalid_argument("auth: oauth2 needs a transport");
  return std::make_unique<TokenAuth>(std::move(settings), world);
}

}  // namespace tailrace::http
