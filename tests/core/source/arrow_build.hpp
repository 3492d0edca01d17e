#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "source/arrow_abi.hpp"

namespace tailrace::test {

/// An Arrow array with its type, written down by hand: what a driver would export. Copies are
/// exported, so a node can be used for several batches.
struct ArrowNode {
  using Bytes = std::vector<std::uint8_t>;

  std::string format;
  std::string name;
  std::vector<std::pair<std::string, std::string>> metadata;
  std::int64_t length = 0;
  std::int64_t offset = 0;
  std::int64_t null_count = -1;                 // unknown, as producers may leave it
  std::vector<std::optional<Bytes>> buffers;    // nullopt: a null pointer
  std::vector<ArrowNode> children;
  std::vector<ArrowNode> dictionary;            // none or one

  [[nodiscard]] ArrowNode named(std::string its_name) const {
    ArrowNode copy = *this;
    copy.name = std::move(its_name);
    return copy;
  }
  [[nodiscard]] ArrowNode with(std::string key, std::string value) const {
    ArrowNode copy = *this;
    copy.metadata.emplace_back(std::move(key), std::move(value));
    return copy;
  }
  /// A view of `rows` rows behind the first `from` of this array, as slicing makes it: the
  /// buffers stay, offset and length move.
  [[nodiscard]] ArrowNode sliced(std::int64_t from, std::int64_t rows) const {
    ArrowNode copy = *this;
    copy.offset += from;
    copy.length = rows;
    return copy;
  }
};

/// How many exported structs have not been released.
std::int64_t live_arrow_structs();

void export_schema(const ArrowNode& node, ArrowSchema* out);
void export_array(const ArrowNode& node, ArrowArray* out);

template <typename T>
ArrowNode::Bytes bytes_of(const std::vector<T>& values) {
  ArrowNode::Bytes bytes(values.size() * sizeof(T));
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

ArrowNode::Bytes bitmap_of(const std::vector<bool>& bits);

/// The bitmap of which values are there; a null pointer where all are.
template <typename T>
std::optional<ArrowNode::Bytes> validity_of(const std::vector<std::optional<T>>& values) {
  std::vector<bool> valid;
  bool all = true;
  for (const auto& value : values) {
    valid.push_back(value.has_value());
    all = all && value.has_value();
  }
  if (all) return std::nullopt;
  return bitmap_of(valid);
}

/// Integers, floats, dates, times, timestamps: `format` says which. Where NULL the slot holds
/// garbage.
template <typename T>
ArrowNode fixed(std::string format, const std::vector<std::optional<T>>& values) {
  std::vector<T> raw;
  raw.reserve(values.size());
  for (const auto& value : values) raw.push_back(value.value_or(static_cast<T>(99)));
  ArrowNode node;
  node.format = std::move(format);
  node.length = static_cast<std::int64_t>(values.size());
  node.buffers = {validity_of(values), bytes_of(raw)};
  return node;
}

ArrowNode booleans(const std::vector<std::optional<bool>>& values);

using Strings = std::vector<std::optional<std::string>>;
/// `format`: u, U, z or Z.
ArrowNode sequences(const std::string& format, const Strings& values);
/// `format`: vu or vz. Long values go into data buffers of `buffer_bytes` each.
ArrowNode views(const std::string& format, const Strings& values, std::size_t buffer_bytes = 64);
/// w:N
ArrowNode fixed_bytes(std::size_t width, const Strings& values);

/// Decimals from their digits ("-123" with scale 2 is -1.23), `bytes` wide.
ArrowNode decimals(int scale, std::size_t bytes,
                   const std::vector<std::optional<std::string>>& digits);

/// `format`: +l or +L; `sizes`: the length of each list, nullopt for NULL.
ArrowNode lists(const std::string& format, const std::vector<std::optional<int>>& sizes,
                const ArrowNode& element);
ArrowNode fixed_lists(int size, const std::vector<bool>& valid, const ArrowNode& element);
ArrowNode structs(const std::vector<bool>& valid, const std::vector<ArrowNode>& members);
ArrowNode maps(const std::vector<std::optional<int>>& sizes, const ArrowNode& keys,
               const ArrowNode& values);
ArrowNode nulls(std::int64_t length);

/// `indexes`: a node of integers.
ArrowNode encoded(ArrowNode indexes, const ArrowNode& values);

/// A stream of batches, and what was seen of its use.
struct ArrowFeed {
  std::vector<ArrowNode> batches;  // the first one's type is the stream's
  std::size_t fails_at = SIZE_MAX;
  int schema_code = 0;
  int code = 5;
  const char* error = "the disk of the warehouse is full";

  std::size_t given = 0;
  int released = 0;
  std::thread::id read_on;
  std::thread::id released_on;

  /// The feed must outlive the stream.
  [[nodiscard]] ArrowArrayStream stream();
};

}  // namespace tailrace::test
