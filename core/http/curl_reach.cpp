// Where a transfer may go, and until when: what is looked at before a connection is made, and
// before the first byte leaves.
#include <arpa/inet.h>
#include <sys/socket.h>

#include <string>

#include "http/curl_transfer.hpp"

namespace tailrace::http {
namespace {

/// The address in the form that kind_of_address reads; empty where it is of another family.
std::string text_of(const sockaddr& address) {
  char text[INET6_ADDRSTRLEN] = {};
  const void* bytes = nullptr;
  if (address.sa_family == AF_INET) {
    bytes = &reinterpret_cast<const sockaddr_in&>(address).sin_addr;
  } else if (address.sa_family == AF_INET6) {
    bytes = &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  }
  if (bytes != nullptr) inet_ntop(address.sa_family, bytes, text, sizeof text);
  return text;
}

}  // namespace

bool CurlTransfer::may_reach(std::string_view ip) const {
  if (!options_.proxy.empty()) return true;  // the address is the proxy's
  const AddressKind kind = kind_of_address(ip);
  const BaseUrl& base = outgoing_.base ? *outgoing_.base : base_;
  if (base.loopback) return kind == AddressKind::loopback;
  return options_.allow_private ? kind != AddressKind::invalid : kind == AddressKind::public_;
}

/// The address that a name stands for is known here: nothing has gone there yet.
curl_socket_t CurlTransfer::open_socket(void* self, curlsocktype, curl_sockaddr* address) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  if (!transfer.may_reach(text_of(address->addr))) {
    transfer.stopped_ = Stopped::address;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

int CurlTransfer::before_request(void* self, char* remote_ip, char*, int, int) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  if (transfer.sent_at_ != SteadyTime{}) {
    transfer.stopped_ = Stopped::resend;
    return CURL_PREREQFUNC_ABORT;
  }
  // Again, for a connection that was there already, made for another base.
  if (!transfer.may_reach(remote_ip == nullptr ? "" : remote_ip)) {
    transfer.stopped_ = Stopped::address;
    return CURL_PREREQFUNC_ABORT;
  }
  transfer.stopped_ = Stopped::no;  // where the name stands for several addresses
  const SteadyTime now = std::chrono::steady_clock::now();
  if (now >= transfer.outgoing_.send_by) {
    transfer.stopped_ = Stopped::expired;
    return CURL_PREREQFUNC_ABORT;
  }
  transfer.sent_at_ = now;
  return CURL_PREREQFUNC_OK;
}

}  // namespace tailrace::http
