#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "destination/rest/settings.hpp"
#include "destination/rest/template.hpp"
#include "wire/request.hpp"

namespace tailrace::rest {

/// How an API is asked about match values: one whose {match} stands in the path, or several in a
/// body that holds "$matches".
struct Asking {
  wire::Method method = wire::Method::post;
  Template path;
  bool has_body = false;
  Template body;
  std::size_t batch_rows = 1;  // match values in one question
};

/// `method`, `path`, `body` and `batch_rows` of a declaration's `find` or `read`. Throws
/// std::invalid_argument that names the key.
[[nodiscard]] Asking read_asking(const Settings& reader);

/// The question for these match values, which are at most as many as it takes.
[[nodiscard]] wire::Request question_for(const Asking& asking,
                                         const std::vector<std::string_view>& matches);

/// A question without match values: its address alone. `path` has its query.
[[nodiscard]] wire::Request question_at(std::string_view path);

}  // namespace tailrace::rest
