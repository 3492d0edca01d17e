#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wire/request.hpp"

namespace tailrace::wire {

/// The longest body that is built in memory. Longer ones have a source.
inline constexpr std::size_t kMostInMemory = 8u << 20;

/// Reads a body once, from its begin to its end.
class BodyReader {
 public:
  virtual ~BodyReader() = default;
  /// Fills `into` from the front and says how many bytes; 0 is the end. Whatever it throws ends
  /// the request, and then the run.
  [[nodiscard]] virtual std::size_t read(std::span<char> into) = 0;
};

/// A body that is made while it is sent. It holds all that it is made of, changes never, and gives
/// each reader the same bytes: an attempt that is journalled anew sends them again. Below that
/// nothing reads twice.
class BodySource {
 public:
  virtual ~BodySource() = default;
  /// Bytes of the whole where they are known, and then said in Content-Length; nullopt: the body
  /// goes in chunks (HTTP/1.1) or as it comes (HTTP/2).
  [[nodiscard]] virtual std::optional<std::uint64_t> size() const = 0;
  [[nodiscard]] virtual std::unique_ptr<BodyReader> open() const = 0;
};

/// Takes an answer's body while it is received. It belongs to one call; an answer to the same call
/// sent again begins anew.
class ReplySink {
 public:
  virtual ~ReplySink() = default;
  /// The answer's status and headers are there. False: the body goes to Reply::body as always,
  /// which is right for errors. True: all of it comes here, also where it is empty.
  [[nodiscard]] virtual bool begin(const Reply& head) = 0;
  /// False: a limit of the sink is passed; the answer ends as too_large.
  [[nodiscard]] virtual bool take(std::string_view bytes) = 0;
};

/// Bytes in memory, for the fixed parts of a body that is made of several.
class TextSource final : public BodySource {
 public:
  explicit TextSource(std::string text)
      : text_(std::make_shared<const std::string>(std::move(text))) {}
  [[nodiscard]] std::optional<std::uint64_t> size() const override { return text_->size(); }
  [[nodiscard]] std::unique_ptr<BodyReader> open() const override;

 private:
  std::shared_ptr<const std::string> text_;
};

/// Several bodies, one behind the other.
class JoinedSource final : public BodySource {
 public:
  explicit JoinedSource(std::vector<std::shared_ptr<const BodySource>> parts)
      : parts_(std::move(parts)) {}
  [[nodiscard]] std::optional<std::uint64_t> size() const override;
  [[nodiscard]] std::unique_ptr<BodyReader> open() const override;

 private:
  std::vector<std::shared_ptr<const BodySource>> parts_;
};

/// Calls `take` with the body of `source`, piece by piece, until it returns false.
void each_piece(const BodySource& source, const std::function<bool(std::string_view)>& take);

/// The body of a request, piece by piece: of its source where it has one.
void each_piece(const Request& request, const std::function<bool(std::string_view)>& take);

/// The first bytes of a request's body, at most `limit`: for people to read.
[[nodiscard]] std::string body_prefix(const Request& request, std::size_t limit);

}  // namespace tailrace::wire
