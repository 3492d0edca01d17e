// Bodies made while they are sent, and answers taken while they are received.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "http/gzip.hpp"
#include "http/transport.hpp"
#include "one_request.hpp"
#include "support/memory.hpp"
#include "support/stream_server.hpp"
#include "wire/body.hpp"

namespace tailrace::http {
namespace {

using namespace std::chrono_literals;
using tailrace::testing::Exchange;
using tailrace::testing::PeakMemory;
using tailrace::testing::StreamServer;

/// Byte n of every long body here.
char byte_at(std::uint64_t n) { return static_cast<char>('a' + (n * 7 + n / 1000) % 26); }

/// `made` bytes, in reads of at most `step`; says that it has `said`.
class CountedSource final : public wire::BodySource {
 public:
  CountedSource(std::uint64_t made, std::optional<std::uint64_t> said, std::size_t step = 1 << 20)
      : made_(made), said_(said), step_(step) {}
  std::optional<std::uint64_t> size() const override { return said_; }
  std::unique_ptr<wire::BodyReader> open() const override {
    return std::make_unique<Reader>(made_, step_);
  }

 private:
  struct Reader final : wire::BodyReader {
    Reader(std::uint64_t made, std::size_t step) : made_(made), step_(step) {}
    std::size_t read(std::span<char> into) override {
      const std::size_t take = std::min<std::uint64_t>({into.size(), step_, made_ - at_});
      for (std::size_t i = 0; i < take; ++i) into[i] = byte_at(at_ + i);
      at_ += take;
      return take;
    }
    std::uint64_t made_;
    std::size_t step_;
    std::uint64_t at_ = 0;
  };
  std::uint64_t made_;
  std::optional<std::uint64_t> said_;
  std::size_t step_;
};

/// Fails after some bytes, as a disk may.
class FailingSource final : public wire::BodySource {
 public:
  std::optional<std::uint64_t> size() const override { return 1 << 20; }
  std::unique_ptr<wire::BodyReader> open() const override {
    struct Reader final : wire::BodyReader {
      std::size_t read(std::span<char> into) override {
        if (at_ > 100'000) throw std::system_error(EIO, std::generic_category(), "spill file");
        std::fill(into.begin(), into.end(), 'x');
        at_ += into.size();
        return into.size();
      }
      std::size_t at_ = 0;
    };
    return std::make_unique<Reader>();
  }
};

/// Counts and compares what it takes.
class CheckingSink final : public wire::ReplySink {
 public:
  explicit CheckingSink(std::uint64_t most = UINT64_MAX) : most_(most) {}
  bool begin(const wire::Reply& head) override {
    ++begins;
    bytes = 0;
    status = head.status;
    type = head.header("content-type");
    return head.status == 200;
  }
  bool take(std::string_view piece) override {
    for (const char c : piece) same = (c == byte_at(bytes++)) && same;
    return bytes <= most_;
  }
  int begins = 0;
  int status = 0;
  std::string type;
  std::uint64_t bytes = 0;
  bool same = true;

 private:
  std::uint64_t most_;
};

TransportOptions options_for(const StreamServer& server) {
  TransportOptions options;
  options.base_url = server.url();
  options.total_timeout = 10s;
  return options;
}

Outgoing upload(std::shared_ptr<const wire::BodySource> source,
                wire::Method method = wire::Method::put) {
  Outgoing outgoing;
  outgoing.id = 1;
  outgoing.request.method = method;
  outgoing.request.path = "/batches";
  outgoing.request.content_type = "text/csv";
  outgoing.request.source = std::move(source);
  return outgoing;
}

Outgoing download(std::shared_ptr<wire::ReplySink> sink) {
  Outgoing outgoing;
  outgoing.id = 2;
  outgoing.request.method = wire::Method::get;
  outgoing.request.path = "/results";
  outgoing.request.sink = std::move(sink);
  return outgoing;
}

struct Taken {
  std::string head;
  std::uint64_t bytes = 0;
  bool same = true;
  int chunks = 0;

  void all_of(Exchange& exchange) {
    head = exchange.head();
    for (std::string piece = exchange.piece(); !piece.empty(); piece = exchange.piece()) {
      for (const char c : piece) same = (c == byte_at(bytes++)) && same;
    }
    chunks = exchange.chunks();
  }
};

void answer(Exchange& exchange, int status, const std::string& body = {}) {
  exchange.send("HTTP/1.1 " + std::to_string(status) +
                " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
}

TEST(StreamedBody, OfAKnownSizeHasAContentLength) {
  for (const wire::Method method : {wire::Method::put, wire::Method::post, wire::Method::patch}) {
    Taken taken;
    StreamServer server([&](Exchange& exchange) {
      taken.all_of(exchange);
      answer(exchange, 201);
    });
    const auto transport = make_curl_transport(options_for(server));
    const Finished finished =
        one(*transport, upload(std::make_shared<CountedSource>(300'001, 300'001, 777), method));
    EXPECT_EQ(finished.reply.failure, wire::Failure::none) << finished.reply.failure_text;
    EXPECT_EQ(finished.reply.status, 201);
    EXPECT_EQ(finished.bytes_sent, 300'001u);
    EXPECT_EQ(taken.bytes, 300'001u);
    EXPECT_TRUE(taken.same);
    EXPECT_NE(taken.head.find("Content-Length: 300001\r\n"), std::string::npos);
    EXPECT_NE(taken.head.find("Content-Type: text/csv\r\n"), std::string::npos);
    EXPECT_EQ(taken.head.find("Expect:"), std::string::npos);
    EXPECT_TRUE(taken.head.starts_with(std::string(wire::to_text(method)) + " /batches"));
  }
}

TEST(StreamedBody, OfAnUnknownSizeGoesInChunks) {
  Taken taken;
  StreamServer server([&](Exchange& exchange) {
    taken.all_of(exchange);
    answer(exchange, 201);
  });
  const auto transport = make_curl_transport(options_for(server));
  const Finished finished =
      one(*transport, upload(std::make_shared<CountedSource>(300'001, std::nullopt)));
  EXPECT_EQ(finished.reply.status, 201) << finished.reply.failure_text;
  EXPECT_EQ(taken.bytes, 300'001u);
  EXPECT_TRUE(taken.same);
  EXPECT_GT(taken.chunks, 3);
  EXPECT_EQ(taken.head.find("Content-Length"), std::string::npos);
  EXPECT_EQ(finished.bytes_sent, 300'001u);
}

TEST(StreamedBody, WithNothingInItIsABodyOfNoBytes) {
  for (const std::optional<std::uint64_t> said :
       {std::optional<std::uint64_t>(0), std::optional<std::uint64_t>()}) {
    Taken taken;
    StreamServer server([&](Exchange& exchange) {
      taken.all_of(exchange);
      answer(exchange, 201);
    });
    const auto transport = make_curl_transport(options_for(server));
    EXPECT_EQ(one(*transport, upload(std::make_shared<CountedSource>(0, said))).reply.status, 201);
    EXPECT_EQ(taken.bytes, 0u);
  }
}

TEST(StreamedBody, GoesInGzipWhereTheToolTakesIt) {
  std::string packed;
  std::string head;
  StreamServer server([&](Exchange& exchange) {
    head = exchange.head();
    packed = exchange.rest();
    answer(exchange, 201);
  });
  const auto transport = make_curl_transport(options_for(server));
  Outgoing outgoing = upload(std::make_shared<CountedSource>(3'000'000, 3'000'000));
  outgoing.request.may_gzip = true;
  const Finished finished = one(*transport, std::move(outgoing));
  EXPECT_EQ(finished.reply.status, 201) << finished.reply.failure_text;
  EXPECT_NE(head.find("Content-Encoding: gzip\r\n"), std::string::npos);
  EXPECT_LT(packed.size(), 1'500'000u);
  EXPECT_EQ(finished.bytes_sent, packed.size());
  // What was made in pieces is what is made at once.
  std::string plain;
  wire::each_piece(CountedSource(3'000'000, {}), [&](std::string_view piece) {
    plain += piece;
    return true;
  });
  EXPECT_EQ(packed, gzip(plain));
}

TEST(StreamedBody, OfAnotherLengthThanSaidNeverArrivesWhole) {
  for (const std::uint64_t made : {std::uint64_t{200'000}, std::uint64_t{400'000}}) {
    std::atomic<bool> whole = false;
    StreamServer server([&](Exchange& exchange) {
      while (!exchange.piece().empty()) {}
      whole = exchange.read_whole();
      answer(exchange, 201);
    });
    const auto transport = make_curl_transport(options_for(server));
    EXPECT_THROW(one(*transport, upload(std::make_shared<CountedSource>(made, 300'000))),
                 std::logic_error);
    EXPECT_FALSE(whole);
    EXPECT_EQ(transport->in_flight(), 0u);
  }
}

TEST(StreamedBody, ASourceThatFailsEndsTheRequestAndTheRun) {
  std::atomic<bool> whole = false;
  StreamServer server([&](Exchange& exchange) {
    while (!exchange.piece().empty()) {}
    whole = true;
    answer(exchange, 201);
  });
  const auto transport = make_curl_transport(options_for(server));
  EXPECT_THROW(one(*transport, upload(std::make_shared<FailingSource>())), std::system_error);
  EXPECT_FALSE(whole);
  // Others are served as before.
  EXPECT_EQ(one(*transport, upload(std::make_shared<CountedSource>(10, 10))).reply.status, 201);
}

TEST(StreamedBody, ARefusalWhileItIsSentIsRead) {
  StreamServer server([&](Exchange& exchange) {
    while (!exchange.piece().empty()) {
      answer(exchange, 413, "too large");
      break;
    }
    while (!exchange.piece().empty()) {}
  });
  const auto transport = make_curl_transport(options_for(server));
  const Finished finished =
      one(*transport, upload(std::make_shared<CountedSource>(20'000'000, 20'000'000)));
  EXPECT_EQ(finished.reply.failure, wire::Failure::none) << finished.reply.failure_text;
  EXPECT_EQ(finished.reply.status, 413);
  EXPECT_EQ(finished.reply.body, "too large");
  EXPECT_LT(finished.bytes_sent, 20'000'000u);
}

TEST(StreamedBody, ASuccessBeforeItsEndIsNone) {
  StreamServer server([&](Exchange& exchange) {
    exchange.piece();
    exchange.send("HTTP/1.1 201 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  });
  // With the connection's end behind the answer or without: what comes first varies.
  for (int round = 0; round < 10; ++round) {
    const auto transport = make_curl_transport(options_for(server));
    Outgoing in_memory = upload(nullptr);
    in_memory.request.body = std::string(20'000'000, 'x');
    Outgoing sized = upload(std::make_shared<CountedSource>(20'000'000, 20'000'000));
    Outgoing chunked = upload(std::make_shared<CountedSource>(20'000'000, std::nullopt));
    for (Outgoing* outgoing : {&in_memory, &sized, &chunked}) {
      const Finished finished = one(*transport, std::move(*outgoing));
      EXPECT_EQ(finished.reply.failure, wire::Failure::lost) << finished.bytes_sent;
      EXPECT_EQ(finished.reply.status, 0);
      EXPECT_LT(finished.bytes_sent, 20'000'000u);
    }
  }
}

TEST(StreamedBody, OfADyingReusedConnectionIsSentOnce) {
  std::atomic<int> bodies = 0;
  StreamServer server([&](Exchange& exchange) {
    while (!exchange.piece().empty()) {}
    if (++bodies == 1) return answer(exchange, 201);
    throw std::runtime_error("applied, and no answer");
  });
  const auto transport = make_curl_transport(options_for(server));
  EXPECT_EQ(one(*transport, upload(std::make_shared<CountedSource>(100, 100))).reply.status, 201);
  const Finished second =
      one(*transport, upload(std::make_shared<CountedSource>(100'000, 100'000)));
  EXPECT_EQ(second.reply.failure, wire::Failure::lost);
  EXPECT_EQ(bodies, 2);
}

TEST(StreamedBody, HasADeadlineOfItsOwnWhereItIsLater) {
  StreamServer server([&](Exchange& exchange) {
    while (!exchange.piece().empty()) {}
    std::this_thread::sleep_for(600ms);
    answer(exchange, 201);
  });
  TransportOptions options = options_for(server);
  options.total_timeout = 300ms;
  const auto transport = make_curl_transport(options);
  Outgoing patient = upload(std::make_shared<CountedSource>(100, 100));
  patient.request.patience = 5s;
  EXPECT_EQ(one(*transport, std::move(patient)).reply.status, 201);
  // On the same handle: the longer deadline was that request's alone.
  const Finished second = one(*transport, upload(std::make_shared<CountedSource>(100, 100)));
  EXPECT_EQ(second.reply.failure, wire::Failure::lost);
}

TEST(SunkReply, GoesToTheSinkAndNotToTheBody) {
  StreamServer server([&](Exchange& exchange) {
    exchange.send("HTTP/1.1 200 X\r\nContent-Type: text/csv\r\nContent-Length: 300000\r\n\r\n");
    std::string all(300'000, '\0');
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = byte_at(i);
    exchange.send(all);
  });
  const auto transport = make_curl_transport(options_for(server));
  const auto sink = std::make_shared<CheckingSink>();
  const Finished finished = one(*transport, download(sink));
  EXPECT_EQ(finished.reply.failure, wire::Failure::none) << finished.reply.failure_text;
  EXPECT_TRUE(finished.reply.consumed);
  EXPECT_TRUE(finished.reply.body.empty());
  EXPECT_EQ(finished.bytes_received, 300'000u);
  EXPECT_EQ(sink->bytes, 300'000u);
  EXPECT_TRUE(sink->same);
  EXPECT_EQ(sink->status, 200);
  EXPECT_EQ(sink->type, "text/csv");
  EXPECT_EQ(sink->begins, 1);
}

TEST(SunkReply, OfAnErrorIsABodyAsAlways) {
  StreamServer server([&](Exchange& exchange) { answer(exchange, 404, "{\"errors\": []}"); });
  const auto transport = make_curl_transport(options_for(server));
  const auto sink = std::make_shared<CheckingSink>();
  const Finished finished = one(*transport, download(sink));
  EXPECT_FALSE(finished.reply.consumed);
  EXPECT_EQ(finished.reply.status, 404);
  EXPECT_EQ(finished.reply.body, "{\"errors\": []}");
  EXPECT_EQ(sink->bytes, 0u);
}

TEST(SunkReply, WithoutABodyIsToldToTheSink) {
  StreamServer server([&](Exchange& exchange) { answer(exchange, 200); });
  const auto transport = make_curl_transport(options_for(server));
  const auto sink = std::make_shared<CheckingSink>();
  EXPECT_TRUE(one(*transport, download(sink)).reply.consumed);
  EXPECT_EQ(sink->begins, 1);
}

TEST(SunkReply, ThatIsCutIsLostWhateverTheSinkHas) {
  StreamServer server([&](Exchange& exchange) {
    exchange.send("HTTP/1.1 200 X\r\nContent-Length: 300000\r\n\r\nabc");
    throw std::runtime_error("cut");
  });
  const auto transport = make_curl_transport(options_for(server));
  EXPECT_EQ(one(*transport, download(std::make_shared<CheckingSink>())).reply.failure,
            wire::Failure::lost);
}

TEST(SunkReply, EndsWhereTheSinkHasHadEnough) {
  StreamServer server([&](Exchange& exchange) {
    exchange.send("HTTP/1.1 200 X\r\nContent-Length: 30000000\r\n\r\n");
    for (int i = 0; i < 30; ++i) exchange.send(std::string(1'000'000, 'a'));
  });
  const auto transport = make_curl_transport(options_for(server));
  const auto sink = std::make_shared<CheckingSink>(1'000'000);
  EXPECT_EQ(one(*transport, download(sink)).reply.failure, wire::Failure::too_large);
  EXPECT_LT(sink->bytes, 2'000'000u);
}

TEST(SunkReply, HasABoundHoweverMuchTheSinkTakes) {
  StreamServer server([&](Exchange& exchange) {
    exchange.send("HTTP/1.1 200 X\r\nContent-Length: 30000000\r\n\r\n");
    for (int i = 0; i < 30; ++i) exchange.send(std::string(1'000'000, 'a'));
  });
  TransportOptions options = options_for(server);
  options.max_sink_bytes = 2'000'000;
  const auto transport = make_curl_transport(options);
  EXPECT_EQ(one(*transport, download(std::make_shared<CheckingSink>())).reply.failure,
            wire::Failure::too_large);
}

TEST(SunkReply, BeginsAnewWithEachAnswer) {
  StreamServer server([&](Exchange& exchange) { answer(exchange, 200, "abc"); });
  const auto transport = make_curl_transport(options_for(server));
  const auto sink = std::make_shared<CheckingSink>();
  one(*transport, download(sink));
  one(*transport, download(sink));
  EXPECT_EQ(sink->begins, 2);
  EXPECT_EQ(sink->bytes, 3u);
}

// 100 MB each way, and neither is ever held: not by us, not by the server of this test.
TEST(Streaming, AHundredMegabytesEachWayLeaveMemoryFlat) {
  constexpr std::uint64_t kBytes = 100'000'000;
  constexpr std::size_t kMostGrowth = 8u << 20;
  Taken taken;
  StreamServer server([&](Exchange& exchange) {
    taken = {};
    taken.all_of(exchange);
    exchange.send("HTTP/1.1 200 X\r\nContent-Length: " + std::to_string(kBytes) + "\r\n\r\n");
    std::string piece(100'000, '\0');
    for (std::uint64_t at = 0; at < kBytes; at += piece.size()) {
      for (std::size_t i = 0; i < piece.size(); ++i) piece[i] = byte_at(at + i);
      exchange.send(piece);
    }
  });
  TransportOptions options = options_for(server);
  options.total_timeout = 100s;
  const auto transport = make_curl_transport(options);
  one(*transport, [] {
    Outgoing none = upload(std::make_shared<CountedSource>(10, 10));
    none.request.sink = std::make_shared<CheckingSink>(0);
    return none;
  }());
  for (const bool packed : {false, true}) {
    const PeakMemory memory;
    Outgoing outgoing = upload(std::make_shared<CountedSource>(kBytes, kBytes));
    outgoing.request.may_gzip = packed;
    const auto sink = std::make_shared<CheckingSink>();
    outgoing.request.sink = sink;
    transport->start(std::move(outgoing));
    std::vector<Finished> finished;
    const auto end = std::chrono::steady_clock::now() + 90s;
    while (finished.empty() && std::chrono::steady_clock::now() < end) {
      finished = transport->poll(50ms);
    }
    ASSERT_EQ(finished.size(), 1u);
    EXPECT_EQ(finished[0].reply.failure, wire::Failure::none) << finished[0].reply.failure_text;
    EXPECT_EQ(sink->bytes, kBytes);
    EXPECT_TRUE(sink->same);
    if (!packed) {
      EXPECT_EQ(taken.bytes, kBytes);
      EXPECT_TRUE(taken.same);
    }
    EXPECT_LT(memory.growth(), kMostGrowth) << "packed: " << packed;
    RecordProperty(packed ? "growth_packed_bytes" : "growth_bytes",
                   std::to_string(memory.growth()));
    std::printf("memory grew by %.1f MB at the most%s\n",
                static_cast<double>(memory.growth()) / 1e6, packed ? ", in gzip" : "");
  }
}

}  // namespace
}  // namespace tailrace::http
