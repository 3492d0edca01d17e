#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "wire/request.hpp"

namespace tailrace::wire {

/// What an answer may cost us. Depth and values are counted before anything is built.
struct JsonLimits {
  std::size_t max_bytes = 32u << 20;
  int max_depth = 64;
  std::size_t max_values = 250'000;  // about 25 MB once parsed
};

/// Parses text from outside. nullopt for what is not one whole JSON document within the limits:
/// empty, cut, HTML, with a byte order mark, not UTF-8, numbers that no double holds. Never throws
/// but for lack of memory.
[[nodiscard]] std::optional<nlohmann::json> read_json(std::string_view text,
                                                      const JsonLimits& limits = {});

/// The body of an answer, where its Content-Type does not name another charset than UTF-8 and its
/// Content-Encoding was undone.
[[nodiscard]] std::optional<nlohmann::json> read_json(const Reply& reply,
                                                      const JsonLimits& limits = {});

/// Member of an object, or nullptr: not an object, no such member.
[[nodiscard]] const nlohmann::json* member(const nlohmann::json& value, std::string_view name);

/// The value at a dotted path of member names; the empty path is the value itself.
[[nodiscard]] const nlohmann::json* at_path(const nlohmann::json& value, std::string_view path);

/// A scalar as text: a string as it is, numbers in their digits, true and false. Null, arrays and
/// objects are empty text.
[[nodiscard]] std::string scalar_text(const nlohmann::json& value);

/// scalar_text of a member, empty where there is none.
[[nodiscard]] std::string text_at(const nlohmann::json& value, std::string_view path);

/// Whether the body is a page for people: what proxies and captive portals put in an API's place.
[[nodiscard]] bool looks_like_html(const Reply& reply);

}  // namespace tailrace::wire
