#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "wire/body.hpp"

namespace tailrace::wire {

/// One part of a form.
struct FormPart {
  std::string name;
  std::string file_name;     // empty: a field
  std::string content_type;  // empty: none is said
  std::shared_ptr<const BodySource> content;
};

struct Multipart {
  std::string content_type;  // with the boundary
  std::shared_ptr<const BodySource> body;
};

/// A form as multipart/form-data (RFC 7578). The boundary is made of `seed` and occurs in no part:
/// that is looked up, for which each part is read once; so the size is known too. Quotes and line
/// breaks in names are percent-encoded, as browsers do. Throws std::invalid_argument for no part,
/// a part without a name, and a line break in a content type.
[[nodiscard]] Multipart make_multipart(const std::vector<FormPart>& parts, std::string_view seed);

/// The nth boundary that is tried.
[[nodiscard]] std::string form_boundary(std::string_view seed, unsigned nth);

}  // namespace tailrace::wire
