#include "wire/body.hpp"

#include <gtest/gtest.h>

namespace tailrace::wire {
namespace {

std::shared_ptr<const BodySource> text(std::string words) {
  return std::make_shared<TextSource>(std::move(words));
}

std::string read_by(const BodySource& source, std::size_t step) {
  std::string out;
  std::string piece(step, '\0');
  const auto reader = source.open();
  while (const std::size_t got = reader->read(piece)) out.append(piece, 0, got);
  EXPECT_EQ(reader->read(piece), 0u) << "the end stays the end";
  return out;
}

TEST(BodySource, GivesEachReaderTheSameBytes) {
  const TextSource source("some bytes");
  EXPECT_EQ(source.size(), 10u);
  for (std::size_t step = 1; step < 12; ++step) EXPECT_EQ(read_by(source, step), "some bytes");
}

TEST(BodySource, JoinsOneBehindTheOther) {
  const JoinedSource source({text("ab"), text(""), text("cde"), text(""), text("f")});
  EXPECT_EQ(source.size(), 6u);
  for (std::size_t step = 1; step < 8; ++step) EXPECT_EQ(read_by(source, step), "abcdef");
  EXPECT_EQ(read_by(JoinedSource({}), 4), "");
}

TEST(BodySource, OfAPartWithoutASizeHasNone) {
  struct Unknown final : BodySource {
    std::optional<std::uint64_t> size() const override { return std::nullopt; }
    std::unique_ptr<BodyReader> open() const override { return TextSource("x").open(); }
  };
  const JoinedSource source({text("a"), std::make_shared<Unknown>()});
  EXPECT_EQ(source.size(), std::nullopt);
  EXPECT_EQ(read_by(source, 4), "ax");
}

TEST(EachPiece, IsOfTheSourceOrOfTheBody) {
  Request request;
  const auto all = [&] {
    std::string out;
    each_piece(request, [&](std::string_view piece) {
      out += piece;
      return true;
    });
    return out;
  };
  EXPECT_EQ(all(), "");
  request.body = "body";
  EXPECT_EQ(all(), "body");
  request.source = text("source");
  EXPECT_EQ(all(), "source");
}

TEST(BodyPrefix, IsNoLongerThanAsked) {
  Request request;
  request.body = "0123456789";
  EXPECT_EQ(body_prefix(request, 4), "0123");
  EXPECT_EQ(body_prefix(request, 40), "0123456789");
  request.source = std::make_shared<JoinedSource>(
      std::vector{text(std::string(100'000, 'a')), text(std::string(100'000, 'b'))});
  EXPECT_EQ(body_prefix(request, 3), "aaa");
  EXPECT_EQ(body_prefix(request, 150'000), std::string(100'000, 'a') + std::string(50'000, 'b'));
}

}  // namespace
}  // namespace tailrace::wire
