#include "wire/body.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace tailrace::wire {
namespace {

constexpr std::size_t kPiece = 64u << 10;

class TextReader final : public BodyReader {
 public:
  explicit TextReader(std::shared_ptr<const std::string> text) : text_(std::move(text)) {}

  std::size_t read(std::span<char> into) override {
    const std::size_t take = std::min(into.size(), text_->size() - at_);
    if (take > 0) std::memcpy(into.data(), text_->data() + at_, take);
    at_ += take;
    return take;
  }

 private:
  std::shared_ptr<const std::string> text_;
  std::size_t at_ = 0;
};

class JoinedReader final : public BodyReader {
 public:
  explicit JoinedReader(std::vector<std::shared_ptr<const BodySource>> parts)
      : parts_(std::move(parts)) {}

  std::size_t read(std::span<char> into) override {
    for (;;) {
      if (!reader_) {
        if (next_ == parts_.size()) return 0;
        reader_ = parts_[next_++]->open();
      }
      if (const std::size_t got = reader_->read(into)) return got;
      reader_.reset();
    }
  }

 private:
  std::vector<std::shared_ptr<const BodySource>> parts_;
  std::size_t next_ = 0;
  std::unique_ptr<BodyReader> reader_;
};

}  // namespace

std::unique_ptr<BodyReader> TextSource::open() const { return std::make_unique<TextReader>(text_); }

std::optional<std::uint64_t> JoinedSource::size() const {
  std::uint64_t sum = 0;
  for (const auto& part : parts_) {
    const std::optional<std::uint64_t> size = part->size();
    if (!size) return std::nullopt;
    sum += *size;
  }
  return sum;
}

std::unique_ptr<BodyReader> JoinedSource::open() const {
  return std::make_unique<JoinedReader>(parts_);
}

void each_piece(const BodySource& source, const std::function<bool(std::string_view)>& take) {
  const std::unique_ptr<BodyReader> reader = source.open();
  std::string piece(kPiece, '\0');
  while (const std::size_t got = reader->read(piece)) {
    if (!take(std::string_view(piece).substr(0, got))) return;
  }
}

void each_piece(const Request& request, const std::function<bool(std::string_view)>& take) {
  if (request.source) {
    each_piece(*request.source, take);
  } else if (!request.body.empty()) {
    static_cast<void>(take(request.body));
  }
}

std::string body_prefix(const Request& request, std::size_t limit) {
  std::string prefix;
  each_piece(request, [&](std::string_view piece) {
    prefix.append(piece.substr(0, limit - prefix.size()));
    return prefix.size() < limit;
  });
  return prefix;
}

}  // namespace tailrace::wire
