#include "source/arrow_source.hpp"

#include <algorithm>
#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "source/arrow_build.hpp"
#include "source/reader.hpp"
#include "source/reading.hpp"

namespace tailrace::test {
namespace {

ArrowNode numbers(std::int64_t from, std::int64_t count) {
  std::vector<std::optional<std::int64_t>> values;
  values.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) values.emplace_back(from + i);
  return structs(std::vector<bool>(values.size(), true),
                 {fixed<std::int64_t>("l", values).named("id")});
}

/// Opens a stream of this one column and returns what it throws.
std::optional<SourceError> refusal_of(const ArrowNode& column) {
  ArrowFeed feed;
  feed.batches = {structs({}, {column.named("odd")})};
  auto error = source_error_of([&] {
    ArrowSource source(feed.stream());
    static_cast<void>(source.open());
  });
  EXPECT_EQ(feed.released, 1);
  EXPECT_EQ(live_arrow_structs(), 0);
  return error;
}

TEST(ArrowSource, CutsChunksByBytesWhateverTheBatchSize) {
  for (const std::int64_t batch_rows : {7, 1'000, 300'000}) {
    ArrowFeed feed;
    for (std::int64_t from = 0; from < 300'000; from += batch_rows) {
      feed.batches.push_back(numbers(from, std::min<std::int64_t>(batch_rows, 300'000 - from)));
    }
    ArrowSource source(feed.stream());
    static_cast<void>(source.open());
    Chunk chunk;
    std::int64_t rows = 0;
    std::vector<std::size_t> sizes;
    while (source.next(chunk)) {
      for (std::size_t i = 0; i < chunk.rows(); ++i) {
        ASSERT_EQ(chunk.line(i), std::to_string(rows++));
      }
      sizes.push_back(chunk.bytes().size());
    }
    EXPECT_EQ(rows, 300'000);
    ASSERT_EQ(sizes.size(), 7U) << "1,688,890 bytes";
    for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
      EXPECT_GE(sizes[i], Chunk::kTargetBytes);
      EXPECT_LT(sizes[i], Chunk::kTargetBytes + 10);
    }
    EXPECT_FALSE(source.next(chunk)) << "the end stays the end";
    EXPECT_EQ(feed.released, 1) << "at the end, not with the source";
  }
}

TEST(ArrowSource, EmptyBatchesAndEmptyStreamsHaveNoRows) {
  ArrowFeed feed;
  feed.batches = {numbers(0, 0), numbers(1, 2), numbers(0, 0), numbers(3, 1), numbers(0, 0)};
  ArrowSource source(feed.stream());
  EXPECT_EQ(rows_of(source), (std::vector<std::string>{"1", "2", "3"}));

  ArrowFeed none;
  none.batches = {numbers(0, 0)};
  ArrowSource empty(none.stream());
  EXPECT_TRUE(rows_of(empty).empty());
}

TEST(ArrowSource, TellsColumnsInTheWarehousesWords) {
  ArrowFeed feed;
  feed.batches = {structs(
      {}, {fixed<std::int64_t>("l", {}).named("id"), fixed<std::int64_t>("tsu:UTC", {}).named("at"),
           decimals(2, 16, {}).named("price")})};
  ArrowSource source(feed.stream());
  const auto columns = source.open();
  ASSERT_EQ(columns.size(), 3U);
  EXPECT_EQ(columns[0].name, "id");
  EXPECT_EQ(columns[0].source_type, "int64");
  EXPECT_EQ(columns[1].source_type, "timestamp[us, UTC]");
  EXPECT_EQ(columns[2].source_type, "decimal(38, 2)");
  EXPECT_EQ(source.encoding(), "arrow/1");
}

TEST(ArrowSource, RefusesColumnsItCannotReadByNameBeforeTheFirstRow) {
  ArrowNode odd;
  for (const char* format : {"+us:0,1", "+ud:0", "+r", "+vl", "x", "", "tdX", "ts", "tsu", "d:5",
                             "d:5,2,100", "d:5,99999999", "w:x", "w:-1", "+w:x"}) {
    odd.format = format;
    odd.children = {};
    if (std::string_view(format).starts_with('+')) odd.children = {booleans({}).named("a")};
    const auto error = refusal_of(odd);
    ASSERT_TRUE(error.has_value()) << format;
    EXPECT_TRUE(error->configuration) << format;
    EXPECT_NE(std::string(error->what()).find("\"odd"), std::string::npos) << error->what();
  }
  const auto opaque =
      refusal_of(sequences("z", {})
                     .with("ARROW:extension:name", "arrow.opaque")
                     .with("ARROW:extension:metadata",
                           R"({"type_name": "inet", "vendor_name": "PostgreSQL"})"));
  ASSERT_TRUE(opaque.has_value());
  EXPECT_NE(std::string(opaque->what()).find("inet"), std::string::npos) << opaque->what();

  odd.format = "+us:0";
  const auto inner = refusal_of(structs({}, {odd.named("inner")}));
  ASSERT_TRUE(inner.has_value());
  EXPECT_NE(std::string(inner->what()).find("\"odd.inner\""), std::string::npos);

  ArrowNode deep = booleans({});
  for (int level = 0; level < 100; ++level) deep = lists("+l", {}, deep);
  EXPECT_TRUE(refusal_of(deep).has_value());
}

TEST(ArrowSource, RefusesAStreamWithoutColumns) {
  for (const ArrowNode& batch : {structs({}, {}), booleans({})}) {
    ArrowFeed feed;
    feed.batches = {batch};
    ArrowSource source(feed.stream());
    const auto error = source_error_of([&] { static_cast<void>(source.open()); });
    ASSERT_TRUE(error.has_value());
    EXPECT_TRUE(error->configuration);
    EXPECT_EQ(feed.released, 1);
  }
}

TEST(ArrowSource, AStreamIsReadOnce) {
  ArrowFeed feed;
  feed.batches = {numbers(0, 1)};
  ArrowArrayStream stream = feed.stream();
  ArrowSource source(std::move(stream));  // NOLINT(performance-move-const-arg)
  EXPECT_EQ(stream.release, nullptr) << "moved, as the specification says";  // NOLINT
  static_cast<void>(rows_of(source));
  ArrowSource again(std::move(stream));  // NOLINT(performance-move-const-arg)
  const auto error = source_error_of([&] { static_cast<void>(again.open()); });
  ASSERT_TRUE(error.has_value());
  EXPECT_TRUE(error->configuration);
}

TEST(ArrowSource, AnErrorInMidStreamIsToldInTheDriversWords) {
  for (const std::size_t at : {0U, 2U}) {
    ArrowFeed feed;
    feed.batches = {numbers(0, 5), numbers(5, 5), numbers(10, 5)};
    feed.fails_at = at;
    ArrowSource source(feed.stream());
    static_cast<void>(source.open());
    const auto error = source_error_of([&] { static_cast<void>(rest_of(source)); });
    ASSERT_TRUE(error.has_value());
    EXPECT_FALSE(error->configuration);
    EXPECT_NE(std::string(error->what()).find("the disk of the warehouse is full"),
              std::string::npos);
    EXPECT_EQ(feed.released, 1);
    EXPECT_EQ(live_arrow_structs(), 0);
  }
}

TEST(ArrowSource, AFailedQueryIsConfigurationWhereTheDriverSaysSo) {
  for (const auto& [code, configuration] : std::vector<std::pair<int, bool>>{
           {EINVAL, true}, {EACCES, true}, {EIO, false}, {-1, false}}) {
    ArrowFeed feed;
    feed.batches = {numbers(0, 1)};
    feed.schema_code = code;
    feed.error = nullptr;
    ArrowSource source(feed.stream());
    const auto error = source_error_of([&] { static_cast<void>(source.open()); });
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->configuration, configuration) << code;
    EXPECT_EQ(feed.released, 1);
  }
}

TEST(ArrowSource, CorruptBatchesAreErrorsNotCrashes) {
  std::vector<ArrowNode> corrupt;
  ArrowNode text = sequences("u", {"abc", "def"});
  text.buffers[1] = bytes_of<std::int32_t>({0, 3, 1});
  corrupt.push_back(text);
  text.buffers[1] = std::nullopt;
  corrupt.push_back(text);
  corrupt.push_back(encoded(fixed<std::int8_t>("c", {0, 5}), sequences("u", {"a"})));
  corrupt.push_back(encoded(fixed<std::int8_t>("c", {0, -1}), sequences("u", {"a"})));
  ArrowNode list = lists("+l", {1, 1}, booleans({true}));  // two elements asked, one there
  corrupt.push_back(list);
  ArrowNode view = views("vu", {"longer than twelve bytes", "another long value"});
  view.buffers.erase(view.buffers.begin() + 2);
  corrupt.push_back(view);
  corrupt.push_back(fixed<std::int32_t>("i", {1, 2}).sliced(-1, 2));
  corrupt.push_back(fixed<std::int32_t>("i", {1, 2}).sliced(0, 1));
  ArrowNode few_buffers = fixed<std::int32_t>("i", {1, 2});
  few_buffers.buffers.pop_back();
  corrupt.push_back(few_buffers);
  corrupt.push_back(
      sequences("z", {"0123456789abcdef", "short"}).with("ARROW:extension:name", "arrow.uuid"));
  for (const ArrowNode& column : corrupt) {
    ArrowFeed feed;
    feed.batches = {structs({true, true}, {column.named("odd")})};
    ArrowSource source(feed.stream());
    static_cast<void>(source.open());
    const auto error = source_error_of([&] { static_cast<void>(rest_of(source)); });
    ASSERT_TRUE(error.has_value()) << column.format;
    EXPECT_NE(std::string(error->what()).find("\"odd"), std::string::npos) << error->what();
    EXPECT_EQ(live_arrow_structs(), 0);
  }
  ArrowFeed feed;
  feed.batches = {numbers(0, 1), structs({true}, {booleans({true}), booleans({true})})};
  ArrowSource source(feed.stream());
  static_cast<void>(source.open());
  EXPECT_TRUE(source_error_of([&] { static_cast<void>(rest_of(source)); }).has_value());
}

TEST(ArrowSource, GivenUpEarlyItReleasesStreamAndBatch) {
  ArrowFeed feed;
  feed.batches = {numbers(0, 200'000), numbers(0, 1)};
  {
    ArrowSource source(feed.stream());
    static_cast<void>(source.open());
    Chunk chunk;
    ASSERT_TRUE(source.next(chunk));
    EXPECT_GT(live_arrow_structs(), 0);
  }
  EXPECT_EQ(feed.released, 1);
  EXPECT_EQ(live_arrow_structs(), 0);
  { const ArrowSource never_opened(feed.stream()); }
  EXPECT_EQ(feed.released, 2);
}

TEST(ArrowSource, CancelIsHeededBetweenChunksAndBatches) {
  ArrowFeed feed;
  feed.batches = {numbers(0, 200'000), numbers(0, 1)};
  ArrowSource source(feed.stream());
  static_cast<void>(source.open());
  Chunk chunk;
  ASSERT_TRUE(source.next(chunk));
  source.cancel();
  const auto error = source_error_of([&] { static_cast<void>(source.next(chunk)); });
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code, "57014");
  EXPECT_EQ(feed.released, 1);
  EXPECT_EQ(live_arrow_structs(), 0);
}

TEST(ArrowSource, IsReadAndReleasedOnTheReadersThread) {
  ArrowFeed feed;
  feed.batches = {numbers(0, 100'000), numbers(100'000, 100'000)};
  {
    Reader reader(std::make_unique<ArrowSource>(feed.stream()));
    static_cast<void>(reader.open());
    Chunk chunk;
    std::size_t rows = 0;
    while (reader.next(chunk)) rows += chunk.rows();
    EXPECT_EQ(rows, 200'000U);
  }
  EXPECT_EQ(feed.released, 1);
  EXPECT_EQ(feed.read_on, feed.released_on);
  EXPECT_NE(feed.read_on, std::this_thread::get_id());
}

}  // namespace
}  // namespace tailrace::test
