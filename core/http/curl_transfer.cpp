#include "http/curl_transfer.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>

#include "http/gzip.hpp"
#include "row/ascii.hpp"
#include "wire/retry_after.hpp"

namespace tailrace::http {
namespace {

using std::chrono::milliseconds;

template <typename Value>
void set(CURL* easy, CURLoption option, Value value) {
  curl_easy_setopt(easy, option, value);
}

// Below this the head of the request is as long as what is saved.
constexpr std::size_t kLeastToGzip = 1024;

bool has_break(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

std::string_view trim(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

const char* verb(wire::Method method) {
  switch (method) {
    case wire::Method::get: return "GET";
    case wire::Method::post: return "POST";
    case wire::Method::put: return "PUT";
    case wire::Method::patch: return "PATCH";
    case wire::Method::delete_: return "DELETE";
  }
  return "GET";
}

bool refused_peer(CURLcode code) {
  return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_ISSUER_ERROR ||
         code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_CERTPROBLEM ||
         code == CURLE_SSL_INVALIDCERTSTATUS || code == CURLE_SSL_PINNEDPUBKEYNOTMATCH;
}

}  // namespace

CurlTransfer::CurlTransfer(const TransportOptions& options, const BaseUrl& base)
    : options_(options), base_(base), easy_(curl_easy_init()) {
  CURL* easy = easy_.get();
  if (easy == nullptr) throw std::bad_alloc();
  set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  set(easy, CURLOPT_REDIR_PROTOCOLS_STR, "");
  set(easy, CURLOPT_FOLLOWLOCATION, 0L);
  set(easy, CURLOPT_NOSIGNAL, 1L);
  set(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  // An empty proxy switches the environment's off.
  set(easy, CURLOPT_PROXY, options.proxy.c_str());
  set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  set(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!options.ca_file.empty()) set(easy, CURLOPT_CAINFO, options.ca_file.c_str());
  set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  set(easy, CURLOPT_PIPEWAIT, 1L);
  set(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
  set(easy, CURLOPT_USERAGENT, options.user_agent.c_str());
  set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
  set(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(options.total_timeout.count()));
  // Less than a byte a second over that time; a body that trickles is the total's to end.
  const auto idle = std::chrono::ceil<std::chrono::seconds>(options.idle_timeout);
  set(easy, CURLOPT_LOW_SPEED_LIMIT, idle.count() > 0 ? 1L : 0L);
  set(easy, CURLOPT_LOW_SPEED_TIME, static_cast<long>(idle.count()));
  // Below the idle time of common servers: a stale connection makes needless unknowns.
  set(easy, CURLOPT_MAXAGE_CONN, 45L);
  set(easy, CURLOPT_TCP_NODELAY, 1L);
  set(easy, CURLOPT_ERRORBUFFER, error_);
  set(easy, CURLOPT_PRIVATE, this);
  set(easy, CURLOPT_PREREQFUNCTION, &CurlTransfer::before_request);
  set(easy, CURLOPT_PREREQDATA, this);
  // No seek function: libcurl must not be able to send a body twice by itself when a reused
  // connection dies after the server has applied it.
  set(easy, CURLOPT_READFUNCTION, &CurlTransfer::read_body);
  set(easy, CURLOPT_READDATA, this);
  set(easy, CURLOPT_WRITEFUNCTION, &CurlTransfer::take_body);
  set(easy, CURLOPT_WRITEDATA, this);
  set(easy, CURLOPT_HEADERFUNCTION, &CurlTransfer::take_header);
  set(easy, CURLOPT_HEADERDATA, this);
}

bool CurlTransfer::prepare(Outgoing outgoing) {
  outgoing_ = std::move(outgoing);
  body_read_ = 0;
  reply_ = {};
  sent_at_ = {};
  stopped_ = Stopped::no;
  too_large_ = false;
  error_[0] = '\0';
  const wire::Request& request = outgoing_.request;
  if (request.path.empty() || request.path.front() != '/' || has_break(request.path) ||
      has_break(request.query)) {
    return false;
  }
  for (const auto& header : request.headers) {
    if (has_break(header.name) || has_break(header.value)) return false;
  }
  packed_ = request.may_gzip && request.body.size() >= kLeastToGzip;
  if (packed_) outgoing_.request.body = gzip(request.body);
  std::string url = (outgoing_.base ? outgoing_.base->text : base_.text) + request.path;
  if (!request.query.empty()) url += '?' + request.query;
  set(easy_.get(), CURLOPT_URL, url.c_str());
  set_method(request);
  set_headers();
  return true;
}

void CurlTransfer::set_method(const wire::Request& request) {
  CURL* easy = easy_.get();
  const auto size = static_cast<curl_off_t>(request.body.size());
  set(easy, CURLOPT_UPLOAD, 0L);
  set(easy, CURLOPT_HTTPGET, 1L);
  const bool carries = !request.body.empty() || request.method == wire::Method::post;
  if (carries) {
    set(easy, CURLOPT_POST, 1L);
    set(easy, CURLOPT_POSTFIELDS, nullptr);
    set(easy, CURLOPT_POSTFIELDSIZE_LARGE, size);
  }
  set(easy, CURLOPT_CUSTOMREQUEST, verb(request.method));
}

void CurlTransfer::set_headers() {
  curl_slist* list = nullptr;
  const auto add = [&list](const wire::Header& header) {
    // libcurl reads "Name:" as "leave it out" and "Name;" as "send it empty".
    const std::string line =
        header.value.empty() ? header.name + ";" : header.name + ": " + header.value;
    list = curl_slist_append(list, line.c_str());
  };
  list = curl_slist_append(list, "Expect:");
  if (!outgoing_.request.content_type.empty()) {
    add({"Content-Type", outgoing_.request.content_type});
  } else {
    list = curl_slist_append(list, "Content-Type:");
  }
  if (packed_) add({"Content-Encoding", "gzip"});
  for (const auto& header : outgoing_.request.headers) add(header);
  for (const auto& header : outgoing_.credentials) add(header);
  headers_.reset(list);
  set(easy_.get(), CURLOPT_HTTPHEADER, headers_.get());
}

int CurlTransfer::before_request(void* self, char* remote_ip, char*, int, int) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  if (transfer.sent_at_ != SteadyTime{}) {
    transfer.stopped_ = Stopped::resend;
    return CURL_PREREQFUNC_ABORT;
  }
  const AddressKind kind = kind_of_address(remote_ip == nullptr ? "" : remote_ip);
  const bool proxied = !transfer.options_.proxy.empty();
  const BaseUrl& base = transfer.outgoing_.base ? *transfer.outgoing_.base : transfer.base_;
  const bool fits = base.loopback                     ? kind == AddressKind::loopback
                    : transfer.options_.allow_private ? kind != AddressKind::invalid
                                                      : kind == AddressKind::public_;
  if (!fits && !proxied) {
    transfer.stopped_ = Stopped::address;
    return CURL_PREREQFUNC_ABORT;
  }
  const SteadyTime now = std::chrono::steady_clock::now();
  if (now >= transfer.outgoing_.send_by) {
    transfer.stopped_ = Stopped::expired;
    return CURL_PREREQFUNC_ABORT;
  }
  transfer.sent_at_ = now;
  return CURL_PREREQFUNC_OK;
}

std::size_t CurlTransfer::read_body(char* out, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  const std::string& body = transfer.outgoing_.request.body;
  const std::size_t take = std::min(size * count, body.size() - transfer.body_read_);
  std::memcpy(out, body.data() + transfer.body_read_, take);
  transfer.body_read_ += take;
  return take;
}

std::size_t CurlTransfer::take_body(char* data, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  const std::size_t bytes = size * count;
  if (transfer.reply_.body.size() + bytes > transfer.options_.max_reply_bytes) {
    transfer.too_large_ = true;
    return 0;
  }
  transfer.reply_.body.append(data, bytes);
  return bytes;
}

std::size_t CurlTransfer::take_header(char* data, std::size_t size, std::size_t count, void* self) {
  static constexpr std::size_t kMostHeaders = 256;
  auto& transfer = *static_cast<CurlTransfer*>(self);
  const std::string_view line(data, size * count);
  if (line.starts_with("HTTP/")) {
    transfer.reply_.headers.clear();  // what came before was an interim answer
    return line.size();
  }
  const auto colon = line.find(':');
  if (colon != std::string_view::npos && transfer.reply_.headers.size() < kMostHeaders) {
    transfer.reply_.headers.push_back(
        {lowered(trim(line.substr(0, colon))), std::string(trim(line.substr(colon + 1)))});
  }
  return line.size();
}

Finished CurlTransfer::refusal() const {
  Finished finished;
  finished.id = outgoing_.id;
  finished.reply.failure = wire::Failure::untrusted;
  finished.reply.failure_text = "the request's path or a header holds a line break";
  return finished;
}

wire::Failure CurlTransfer::failure_of(CURLcode code, bool abandoned) const {
  const bool left = sent_at_ != SteadyTime{};
  if (abandoned) return left ? wire::Failure::lost : wire::Failure::cancelled;
  if (code == CURLE_OK) return wire::Failure::none;
  switch (stopped_) {
    case Stopped::expired: return wire::Failure::expired;
    case Stopped::address: return wire::Failure::untrusted;
    case Stopped::resend: return wire::Failure::lost;
    case Stopped::no: break;
  }
  if (too_large_) return wire::Failure::too_large;
  if (refused_peer(code)) return wire::Failure::untrusted;
  return left ? wire::Failure::lost : wire::Failure::not_sent;
}

Finished CurlTransfer::finish(CURLcode code, bool abandoned) {
  CURL* easy = easy_.get();
  Finished finished;
  finished.id = outgoing_.id;
  finished.sent_at = sent_at_;
  finished.bytes_sent = body_read_;
  finished.bytes_received = reply_.body.size();
  curl_off_t microseconds = 0;
  curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &microseconds);
  finished.seconds = static_cast<double>(microseconds) / 1e6;
  reply_.failure = failure_of(code, abandoned);
  if (reply_.failure == wire::Failure::none) {
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    reply_.status = static_cast<int>(status);
    reply_.retry_after =
        wire::longest_retry_after(reply_.headers, std::chrono::system_clock::now());
  } else {
    reply_.failure_text = stopped_ == Stopped::address
                              ? "the host's address is private: set allow_private to reach it"
                          : error_[0] != '\0' ? std::string(error_)
                                              : std::string(curl_easy_strerror(code));
  }
  finished.reply = std::move(reply_);
  outgoing_ = {};
  headers_.reset();
  set(easy, CURLOPT_HTTPHEADER, nullptr);
  return finished;
}

}  // namespace tailrace::http
