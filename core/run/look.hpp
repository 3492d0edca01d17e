#pragma once

#include <cstddef>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "destination/destination.hpp"
#include "row/schema.hpp"
#include "run/ask.hpp"
#include "run/verify.hpp"
#include "source/source.hpp"

namespace tailrace {

/// A row of a model beside the tool's record of it. States: equal, different, missing (the tool
/// says that it has none), unreadable (it said nothing, or the row can identify no record).
struct SeenRow {
  std::string key;
  const char* state = "unreadable";
  std::vector<VerifiedRow::Field> fields;  // different
};

struct Looked {
  static constexpr std::size_t kRows = 3;

  std::vector<SeenRow> rows;
  std::string failure;  // why the tool could not be asked
};

/// Reads the first rows of a model whose source was opened (the types of the schema, and of the
/// destination's, are the source's) and their records, and changes nothing. Throws SourceError.
[[nodiscard]] Looked look_at(Source& source, const Schema& schema, const Destination& destination,
                             const std::function<Answer(const ReadAsk&)>& ask);

[[nodiscard]] nlohmann::json to_json(const Looked& looked);

}  // namespace tailrace
