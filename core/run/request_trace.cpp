#include "run/request_trace.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "run/report.hpp"
#include "wire/body.hpp"

namespace tailrace {
namespace {

constexpr std::size_t kMostUrl = 2048;
constexpr std::size_t kMostBody = 64 << 10;

std::string_view word_of(wire::Failure failure) {
  switch (failure) {
    case wire::Failure::none: return "";
    case wire::Failure::not_sent: return "not_sent";
    case wire::Failure::lost: return "lost";
    case wire::Failure::untrusted: return "untrusted";
    case wire::Failure::too_large: return "too_large";
    case wire::Failure::expired: return "expired";
    case wire::Failure::cancelled: return "cancelled";
  }
  return "";
}

/// Refuses what somebody else could have put there to be written to, or could read.
int open_private(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  const int failed = errno;
  struct stat facts{};
  if (fd >= 0 && ::fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode) && ::fchmod(fd, 0600) == 0) {
    return fd;
  }
  std::string why = "it is no file of ours";
  if (fd < 0) {
    why = failed == ELOOP ? "it is a symbolic link" : std::generic_category().message(failed);
  } else {
    ::close(fd);
  }
  throw std::invalid_argument("trace: cannot write to " + path + ": " + why);
}

}  // namespace

std::string_view outcome_class(const Step& step) {
  if (step.stop) return "stopped";
  if (!step.regroup.empty()) return step.verdicts.empty() ? "split" : "mixed";
  if (step.verdicts.empty()) return step.calls.empty() ? "unknown" : "more";
  const Outcome first = step.verdicts.front().outcome;
  for (const Verdict& verdict : step.verdicts) {
    if (verdict.outcome != first) return "mixed";
  }
  return to_text(first);
}

RequestTrace::RequestTrace(const TraceFile& file, std::string base_url,
                           std::vector<std::string> secrets)
    : fd_(open_private(file.path)),
      bodies_(file.bodies),
      base_url_(std::move(base_url)),
      scrubber_(std::move(secrets)) {}

RequestTrace::~RequestTrace() { ::close(fd_); }

std::string RequestTrace::clean(const Entry& entry, std::string_view text,
                                std::size_t limit) const {
  const std::string cleaned = scrubber_.clean(text, limit);
  return entry.login == nullptr ? cleaned : entry.login->clean(cleaned, limit);
}

void RequestTrace::write(const Entry& entry) {
  const wire::Request& request = entry.request;
  const wire::Reply& reply = entry.finished.reply;
  std::string url = base_url_ + request.path;
  if (!request.query.empty()) url += '?' + request.query;
  nlohmann::ordered_json line = {
      {"at", format_time(entry.at_ms)},
      {"method", wire::to_text(request.method)},
      {"url", clean(entry, url, kMostUrl)},
      {"status", reply.status},
      {"failure", word_of(reply.failure)},
      {"bytes_sent", entry.finished.bytes_sent},
      {"bytes_received", entry.finished.bytes_received},
      {"ms", entry.ms},
      {"attempt", entry.attempt},
      {"batch", entry.batch},
      {"rows", entry.rows},
      {"outcome", entry.outcome},
  };
  if (reply.failure != wire::Failure::none) {
    line["message"] = clean(entry, reply.failure_text);
  }
  if (bodies_) {
    // As much as the scrubber looks at, so that a secret at the cut is known for one.
    const std::string body = wire::body_prefix(request, 8 * kMostBody);
    line["request_body"] = clean(entry, body, kMostBody);
    line["response_body"] = clean(entry, reply.body, kMostBody);
  }
  const std::string text =
      line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
  // In one piece, so that runs that share a file do not mix their lines.
  const ssize_t written = ::write(fd_, text.data(), text.size());
  static_cast<void>(written);
}

}  // namespace tailrace
