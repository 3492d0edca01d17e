#include "wire/multipart.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "wire/csv_files.hpp"

namespace tailrace::wire {
namespace {

std::shared_ptr<const BodySource> content(std::string words) {
  return std::make_shared<TextSource>(std::move(words));
}

std::string form_of(const BodySource& source) {
  std::string out;
  each_piece(source, [&](std::string_view piece) {
    out += piece;
    return true;
  });
  return out;
}

/// As CSV is while it is written: no size is known, and it comes in small pieces.
struct Streamed final : BodySource {
  explicit Streamed(std::string all) : text(std::move(all)) {}
  std::optional<std::uint64_t> size() const override { return std::nullopt; }
  std::unique_ptr<BodyReader> open() const override {
    struct Reader final : BodyReader {
      explicit Reader(const std::string& all) : rest(all) {}
      std::size_t read(std::span<char> into) override {
        const std::size_t got = rest.copy(into.data(), std::min<std::size_t>(into.size(), 7));
        rest.remove_prefix(got);
        return got;
      }
      std::string_view rest;
    };
    return std::make_unique<Reader>(text);
  }
  std::string text;
};

// Python's email and aiohttp read the same file in tests/python/wire.
TEST(Multipart, WritesTheFormThatOthersRead) {
  const std::string file = "id,note\r\n1,\"a --tailrace \"\"x\"\"\"\r\n2,Zürich 🚂\r\n--\r\n";
  const Multipart form =
      make_multipart({{"lookupField", "", "", content("email")},
                      {"odd \"name\"\r\n", "", "text/plain; charset=utf-8", content("é")},
                      {"file", "leads.csv", "text/csv", std::make_shared<Streamed>(file)},
                      {"empty", "", "", content("")}},
                     "r_1-7");
  EXPECT_EQ(form.content_type, "multipart/form-data; boundary=" + form_boundary("r_1-7", 0));
  EXPECT_EQ(form_of(*form.body), data_file("form.bin"));
  EXPECT_EQ(form.body->size(), data_file("form.bin").size());
}

TEST(Multipart, TakesAnotherBoundaryWhereOneIsInAPart) {
  const std::string first = form_boundary("seed", 0);
  const std::string second = form_boundary("seed", 1);
  const std::string third = form_boundary("seed", 2);
  EXPECT_NE(first, second);
  const auto boundary = [](std::shared_ptr<const BodySource> content, std::string name = "f") {
    const std::string type =
        make_multipart({{std::move(name), "", "", std::move(content)}}, "seed").content_type;
    return type.substr(type.rfind('=') + 1);
  };
  EXPECT_EQ(boundary(content("nothing of it")), first);
  EXPECT_EQ(boundary(content("a " + first)), first) << "without the dashes it is no boundary";
  EXPECT_EQ(boundary(content("a --" + first + " b")), second);
  EXPECT_EQ(boundary(std::make_shared<Streamed>("a\r\n--" + first + "\r\nb")), second);
  EXPECT_EQ(boundary(std::make_shared<Streamed>("--" + second + "--" + first)), third);
  EXPECT_EQ(boundary(content("x"), "--" + first), second);
  // Wherever the pieces are cut.
  for (std::size_t before = 0; before < 20; ++before) {
    EXPECT_EQ(boundary(std::make_shared<Streamed>(std::string(before, '-') + "--" + first)),
              second);
  }
  EXPECT_EQ(boundary(content(std::string(65'530, 'x') + "--" + first)), second);
}

TEST(Multipart, RefusesWhatNoFormCanSay) {
  EXPECT_THROW(make_multipart({}, "seed"), std::invalid_argument);
  EXPECT_THROW(make_multipart({{"", "", "", content("x")}}, "seed"), std::invalid_argument);
  EXPECT_THROW(make_multipart({{"f", "", "text/csv\r\nX-Own: 1", content("x")}}, "seed"),
               std::invalid_argument);
}

TEST(Multipart, ABoundaryIsOneAndTheSameForTheSameSeed) {
  EXPECT_EQ(form_boundary("a", 0), form_boundary("a", 0));
  EXPECT_NE(form_boundary("a", 0), form_boundary("b", 0));
  EXPECT_LE(form_boundary("a", 0).size(), 70u) << "RFC 2046 allows no longer one";
}

}  // namespace
}  // namespace tailrace::wire
