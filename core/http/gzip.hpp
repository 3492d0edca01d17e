#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "wire/body.hpp"

namespace tailrace::http {

/// The bytes in gzip (RFC 1952). Throws std::bad_alloc for lack of memory.
[[nodiscard]] std::string gzip(std::string_view bytes);

/// The same while reading: gives what `plain` gives, packed.
[[nodiscard]] std::unique_ptr<wire::BodyReader> gzip_reader(
    std::unique_ptr<wire::BodyReader> plain);

}  // namespace tailrace::http
