#pragma once

#include <curl/curl.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "http/address.hpp"
#include "http/transport.hpp"

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
  /// After libcurl is done with it, or it was taken out of the multi handle (`abandoned`).
  [[nodiscard]] Finished finish(CURLcode code, bool abandoned);

  [[nodiscard]] CURL* easy() const { return easy_.get(); }

 private:
  enum class Stopped { no, expired, resend, address };

  void set_method(const wire::Request& request);
  void set_headers();
  [[nodiscard]] wire::Failure failure_of(CURLcode code, bool abandoned) const;

  static int before_request(void* self, char* remote_ip, char* local_ip, int remote, int local);
  static std::size_t read_body(char* out, std::size_t size, std::size_t count, void* self);
  static std::size_t take_body(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t take_header(char* data, std::size_t size, std::size_t count, void* self);

  const TransportOptions& options_;
  const BaseUrl& base_;
  std::unique_ptr<CURL, EasyDeleter> easy_;
  std::unique_ptr<curl_slist, ListDeleter> headers_;
  Outgoing outgoing_;
  std::size_t body_read_ = 0;
  wire::Reply reply_;
  SteadyTime sent_at_{};
  Stopped stopped_ = Stopped::no;
  bool too_large_ = false;
  bool packed_ = false;  // the body goes as gzip
  char error_[CURL_ERROR_SIZE] = {};
};

}  // namespace tailrace::http
