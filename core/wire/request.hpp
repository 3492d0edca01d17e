#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tailrace::wire {

enum class Method : std::uint8_t { get, post, put, patch, delete_ };
[[nodiscard]] std::string_view to_text(Method method);

struct Header {
  std::string name;
  std::string value;
};

class BodySource;
class ReplySink;

/// What a destination wants sent. The URL is relative to the connection's base URL: row data can
/// never change scheme, host or port. Credentials are added by the http room, never here.
struct Request {
  Method method = Method::post;
  std::string path;    // begins with '/', segments already percent-encoded
  std::string query;   // without '?', already encoded; may be empty
  std::vector<Header> headers;
  std::string body;
  std::string content_type;
  bool may_gzip = false;  // the tool takes bodies in gzip: a longer one is sent so
  /// In place of `body`, which is empty then: what is too long for memory (see body.hpp).
  std::shared_ptr<const BodySource> source = {};
  /// Takes the answer's body, where that may be too long for memory.
  std::shared_ptr<ReplySink> sink = {};
  /// A deadline of its own where it is later than the connection's, for long files. Only of
  /// requests that change no row: how long a lost write may still arrive is reckoned with the
  /// connection's.
  std::chrono::milliseconds patience{0};
};

/// How a request ended below HTTP.
enum class Failure : std::uint8_t {
  none,            // an HTTP answer was read whole
  not_sent,        // proof that no byte left: refused, resolve or connect failed, send_by passed
  lost,            // may have been applied: reset, timeout, cut body, rewind refused
  untrusted,       // TLS refused the peer, or the address is not allowed: configuration
  too_large,       // the answer broke a cap
  expired,         // send_by passed before the first byte could leave: nothing was sent
  cancelled,       // given up by us before it was sent
};

struct Reply {
  Failure failure = Failure::none;
  std::string failure_text;
  int status = 0;
  std::vector<Header> headers;  // names in lower case
  std::string body;
  bool consumed = false;  // the request's sink took the body
  /// From Retry-After, both forms, the latest of several; read when the answer came.
  std::optional<std::chrono::milliseconds> retry_after;

  /// Value of the first header of that (lower-case) name, or an empty view.
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

/// Percent-encodes one path segment or query value (RFC 3986 unreserved stay). A segment that is
/// "." or ".." as a whole keeps its meaning in a URL, encoded or not: callers refuse it.
[[nodiscard]] std::string percent_encode(std::string_view text);
void append_percent_encoded(std::string& out, std::string_view text);

}  // namespace tailrace::wire
