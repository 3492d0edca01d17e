#pragma once

#include <string>
#include <string_view>

namespace tailrace::http {

/// The bytes in gzip (RFC 1952). Throws std::bad_alloc for lack of memory.
[[nodiscard]] std::string gzip(std::string_view bytes);

}  // namespace tailrace::http
