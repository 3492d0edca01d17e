#include "source/failure.hpp"

#include <cstddef>

namespace tailrace {
namespace {

constexpr std::size_t kMessageBytes = 1024;

/// Whether the byte is a UTF-8 character's second or later one.
bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

}  // namespace

SourceError cancelled_error() {
  return {"source: reading the model was cancelled", false, std::string(kCancelledState)};
}

std::string tidy_message(std::string_view message) {
  for (const std::string_view prefix :
       {"Failure during '[END COPY]': ", "ERROR:  ", "FATAL:  "}) {  // libpqxx's and the server's
    if (message.starts_with(prefix)) message.remove_prefix(prefix.size());
  }
  while (!message.empty() && (message.back() == '\n' || message.back() == ' ')) {
    message.remove_suffix(1);
  }
  if (message.size() <= kMessageBytes) return std::string(message);
  std::size_t end = kMessageBytes;
  while (end > 0 && continues_character(message[end])) --end;
  return std::string(message.substr(0, end)) + " …";
}

}  // namespace tailrace
