#pragma once

#include <nlohmann/json.hpp>

namespace tailrace::http::testing {

/// `object` with what a merge patch (RFC 7396) says of it.
[[nodiscard]] inline nlohmann::json with(nlohmann::json object, const nlohmann::json& change) {
  object.merge_patch(change);
  return object;
}

}  // namespace tailrace::http::testing
