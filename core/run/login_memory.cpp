#include "run/login_memory.hpp"

#include <array>
#include <cstdint>
#include <string_view>

#include "row/ascii.hpp"
#include "row/hkdf.hpp"

namespace tailrace {
namespace {

using nlohmann::json;

constexpr std::string_view kLoginLabel = "tailrace/1 login ";
constexpr std::size_t kMarkBytes = 16;

}  // namespace

std::string login_mark(const Hasher::Secret& store_secret, const json& connection) {
  // Headers of the connection's own may hold a credential too.
  const json credentials = {connection.value("auth", json::object()),
                            connection.value("headers", json::object())};
  std::array<std::uint8_t, kMarkBytes> bytes{};
  hkdf_expand(store_secret, std::string(kLoginLabel) + credentials.dump(), bytes);
  return hex_of(bytes);
}

json to_json(const LoginMemory& memory, const std::string& account, const std::string& object) {
  return {{"account", account},
          {"object", object},
          {"mark", memory.mark},
          {"tool_account", memory.account}};
}

std::optional<LoginMemory> login_of(const std::string& report, const std::string& account,
                                    const std::string& object) {
  const json document = json::parse(report, nullptr, false);
  if (!document.is_object()) return std::nullopt;
  const auto found = document.find("login");
  if (found == document.end() || !found->is_object()) return std::nullopt;
  if (found->value("account", "") != account || found->value("object", "") != object) {
    return std::nullopt;
  }
  LoginMemory memory{found->value("mark", ""), found->value("tool_account", "")};
  if (memory.mark.empty()) return std::nullopt;
  return memory;
}

}  // namespace tailrace
