#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "row/chunk.hpp"
#include "row/schema.hpp"

namespace tailrace {

struct SourceColumn {
  std::string name;
  Type type = Type::text;
  std::string source_type;  // the warehouse's own word, for messages
};

/// Reading the model failed. `configuration`: the query or the rights are wrong, trying again will
/// not help (exit 2); otherwise the warehouse was unreachable or went away (exit 5).
class SourceError : public std::runtime_error {
 public:
  SourceError(const std::string& message, bool is_configuration, std::string its_code = {})
      : std::runtime_error(message), configuration(is_configuration), code(std::move(its_code)) {}

  bool configuration;
  std::string code;  // SQLSTATE or the driver's code, may be empty
};

/// Reads one model once, on one thread. `cancel` alone may be called from another thread.
class Source {
 public:
  virtual ~Source() = default;

  /// Starts the query and tells its columns. Called once, before next().
  /// Throws SourceError.
  [[nodiscard]] virtual std::vector<SourceColumn> open() = 0;

  /// Fills `chunk` (cleared first) with the next rows; false at the end of the model.
  /// Throws SourceError, also in the middle of the stream: then nothing was sent.
  [[nodiscard]] virtual bool next(Chunk& chunk) = 0;

  /// Makes a running open() or next() return or throw soon.
  virtual void cancel() noexcept = 0;

  /// Names how values become bytes, e.g. "pgcopy/1". Part of the sync's fingerprint: another
  /// encoding alone may not re-send a whole model silently.
  [[nodiscard]] virtual std::string encoding() const = 0;
};

}  // namespace tailrace
