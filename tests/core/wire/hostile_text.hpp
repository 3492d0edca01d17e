#pragma once

#include <string>
#include <vector>

namespace tailrace::wire {

/// Well-formed UTF-8 that breaks careless writers: quotes, controls, formulas, templates, markup,
/// byte order marks, right-to-left, combining and four-byte characters, long runs. At least 500.
[[nodiscard]] std::vector<std::string> hostile_texts();

}  // namespace tailrace::wire
