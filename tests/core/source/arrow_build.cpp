#include "source/arrow_build.hpp"

#include <algorithm>
#include <atomic>
#include <memory>

namespace tailrace::test {
namespace {

std::atomic<std::int64_t> live{0};

struct HeldSchema {
  ArrowNode node;
  std::string metadata;
  std::vector<std::unique_ptr<ArrowSchema>> children;
  std::vector<ArrowSchema*> pointers;
  std::unique_ptr<ArrowSchema> dictionary;
};

struct HeldArray {
  ArrowNode node;
  std::vector<const void*> buffers;
  std::vector<std::unique_ptr<ArrowArray>> children;
  std::vector<ArrowArray*> pointers;
  std::unique_ptr<ArrowArray> dictionary;
};

template <typename Struct, typename Held>
void release(Struct* out) {
  const std::unique_ptr<Held> held(static_cast<Held*>(out->private_data));
  for (Struct* child : held->pointers) {
    if (child->release != nullptr) child->release(child);
  }
  if (held->dictionary && held->dictionary->release != nullptr) {
    held->dictionary->release(held->dictionary.get());
  }
  out->release = nullptr;
  --live;
}

void append_sized(std::string& out, const std::string& text) {
  const auto size = static_cast<std::int32_t>(text.size());
  out.append(reinterpret_cast<const char*>(&size), sizeof size);
  out += text;
}

std::string metadata_of(const ArrowNode& node) {
  std::string out;
  const auto count = static_cast<std::int32_t>(node.metadata.size());
  out.append(reinterpret_cast<const char*>(&count), sizeof count);
  for (const auto& [key, value] : node.metadata) {
    append_sized(out, key);
    append_sized(out, value);
  }
  return out;
}

/// Multiplies by ten and adds: the way back from what the reader does.
ArrowNode::Bytes twos_complement(const std::string& digits, std::size_t width) {
  ArrowNode::Bytes value(width, 0);
  const bool negative = digits.starts_with('-');
  for (const char digit : digits.substr(negative ? 1 : 0)) {
    unsigned carry = static_cast<unsigned>(digit - '0');
    for (auto& byte : value) {
      carry += byte * 10U;
      byte = static_cast<std::uint8_t>(carry & 0xFFU);
      carry >>= 8U;
    }
  }
  if (!negative) return value;
  unsigned carry = 1;
  for (auto& byte : value) {
    carry += static_cast<std::uint8_t>(~byte);
    byte = static_cast<std::uint8_t>(carry & 0xFFU);
    carry >>= 8U;
  }
  return value;
}

template <typename Offset>
ArrowNode::Bytes offsets_of(const std::vector<std::size_t>& sizes) {
  std::vector<Offset> offsets{0};
  for (const std::size_t size : sizes) {
    offsets.push_back(static_cast<Offset>(offsets.back() + static_cast<Offset>(size)));
  }
  return bytes_of(offsets);
}

std::vector<std::size_t> plain_sizes(const std::vector<std::optional<int>>& sizes) {
  std::vector<std::size_t> plain;
  plain.reserve(sizes.size());
  for (const auto& size : sizes) plain.push_back(static_cast<std::size_t>(size.value_or(0)));
  return plain;
}

ArrowFeed& feed_of(ArrowArrayStream* stream) {
  return *static_cast<ArrowFeed*>(stream->private_data);
}

int give_schema(ArrowArrayStream* stream, ArrowSchema* out) {
  ArrowFeed& feed = feed_of(stream);
  if (feed.schema_code != 0) return feed.schema_code;
  export_schema(feed.batches.at(0), out);
  return 0;
}

int give_next(ArrowArrayStream* stream, ArrowArray* out) {
  ArrowFeed& feed = feed_of(stream);
  feed.read_on = std::this_thread::get_id();
  if (feed.given == feed.fails_at) return feed.code;
  if (feed.given == feed.batches.size()) {
    out->release = nullptr;
    return 0;
  }
  export_array(feed.batches[feed.given++], out);
  return 0;
}

void release_stream(ArrowArrayStream* stream) {
  ArrowFeed& feed = feed_of(stream);
  ++feed.released;
  feed.released_on = std::this_thread::get_id();
  stream->release = nullptr;
}

}  // namespace

std::int64_t live_arrow_structs() { return live; }

void export_schema(const ArrowNode& node, ArrowSchema* out) {
  auto held = std::make_unique<HeldSchema>();
  held->node = node;
  held->metadata = metadata_of(node);
  for (const ArrowNode& child : node.children) {
    held->children.push_back(std::make_unique<ArrowSchema>());
    held->pointers.push_back(held->children.back().get());
    export_schema(child, held->pointers.back());
  }
  if (!node.dictionary.empty()) {
    held->dictionary = std::make_unique<ArrowSchema>();
    export_schema(node.dictionary[0], held->dictionary.get());
  }
  *out = ArrowSchema{held->node.format.c_str(),
                     held->node.name.c_str(),
                     node.metadata.empty() ? nullptr : held->metadata.c_str(),
                     ARROW_FLAG_NULLABLE,
                     static_cast<std::int64_t>(held->pointers.size()),
                     held->pointers.data(),
                     held->dictionary.get(),
                     release<ArrowSchema, HeldSchema>,
                     held.get()};
  held.release();  // NOLINT(bugprone-unused-return-value): private_data owns it now
  ++live;
}

void export_array(const ArrowNode& node, ArrowArray* out) {
  auto held = std::make_unique<HeldArray>();
  held->node = node;
  for (const auto& buffer : held->node.buffers) {
    held->buffers.push_back(buffer ? buffer->data() : nullptr);
  }
  for (const ArrowNode& child : node.children) {
    held->children.push_back(std::make_unique<ArrowArray>());
    held->pointers.push_back(held->children.back().get());
    export_array(child, held->pointers.back());
  }
  if (!node.dictionary.empty()) {
    held->dictionary = std::make_unique<ArrowArray>();
    export_array(node.dictionary[0], held->dictionary.get());
  }
  *out = ArrowArray{node.length,
                    node.null_count,
                    node.offset,
                    static_cast<std::int64_t>(held->buffers.size()),
                    static_cast<std::int64_t>(held->pointers.size()),
                    held->buffers.data(),
                    held->pointers.data(),
                    held->dictionary.get(),
                    release<ArrowArray, HeldArray>,
                    held.get()};
  held.release();  // NOLINT(bugprone-unused-return-value): private_data owns it now
  ++live;
}

ArrowNode::Bytes bitmap_of(const std::vector<bool>& bits) {
  ArrowNode::Bytes bytes((bits.size() + 7) / 8, 0);
  for (std::size_t i = 0; i < bits.size(); ++i) {
    if (bits[i]) bytes[i / 8] = static_cast<std::uint8_t>(bytes[i / 8] | (1U << (i % 8)));
  }
  return bytes;
}

ArrowNode booleans(const std::vector<std::optional<bool>>& values) {
  std::vector<bool> bits;
  bits.reserve(values.size());
  for (const auto& value : values) bits.push_back(value.value_or(true));
  ArrowNode node;
  node.format = "b";
  node.length = static_cast<std::int64_t>(values.size());
  node.buffers = {validity_of(values), bitmap_of(bits)};
  return node;
}

ArrowNode sequences(const std::string& format, const Strings& values) {
  ArrowNode::Bytes bytes;
  std::vector<std::size_t> sizes;
  for (const auto& value : values) {
    const std::string text = value.value_or("garbage behind a null");
    sizes.push_back(text.size());
    bytes.insert(bytes.end(), text.begin(), text.end());
  }
  const bool wide = format == "U" || format == "Z";
  ArrowNode node;
  node.format = format;
  node.length = static_cast<std::int64_t>(values.size());
  node.buffers = {validity_of(values),
                  wide ? offsets_of<std::int64_t>(sizes) : offsets_of<std::int32_t>(sizes), bytes};
  return node;
}

ArrowNode views(const std::string& format, const Strings& values, std::size_t buffer_bytes) {
  ArrowNode node;
  node.format = format;
  node.length = static_cast<std::int64_t>(values.size());
  ArrowNode::Bytes view_bytes(values.size() * 16, 0);
  std::vector<ArrowNode::Bytes> data;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::string text = values[i].value_or("");
    const auto size = static_cast<std::int32_t>(text.size());
    std::uint8_t* view = view_bytes.data() + i * 16;
    std::memcpy(view, &size, sizeof size);
    if (text.size() <= 12) {
      std::copy(text.begin(), text.end(), view + 4);
      continue;
    }
    if (data.empty() || data.back().size() + text.size() > buffer_bytes) data.emplace_back();
    const auto index = static_cast<std::int32_t>(data.size() - 1);
    const auto begin = static_cast<std::int32_t>(data.back().size());
    std::memcpy(view + 4, text.data(), 4);
    std::memcpy(view + 8, &index, sizeof index);
    std::memcpy(view + 12, &begin, sizeof begin);
    data.back().insert(data.back().end(), text.begin(), text.end());
  }
  std::vector<std::int64_t> lengths;
  node.buffers = {validity_of(values), view_bytes};
  for (const auto& buffer : data) {
    lengths.push_back(static_cast<std::int64_t>(buffer.size()));
    node.buffers.emplace_back(buffer);
  }
  node.buffers.emplace_back(bytes_of(lengths));
  return node;
}

ArrowNode fixed_bytes(std::size_t width, const Strings& values) {
  ArrowNode::Bytes bytes;
  for (const auto& value : values) {
    std::string text = value.value_or("");
    text.resize(width);
    bytes.insert(bytes.end(), text.begin(), text.end());
  }
  ArrowNode node;
  node.format = "w:" + std::to_string(width);
  node.length = static_cast<std::int64_t>(values.size());
  node.buffers = {validity_of(values), bytes};
  return node;
}

ArrowNode decimals(int scale, std::size_t bytes,
                   const std::vector<std::optional<std::string>>& digits) {
  ArrowNode::Bytes values;
  for (const auto& value : digits) {
    const auto one = twos_complement(value.value_or("7"), bytes);
    values.insert(values.end(), one.begin(), one.end());
  }
  ArrowNode node;
  node.format = "d:38," + std::to_string(scale);
  if (bytes != 16) node.format += "," + std::to_string(bytes * 8);
  node.length = static_cast<std::int64_t>(digits.size());
  node.buffers = {validity_of(digits), values};
  return node;
}

ArrowNode lists(const std::string& format, const std::vector<std::optional<int>>& sizes,
                const ArrowNode& element) {
  ArrowNode node;
  node.format = format;
  node.length = static_cast<std::int64_t>(sizes.size());
  node.buffers = {validity_of(sizes), format == "+L"
                                          ? offsets_of<std::int64_t>(plain_sizes(sizes))
                                          : offsets_of<std::int32_t>(plain_sizes(sizes))};
  node.children = {element.named("item")};
  return node;
}

ArrowNode fixed_lists(int size, const std::vector<bool>& valid, const ArrowNode& element) {
  ArrowNode node;
  node.format = "+w:" + std::to_string(size);
  node.length = static_cast<std::int64_t>(valid.size());
  node.buffers = {bitmap_of(valid)};
  node.children = {element.named("item")};
  return node;
}

ArrowNode structs(const std::vector<bool>& valid, const std::vector<ArrowNode>& members) {
  ArrowNode node;
  node.format = "+s";
  node.length = static_cast<std::int64_t>(valid.size());
  node.buffers = {std::nullopt};
  if (std::find(valid.begin(), valid.end(), false) != valid.end()) {
    node.buffers[0] = bitmap_of(valid);
  }
  node.children = members;
  return node;
}

ArrowNode maps(const std::vector<std::optional<int>>& sizes, const ArrowNode& keys,
               const ArrowNode& values) {
  ArrowNode entries = structs(std::vector<bool>(static_cast<std::size_t>(keys.length), true),
                              {keys.named("key"), values.named("value")});
  ArrowNode node = lists("+m", sizes, entries);
  node.children[0].name = "entries";
  return node;
}

ArrowNode nulls(std::int64_t length) {
  ArrowNode node;
  node.format = "n";
  node.length = length;
  return node;
}

ArrowNode encoded(ArrowNode indexes, const ArrowNode& values) {
  indexes.dictionary = {values};
  return indexes;
}

ArrowArrayStream ArrowFeed::stream() {
  return {give_schema, give_next,
          [](ArrowArrayStream* stream) -> const char* { return feed_of(stream).error; },
          release_stream, this};
}

}  // namespace tailrace::test
