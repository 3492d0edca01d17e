#include "wire/multipart.hpp"

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <utility>

#include "row/sha256.hpp"

namespace tailrace::wire {
namespace {

/// A source whose size was found by reading it.
class MeasuredSource final : public BodySource {
 public:
  MeasuredSource(std::shared_ptr<const BodySource> inner, std::uint64_t bytes)
      : inner_(std::move(inner)), bytes_(bytes) {}
  std::optional<std::uint64_t> size() const override { return bytes_; }
  std::unique_ptr<BodyReader> open() const override { return inner_->open(); }

 private:
  std::shared_ptr<const BodySource> inner_;
  std::uint64_t bytes_;
};

std::string form_name(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    out += c == '"' ? "%22" : c == '\r' ? "%0D" : c == '\n' ? "%0A" : std::string(1, c);
  }
  return out + '"';
}

std::string head_of(const FormPart& part) {
  if (part.name.empty()) throw std::invalid_argument("multipart: a part needs a name");
  std::string head = "Content-Disposition: form-data; name=" + form_name(part.name);
  if (!part.file_name.empty()) head += "; filename=" + form_name(part.file_name);
  head += "\r\n";
  if (part.content_type.find_first_of("\r\n") != std::string::npos) {
    throw std::invalid_argument("multipart: a line break in a content type");
  }
  if (!part.content_type.empty()) head += "Content-Type: " + part.content_type + "\r\n";
  return head + "\r\n";
}

/// The source's size, or nothing where `text` occurs in it.
std::optional<std::uint64_t> size_without(const BodySource& source, std::string_view text) {
  std::uint64_t bytes = 0;
  std::string seen;  // the end of what came before, and the piece
  bool found = false;
  each_piece(source, [&](std::string_view piece) {
    bytes += piece.size();
    seen += piece;
    found = seen.find(text) != std::string::npos;
    if (seen.size() >= text.size()) seen.erase(0, seen.size() - text.size() + 1);
    return !found;
  });
  return found ? std::nullopt : std::optional(bytes);
}

/// The parts between their boundaries; nothing where the boundary is in one of them.
std::shared_ptr<const BodySource> joined(const std::vector<FormPart>& parts,
                                         const std::string& boundary) {
  const std::string mark = "--" + boundary;
  std::vector<std::shared_ptr<const BodySource>> pieces;
  for (const FormPart& part : parts) {
    const std::string head = head_of(part);
    const std::optional<std::uint64_t> bytes = size_without(*part.content, mark);
    if (!bytes || head.find(mark) != std::string::npos) return nullptr;
    const std::string before = pieces.empty() ? "" : "\r\n";
    pieces.push_back(std::make_shared<TextSource>(before + mark + "\r\n" + head));
    pieces.push_back(std::make_shared<MeasuredSource>(part.content, *bytes));
  }
  pieces.push_back(std::make_shared<TextSource>("\r\n" + mark + "--\r\n"));
  return std::make_shared<JoinedSource>(std::move(pieces));
}

}  // namespace

std::string form_boundary(std::string_view seed, unsigned nth) {
  Sha256 digest;
  digest.text(seed);
  digest.number(nth);
  return "tailrace-" + digest.hex().substr(0, 32);
}

Multipart make_multipart(const std::vector<FormPart>& parts, std::string_view seed) {
  if (parts.empty()) throw std::invalid_argument("multipart: a form needs a part");
  for (unsigned nth = 0;; ++nth) {
    const std::string boundary = form_boundary(seed, nth);
    if (auto body = joined(parts, boundary)) {
      return {"multipart/form-data; boundary=" + boundary, std::move(body)};
    }
  }
}

}  // namespace tailrace::wire
