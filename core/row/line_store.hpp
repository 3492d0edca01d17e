#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tailrace {

/// Where an encoded row lies in a LineStore. No bytes: there is no row (a removed one).
struct LinePlace {
  std::uint64_t offset = 0;
  std::uint32_t bytes = 0;
};

/// Encoded rows that are kept outside of memory, or shared. They never change.
class LineStore {
 public:
  virtual ~LineStore() = default;
  /// Fills `into` from `offset` on; fewer bytes only at the end. Throws std::system_error.
  [[nodiscard]] virtual std::size_t read(std::uint64_t offset, std::span<char> into) const = 0;
};

/// The lines of a batch that is too long for memory: for each row its place, and which of its
/// fields are sent.
struct StoredLines {
  std::shared_ptr<const LineStore> store;
  std::vector<LinePlace> places;  // one for each row of the batch, in its order
  std::string send;  // as BatchRow::send, row behind row; empty: every field of every row
  std::size_t fields = 0;  // marks that `send` has for each row
};

/// Reads the lines of a batch one after another. What it needs lives as long as it does.
class LineCursor {
 public:
  static constexpr std::size_t kWindowBytes = 256u << 10;

  explicit LineCursor(std::shared_ptr<const StoredLines> lines) : lines_(std::move(lines)) {}

  /// The next row's line, which may be empty; nullopt behind the last. The view holds until the
  /// next call. Throws std::system_error where the store is cut or fails.
  [[nodiscard]] std::optional<std::string_view> next();
  /// Which fields of the row that next() gave are sent; empty: all.
  [[nodiscard]] std::string_view send() const;

 private:
  void load(const LinePlace& place);

  std::shared_ptr<const StoredLines> lines_;
  std::size_t at_ = 0;
  std::string window_;
  std::uint64_t window_offset_ = 0;
};

}  // namespace tailrace
