#include "http/curl_transfer.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <stdexcept>
#include <utility>

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

// An answer of this size may be packed in whatever way; of longer ones a byte on its way is for
// less than so many. Rows of a file that differ in nothing but an id unpack to some sixty.
constexpr std::uint64_t kMayUnpackTo = 4u << 20;
constexpr std::uint64_t kMostRatio = 150;

bool has_break(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
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
  set(easy, CURLOPT_OPENSOCKETFUNCTION, &CurlTransfer::open_socket);
  set(easy, CURLOPT_OPENSOCKETDATA, this);
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
  body_.reset();
  body_read_ = 0;
  body_ended_ = false;
  reply_ = {};
  to_sink_.reset();
  received_ = 0;
  thrown_ = nullptr;
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
  open_body();
  std::string url = (outgoing_.base ? outgoing_.base->text : base_.text) + request.path;
  if (!request.query.empty()) url += '?' + request.query;
  set(easy_.get(), CURLOPT_URL, url.c_str());
  const auto deadline = std::max(options_.total_timeout, request.patience);
  set(easy_.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(deadline.count()));
  set_method();
  set_headers();
  return true;
}

/// From here on the body's bytes come from `body_` or are in outgoing_.request.body, as they go
/// out.
void CurlTransfer::open_body() {
  wire::Request& request = outgoing_.request;
  if (!request.source) {
    packed_ = request.may_gzip && request.body.size() >= kLeastToGzip;
    if (packed_) request.body = gzip(request.body);
    body_size_ = request.body.size();
    return;
  }
  body_size_ = request.source->size();
  body_ = request.source->open();
  packed_ = request.may_gzip && body_size_.value_or(kLeastToGzip) >= kLeastToGzip;
  if (!packed_) return;
  body_ = gzip_reader(std::move(body_));
  body_size_.reset();
}

void CurlTransfer::set_method() {
  const wire::Request& request = outgoing_.request;
  CURL* easy = easy_.get();
  set(easy, CURLOPT_UPLOAD, 0L);
  set(easy, CURLOPT_HTTPGET, 1L);
  const bool carries = body_ || !request.body.empty() || request.method == wire::Method::post;
  if (carries) {
    const auto size = body_size_ ? static_cast<curl_off_t>(*body_size_) : curl_off_t{-1};
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

std::size_t CurlTransfer::read_body(char* out, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  try {
    const std::size_t got = transfer.read_source({out, size * count});
    transfer.body_read_ += got;
    transfer.body_ended_ = got == 0;
    return got;
  } catch (...) {
    transfer.thrown_ = std::current_exception();
    return CURL_READFUNC_ABORT;
  }
}

/// The next bytes of the body, 0 at its end. What was promised in Content-Length is kept: a body
/// of another length never arrives whole.
std::size_t CurlTransfer::read_source(std::span<char> into) {
  if (!body_) {
    const std::string& body = outgoing_.request.body;
    const std::size_t take = std::min<std::size_t>(into.size(), body.size() - body_read_);
    std::memcpy(into.data(), body.data() + body_read_, take);
    return take;
  }
  if (!body_size_) return body_->read(into);
  const std::uint64_t left = *body_size_ - body_read_;
  if (left == 0) return 0;
  const std::size_t got = body_->read(into.first(std::min<std::uint64_t>(into.size(), left)));
  char more = 0;
  if (got == 0 || (got == left && body_->read({&more, 1}) != 0)) {
    throw std::logic_error("http: the body of " + outgoing_.request.path + " is " +
                           (got == 0 ? "shorter" : "longer") + " than its source said");
  }
  return got;
}

std::size_t CurlTransfer::take_body(char* data, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  const std::string_view bytes(data, size * count);
  transfer.received_ += bytes.size();
  if (transfer.is_bloated()) {
    transfer.too_large_ = true;
    return 0;
  }
  try {
    if (!transfer.to_sink_) transfer.to_sink_ = transfer.offer_to_sink();
    if (*transfer.to_sink_) return transfer.give_to_sink(bytes);
  } catch (...) {
    transfer.thrown_ = std::current_exception();
    return 0;
  }
  if (transfer.received_ > transfer.options_.max_reply_bytes) {
    transfer.too_large_ = true;
    return 0;
  }
  transfer.reply_.body.append(bytes);
  return bytes.size();
}

/// Whether the answer unpacks to far more than any that says something.
bool CurlTransfer::is_bloated() const {
  if (received_ < kMayUnpackTo) return false;
  curl_off_t packed = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_SIZE_DOWNLOAD_T, &packed);
  // libcurl counts what it has read when it has handed it on.
  return received_ / (static_cast<std::uint64_t>(packed) + CURL_MAX_WRITE_SIZE) >= kMostRatio;
}

/// Whether the request has a sink that takes this answer.
bool CurlTransfer::offer_to_sink() {
  if (!outgoing_.request.sink) return false;
  long status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  reply_.status = static_cast<int>(status);
  return outgoing_.request.sink->begin(reply_);
}

std::size_t CurlTransfer::give_to_sink(std::string_view bytes) {
  too_large_ = received_ > options_.max_sink_bytes || !outgoing_.request.sink->take(bytes);
  return too_large_ ? 0 : bytes.size();
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

bool CurlTransfer::sent_whole() const {
  return body_size_ ? body_read_ == *body_size_ : body_ended_;
}

Finished CurlTransfer::finish(CURLcode code, bool abandoned) {
  CURL* easy = easy_.get();
  Finished finished;
  finished.id = outgoing_.id;
  finished.sent_at = sent_at_;
  finished.bytes_sent = body_read_;
  finished.bytes_received = received_;
  curl_off_t microseconds = 0;
  curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &microseconds);
  finished.seconds = static_cast<double>(microseconds) / 1e6;
  if (thrown_ && !abandoned) std::rethrow_exception(thrown_);
  reply_.failure = failure_of(code, abandoned);
  if (reply_.failure == wire::Failure::none) {
    if (!to_sink_) to_sink_ = offer_to_sink();
    reply_.consumed = *to_sink_;
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    reply_.status = static_cast<int>(status);
    reply_.retry_after =
        wire::longest_retry_after(reply_.headers, std::chrono::system_clock::now());
    if (status / 100 == 2 && !sent_whole()) {
      // Whatever it accepts, it is not what was to be sent.
      reply_ = {};
      reply_.failure = wire::Failure::lost;
      reply_.failure_text = "the tool answered before it had the whole body";
    }
  } else {
    reply_.failure_text = stopped_ == Stopped::address
                              ? "the host's address is private: set allow_private to reach it"
                          : error_[0] != '\0' ? std::string(error_)
                                              : std::string(curl_easy_strerror(code));
  }
  finished.reply = std::move(reply_);
  outgoing_ = {};
  body_.reset();
  headers_.reset();
  set(easy, CURLOPT_HTTPHEADER, nullptr);
  return finished;
}

}  // namespace tailrace::http
