#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "destination/destination.hpp"
#include "http/scrub.hpp"
#include "http/transport.hpp"
#include "run/spec.hpp"

namespace tailrace {

/// What became of the rows of a request, in a word: an outcome's name where all have one, `mixed`,
/// `split` where the batch goes on in parts, `stopped`, or `more` where other requests follow.
[[nodiscard]] std::string_view outcome_class(const Step& step);

/// A file with one line of JSON for each request of a run, for people. Lines are added to what is
/// there. Credentials are on none of them; what a body says of them is hidden. A line that cannot
/// be written is left out, and the run goes on.
class RequestTrace {
 public:
  struct Entry {
    const wire::Request& request;
    const http::Finished& finished;
    std::int64_t at_ms = 0;  // the wall clock when it started
    double ms = 0;
    int attempt = 1;
    std::string_view batch = {};
    std::size_t rows = 0;
    std::string_view outcome = {};
    const http::Scrubber* login = nullptr;  // hides tokens that were got meanwhile
  };

  /// Opens the file, mode 0600. Throws std::invalid_argument where that cannot be.
  RequestTrace(const TraceFile& file, std::string base_url, std::vector<std::string> secrets);
  ~RequestTrace();
  RequestTrace(const RequestTrace&) = delete;
  RequestTrace& operator=(const RequestTrace&) = delete;

  void write(const Entry& entry);

 private:
  [[nodiscard]] std::string clean(const Entry& entry, std::string_view text,
                                  std::size_t limit = 512) const;

  int fd_;
  bool bodies_;
  std::string base_url_;
  http::Scrubber scrubber_;
};

}  // namespace tailrace
