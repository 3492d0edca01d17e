#pragma once

#include <string>
#include <string_view>

namespace tailrace::http {

enum class AddressKind { loopback, private_, public_, invalid };

/// What kind of address an IP text is. Link-local, metadata, carrier-grade NAT, unspecified,
/// multicast and reserved ranges count as private; IPv4 inside IPv6 is judged as the IPv4.
[[nodiscard]] AddressKind kind_of_address(std::string_view ip);

/// A connection's base URL, checked once.
struct BaseUrl {
  std::string text;      // without a slash at the end
  bool loopback = false;  // its host names this machine
  bool off_internet = false;  // its host is an address that the internet does not reach
};

/// Throws std::invalid_argument, saying why, unless the URL is https, or http to a loopback host,
/// without user, query or fragment.
[[nodiscard]] BaseUrl check_base_url(const std::string& url);

}  // namespace tailrace::http
