#pragma once

#include <string>
#include <string_view>

namespace tailrace::http {

/// RFC 4648 §4, with padding.
[[nodiscard]] std::string base64(std::string_view bytes);

/// RFC 4648 §5 without padding, as RFC 7515 writes it.
[[nodiscard]] std::string base64url(std::string_view bytes);

}  // namespace tailrace::http
