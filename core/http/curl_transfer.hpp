#pragma once

#include <curl/curl.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "http/address.hpp"
#include "http/transport.hpp"
#include "wire/body.hpp"

namespace tailrace::http {

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct MultiDeleter {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};

/// One request on one easy handle. The handle keeps its options from request to request; only
/// what differs is set again. Stays where it is while in use: libcurl holds pointers into it.
class CurlTransfer {
 public:
  CurlTransfer(const TransportOptions& options, const BaseUrl& base);
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;

  /// Readies the handle; false where the request itself may not be sent (see `refusal`).
  [[nodiscard]] bool prepare(Outgoing outgoing);
  [[nodiscard]] Finished refusal() const;
  /// After libcurl is done with it, or it was taken out of the multi handle (`abandoned`). Throws
  /// what the body's source or the answer's sink threw.
  [[nodiscard]] Finished finish(CURLcode code, bool abandoned);

  [[nodiscard]] CURL* easy() const { return easy_.get(); }

 private:
  enum class Stopped { no, expired, resend, address };

  void open_body();
  void set_method();
  void set_headers();
  [[nodiscard]] std::size_t read_source(std::span<char> into);
  [[nodiscard]] std::size_t give_to_sink(std::string_view bytes);
  [[nodiscard]] bool offer_to_sink();
  [[nodiscard]] bool is_bloated() const;
  [[nodiscard]] wire::Failure failure_of(CURLcode code, bool abandoned) const;
  [[nodiscard]] bool sent_whole() const;

  [[nodiscard]] bool may_reach(std::string_view ip) const;
  static curl_socket_t open_socket(void* self, curlsocktype purpose, curl_sockaddr* address);
  static int before_request(void* self, char* remote_ip, char* local_ip, int remote, int local);
  static std::size_t read_body(char* out, std::size_t size, std::size_t count, void* self);
  static std::size_t take_body(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t take_header(char* data, std::size_t size, std::size_t count, void* self);

  const TransportOptions& options_;
  const BaseUrl& base_;
  std::unique_ptr<CURL, EasyDeleter> easy_;
  std::unique_ptr<curl_slist, ListDeleter> headers_;
  Outgoing outgoing_;
  std::unique_ptr<wire::BodyReader> body_;      // of the request's source
  std::optional<std::uint64_t> body_size_;      // as it goes out; nullopt: in chunks
  std::uint64_t body_read_ = 0;
  bool body_ended_ = false;
  wire::Reply reply_;
  std::optional<bool> to_sink_;  // whether the sink takes the answer, once it was asked
  std::uint64_t received_ = 0;
  std::exception_ptr thrown_;    // in a callback: libcurl is C
  SteadyTime sent_at_{};
  Stopped stopped_ = Stopped::no;
  bool too_large_ = false;
  bool packed_ = false;  // the body goes as gzip
  char error_[CURL_ERROR_SIZE] = {};
};

}  // namespace tailrace::http
