#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tailrace::http {

/// Makes text from outside fit for logs, reports and rejected_row: known secrets and what looks
/// like one (bearer …, key=, password=, DSNs) become ***, control characters are escaped, cut at
/// `limit` bytes on a UTF-8 boundary.
class Scrubber {
 public:
  explicit Scrubber(std::vector<std::string> secrets) : secrets_(std::move(secrets)) {}
  /// A secret that came to be while the run is at work.
  void learn(const std::string& secret);
  [[nodiscard]] std::string clean(std::string_view text, std::size_t limit = 512) const;

 private:
  std::vector<std::string> secrets_;
};

}  // namespace tailrace::http
