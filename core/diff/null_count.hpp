#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "row/chunk.hpp"
#include "row/schema.hpp"

namespace tailrace {

/// NULLs of the fields that a guard watches, over all rows of one reading of the model.
struct NullCounts {
  std::uint64_t rows = 0;
  std::map<std::string, std::uint64_t> nulls;  // by field
};

/// Counts them chunk by chunk; looks at no other column.
class NullCounter {
 public:
  /// Throws std::invalid_argument for a field that the schema does not have.
  NullCounter(const Schema& schema, const std::vector<std::string>& fields);

  void consume(const Chunk& chunk);
  [[nodiscard]] NullCounts counts() const;

 private:
  struct Watched {
    std::string field;
    std::size_t column = 0;
    std::uint64_t nulls = 0;
  };
  std::vector<Watched> watched_;  // by column
  std::uint64_t rows_ = 0;
};

}  // namespace tailrace
