#include "http/address.hpp"

#include <arpa/inet.h>
#include <curl/curl.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>

namespace tailrace::http {
namespace {

struct Range {
  std::uint32_t network;
  int bits;
};

// RFC 6890 and its registry: not reachable over the public internet.
constexpr std::array<Range, 14> kPrivate = {{
    {0x00000000, 8},   // this network
    {0x0A000000, 8},   // 10/8
    {0x64400000, 10},  // carrier-grade NAT
    {0xA9FE0000, 16},  // link-local, cloud metadata
    {0xAC100000, 12},  // 172.16/12
    {0xC0000000, 24},  // IETF protocol assignments
    {0xC0000200, 24},  // documentation
    {0xC0586300, 24},  // 6to4 relay
    {0xC0A80000, 16},  // 192.168/16
    {0xC6120000, 15},  // benchmarking
    {0xC6336400, 24},  // documentation
    {0xCB007100, 24},  // documentation
    {0xE0000000, 4},   // multicast
    {0xF0000000, 4},   // reserved, broadcast
}};

AddressKind kind_of_v4(std::uint32_t address) {
  if (address >> 24 == 127) return AddressKind::loopback;
  for (const Range& range : kPrivate) {
    const std::uint32_t mask = ~std::uint32_t{0} << (32 - range.bits);
    if ((address & mask) == range.network) return AddressKind::private_;
  }
  return AddressKind::public_;
}

std::uint32_t big_endian(const std::uint8_t* bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
         std::uint32_t{bytes[2]} << 8 | bytes[3];
}

AddressKind kind_of_v6(const std::array<std::uint8_t, 16>& bytes) {
  static constexpr std::array<std::uint8_t, 16> kLoopback = {0, 0, 0, 0, 0, 0, 0, 0,
                                                             0, 0, 0, 0, 0, 0, 0, 1};
  static constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0,    0,
                                                           0, 0, 0, 0, 0xff, 0xff};
  static constexpr std::array<std::uint8_t, 12> kNat64 = {0, 0x64, 0xff, 0x9b, 0, 0,
                                                          0, 0,    0,    0,    0, 0};
  if (bytes == kLoopback) return AddressKind::loopback;
  const auto begins = [&](const std::array<std::uint8_t, 12>& prefix) {
    return std::memcmp(bytes.data(), prefix.data(), prefix.size()) == 0;
  };
  if (begins(kMapped) || begins(kNat64)) return kind_of_v4(big_endian(bytes.data() + 12));
  const bool global = (bytes[0] & 0xe0) == 0x20;  // 2000::/3
  const bool six_to_four = bytes[0] == 0x20 && bytes[1] == 0x02;
  if (six_to_four) return kind_of_v4(big_endian(bytes.data() + 2));
  const bool documentation = big_endian(bytes.data()) == 0x20010db8;
  return global && !documentation ? AddressKind::public_ : AddressKind::private_;
}

struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

std::string part(CURLU* url, CURLUPart which) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, 0) != CURLUE_OK || text == nullptr) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

}  // namespace

AddressKind kind_of_address(std::string_view ip) {
  const std::string text(ip.substr(0, ip.find('%')));
  std::array<std::uint8_t, 4> v4{};
  if (inet_pton(AF_INET, text.c_str(), v4.data()) == 1) return kind_of_v4(big_endian(v4.data()));
  std::array<std::uint8_t, 16> v6{};
  if (inet_pton(AF_INET6, text.c_str(), v6.data()) == 1) return kind_of_v6(v6);
  return AddressKind::invalid;
}

BaseUrl check_base_url(const std::string& text) {
  const std::unique_ptr<CURLU, UrlDeleter> url(curl_url());
  if (curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK) {
    throw std::invalid_argument("base_url is not a URL");
  }
  if (!part(url.get(), CURLUPART_USER).empty() || !part(url.get(), CURLUPART_PASSWORD).empty()) {
    throw std::invalid_argument("base_url may not hold a user or password: use auth");
  }
  if (!part(url.get(), CURLUPART_QUERY).empty() || !part(url.get(), CURLUPART_FRAGMENT).empty()) {
    throw std::invalid_argument("base_url may not have a query or a fragment");
  }
  std::string host = part(url.get(), CURLUPART_HOST);
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  BaseUrl checked;
  const AddressKind kind = kind_of_address(host);
  checked.loopback = host == "localhost" || kind == AddressKind::loopback;
  checked.off_internet = kind == AddressKind::private_;
  const std::string scheme = part(url.get(), CURLUPART_SCHEME);
  if (scheme != "https" && !(scheme == "http" && checked.loopback)) {
    throw std::invalid_argument("base_url must be https, or http to this machine, not " + scheme +
                                "://" + host);
  }
  checked.text = text;
  while (!checked.text.empty() && checked.text.back() == '/') checked.text.pop_back();
  return checked;
}

}  // namespace tailrace::http
