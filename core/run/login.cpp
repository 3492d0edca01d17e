#include "run/login.hpp"

#include <utility>

#include "run/ask.hpp"
#include "state/errors.hpp"

namespace tailrace {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

json auth_of(const json& connection) { return connection.value("auth", json::object()); }

/// The vault in the state store.
class StoreVault final : public http::TokenVault {
 public:
  using WithStore = std::function<void(const std::function<void(StateStore&)>&)>;

  explicit StoreVault(WithStore with_store) : with_store_(std::move(with_store)) {}

  Lease take(const std::string& login, milliseconds hold) override {
    LoginLease taken{false, kStoreRetry.count(), 0, {}};
    reached([&](StateStore& store) { taken = store.take_login(login, hold.count()); });
    return {taken.granted, milliseconds(taken.wait_ms), taken.number, std::move(taken.sealed)};
  }

  bool keep(const std::string& login, std::int64_t number, const std::string& sealed) override {
    return reached([&](StateStore& store) { store.end_login(login, number, sealed); });
  }

  void give_back(const std::string& login, std::int64_t number) override {
    // Else it runs out by itself.
    reached([&](StateStore& store) { store.end_login(login, number, std::nullopt); });
  }

 private:
  bool reached(const std::function<void(StateStore&)>& use) {
    try {
      with_store_(use);
      return true;
    } catch (const StoreUnavailable&) {
      return false;
    }
  }

  WithStore with_store_;
};

}  // namespace

Login::Login(const json& connection, const std::string& user_agent, Parts parts)
    : scrubber_(http::secrets_of(auth_of(connection))) {
  http::AuthWorld world;
  world.options = transport_options(connection, user_agent);
  world.transport = std::move(parts.transport);
  world.wall = [clock = parts.clock] { return clock->wall(); };
  world.now = [clock = parts.clock] { return clock->now(); };
  world.scrubber = &scrubber_;
  world.seed = parts.seed;
  if (parts.with_store) vault_ = std::make_unique<StoreVault>(std::move(parts.with_store));
  world.vault = vault_.get();
  auth_ = http::make_auth(auth_of(connection), world);
}

Login::~Login() = default;

bool keeps_refresh_token(const json& connection) {
  const json auth = auth_of(connection);
  const auto oauth2 = auth.find("oauth2");
  return oauth2 != auth.end() && oauth2->value("grant", std::string()) == "refresh_token";
}

}  // namespace tailrace
