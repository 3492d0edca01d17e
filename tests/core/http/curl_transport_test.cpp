#include <gtest/gtest.h>
#include <zlib.h>

#include <chrono>
#include <thread>

#include "http/gzip.hpp"
#include "http/transport.hpp"
#include "one_request.hpp"
#include "support/raw_server.hpp"

namespace tailrace::http {
namespace {

using namespace std::chrono_literals;
using tailrace::testing::http_answer;
using tailrace::testing::RawRequest;
using tailrace::testing::RawServer;
using tailrace::testing::Then;
using Send = std::function<void(std::string)>;

TransportOptions options_for(const RawServer& server) {
  TransportOptions options;
  options.base_url = server.url();
  options.user_agent = "tailrace/test";
  options.total_timeout = 3s;
  return options;
}

/// What gzip made of a text.
std::string unpacked(std::string packed) {
  std::string text(1 << 20, '\0');
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) throw std::bad_alloc();
  stream.next_in = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  const int ended = inflate(&stream, Z_FINISH);
  text.resize(stream.total_out);
  inflateEnd(&stream);
  return ended == Z_STREAM_END ? text : "no gzip";
}

Outgoing post(CallId id, std::string body) {
  Outgoing outgoing;
  outgoing.id = id;
  outgoing.request.method = wire::Method::post;
  outgoing.request.path = "/rows";
  outgoing.request.body = std::move(body);
  outgoing.request.content_type = "application/json";
  return outgoing;
}

TEST(CurlTransport, SendsMethodPathQueryHeadersAndBody) {
  RawServer server([](const RawRequest&, const Send& send) {
    send(http_answer(207, "{\"ok\":1}", "X-Left: 7\r\n"));
    return Then::keep;
  });
  const auto transport = make_curl_transport(options_for(server));
  Outgoing outgoing = post(4, "{\"a\":1}");
  outgoing.request.method = wire::Method::patch;
  outgoing.request.query = "x=1&y=%20";
  outgoing.request.headers = {{"X-Own", "1"}, {"X-Empty", ""}};
  outgoing.credentials = {{"Authorization", "Bearer t"}};
  const Finished finished = one(*transport, std::move(outgoing));
  EXPECT_EQ(finished.id, 4u);
  EXPECT_EQ(finished.reply.failure, wire::Failure::none);
  EXPECT_EQ(finished.reply.status, 207);
  EXPECT_EQ(finished.reply.body, "{\"ok\":1}");
  EXPECT_EQ(finished.reply.header("x-left"), "7");
  EXPECT_EQ(finished.bytes_sent, 7u);
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_TRUE(requests[0].head.starts_with("PATCH /rows?x=1&y=%20 HTTP/1.1\r\n"));
  EXPECT_EQ(requests[0].body, "{\"a\":1}");
  EXPECT_TRUE(requests[0].has_header("\r\nX-Own: 1\r\n"));
  EXPECT_TRUE(requests[0].has_header("\r\nX-Empty:\r\n"));
  EXPECT_TRUE(requests[0].has_header("\r\nAuthorization: Bearer t\r\n"));
  EXPECT_TRUE(requests[0].has_header("\r\nContent-Type: application/json\r\n"));
  EXPECT_FALSE(requests[0].has_header("Expect:"));
}

TEST(CurlTransport, EachMethodGoesOutUnderItsName) {
  RawServer server([](const RawRequest&, const Send& send) {
    send(http_answer(200, "{}"));
    return Then::keep;
  });
  const auto transport = make_curl_transport(options_for(server));
  const std::vector<std::pair<wire::Method, std::string>> methods = {
      {wire::Method::get, "GET"},     {wire::Method::put, "PUT"},
      {wire::Method::get, "GET"},     {wire::Method::delete_, "DELETE"},
      {wire::Method::patch, "PATCH"}, {wire::Method::post, "POST"},
      {wire::Method::get, "GET"}};
  for (const auto& [method, name] : methods) {
    Outgoing outgoing = post(1, name == "GET" || name == "DELETE" ? "" : "{}");
    outgoing.request.method = method;
    EXPECT_EQ(one(*transport, std::move(outgoing)).reply.status, 200);
    const RawRequest last = server.requests().back();
    EXPECT_TRUE(last.head.starts_with(name + " /rows HTTP/1.1\r\n")) << last.head;
    EXPECT_EQ(last.body, name == "GET" || name == "DELETE" ? "" : "{}");
  }
}

TEST(CurlTransport, ReusesItsConnection) {
  RawServer server([](const RawRequest&, const Send& send) {
    send(http_answer(200, "{}"));
    return Then::keep;
  });
  const auto transport = make_curl_transport(options_for(server));
  for (CallId i = 0; i < 20; ++i) EXPECT_EQ(one(*transport, post(i, "{}")).reply.status, 200);
  EXPECT_EQ(server.connections(), 1);
}

TEST(CurlTransport, RunsManyRequestsAtOnceAndNoMoreThanAsked) {
  std::atomic<int> at_once{0};
  std::atomic<int> most{0};
  RawServer server([&](const RawRequest&, const Send& send) {
    const int now = ++at_once;
    int seen = most;
    while (now > seen && !most.compare_exchange_weak(seen, now)) {}
    std::this_thread::sleep_for(30ms);
    --at_once;
    send(http_answer(200, "{}"));
    return Then::keep;
  });
  TransportOptions options = options_for(server);
  options.max_in_flight = 4;
  const auto transport = make_curl_transport(options);
  for (CallId i = 0; i < 16; ++i) transport->start(post(i, "{}"));
  std::size_t done = 0;
  while (done < 16) done += transport->poll(100ms).size();
  EXPECT_EQ(most, 4);
}

// The row of the fault matrix that costs duplicates elsewhere: libcurl re-sends by itself a
// request whose reused connection died after the server had applied it.
class ReusedConnectionDies : public ::testing::TestWithParam<Then> {};

TEST_P(ReusedConnectionDies, TheBodyReachesTheServerOnce) {
  RawServer server([](const RawRequest& request, const Send& send) {
    if (request.nth_on_connection == 1) {
      send(http_answer(200, "{}"));
      return Then::keep;
    }
    return GetParam();
  });
  const auto transport = make_curl_transport(options_for(server));
  EXPECT_EQ(one(*transport, post(1, "first")).reply.status, 200);
  const Finished lost = one(*transport, post(2, "second"));
  EXPECT_EQ(lost.reply.failure, wire::Failure::lost);
  EXPECT_NE(lost.sent_at, SteadyTime{});
  int applied = 0;
  for (const RawRequest& request : server.requests()) applied += request.body == "second";
  EXPECT_EQ(applied, 1);
}

TEST_P(ReusedConnectionDies, ABareDeleteReachesTheServerOnce) {
  std::atomic<int> deletes{0};
  RawServer server([&](const RawRequest& request, const Send& send) {
    if (request.head.starts_with("DELETE")) {
      ++deletes;
      return GetParam();
    }
    send(http_answer(200, "{}"));
    return Then::keep;
  });
  const auto transport = make_curl_transport(options_for(server));
  EXPECT_EQ(one(*transport, post(1, "first")).reply.status, 200);
  Outgoing bare = post(2, "");
  bare.request.method = wire::Method::delete_;
  EXPECT_EQ(one(*transport, std::move(bare)).reply.failure, wire::Failure::lost);
  EXPECT_EQ(deletes, 1);
}

INSTANTIATE_TEST_SUITE_P(Ways, ReusedConnectionDies, ::testing::Values(Then::close, Then::reset));

TEST(CurlTransport, AnAnswerCutShortIsLost) {
  RawServer server([](const RawRequest&, const Send& send) {
    send("HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\n{\"half\":");
    return Then::close;
  });
  const auto transport = make_curl_transport(options_for(server));
  EXPECT_EQ(one(*transport, post(1, "{}")).reply.failure, wire::Failure::lost);
}

TEST(CurlTransport, AChunkedAnswerCutShortIsLost) {
  RawServer server([](const RawRequest&, const Send& send) {
    send("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n");
    return Then::close;
  });
  const auto transport = make_curl_transport(options_for(server));
  EXPECT_EQ(one(*transport, post(1, "{}")).reply.failure, wire::Failure::lost);
}

TEST(CurlTransport, ASlowAnswerEndsAtTheTotalDeadlineAndIsLost) {
  RawServer server([](const RawRequest&, const Send& send) {
    send("HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\n");
    for (int i = 0; i < 20; ++i) {
      send("x");
      std::this_thread::sleep_for(100ms);
    }
    return Then::close;
  });
  TransportOptions options = options_for(server);
  options.total_timeout = 400ms;
  const auto transport = make_curl_transport(options);
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(one(*transport, post(1, "{}")).reply.failure, wire::Failure::lost);
  EXPECT_LT(std::chrono::steady_clock::now() - before, 1400ms);
}

TEST(CurlTransport, ASilentAnswerEndsAtTheIdleDeadlineBeforeTheTotalOne) {
  std::atomic<bool> over{false};
  RawServer server([&](const RawRequest&, const Send&) {
    while (!over) std::this_thread::sleep_for(10ms);
    return Then::close;
  });
  TransportOptions options = options_for(server);
  options.total_timeout = 60s;
  options.idle_timeout = 1s;
  const auto transport = make_curl_transport(options);
  const auto start = std::chrono::steady_clock::now();
  const Finished finished = one(*transport, post(1, "{}"));
  over = true;
  EXPECT_EQ(finished.reply.failure, wire::Failure::lost);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 8s);
}

TEST(CurlTransport, LongBodiesGoInGzipWhereTheToolTakesThem) {
  RawServer server([](const RawRequest&, const Send& send) {
    send(http_answer(200, "{}"));
    return Then::keep;
  });
  const auto transport = make_curl_transport(options_for(server));
  std::string body;
  for (int i = 0; i < 500; ++i) body += "{\"name\":\"row " + std::to_string(i) + "\"},";
  Outgoing packed = post(1, body);
  packed.request.may_gzip = true;
  const Finished finished = one(*transport, std::move(packed));
  EXPECT_EQ(finished.reply.status, 200);
  Outgoing small = post(2, "{\"a\":1}");
  small.request.may_gzip = true;
  EXPECT_EQ(one(*transport, std::move(small)).reply.status, 200);
  EXPECT_EQ(one(*transport, post(3, body)).reply.status, 200);
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_TRUE(requests[0].has_header("\r\nContent-Encoding: gzip\r\n"));
  EXPECT_LT(requests[0].body.size(), body.size() / 4);
  EXPECT_EQ(finished.bytes_sent, requests[0].body.size());
  EXPECT_EQ(unpacked(requests[0].body), body);
  EXPECT_FALSE(requests[1].has_header("Content-Encoding")) << "too short to be worth it";
  EXPECT_FALSE(requests[2].has_header("Content-Encoding")) << "not asked for";
  EXPECT_EQ(requests[2].body, body);
}

TEST(CurlTransport, CertificatesThatCannotBeReadAreNamedAtOnce) {
  TransportOptions options;
  options.base_url = "https://127.0.0.1:1";
  for (const std::string path : {"/nowhere/ca.pem", "/dev/null", "/tmp"}) {
    options.ca_file = path;
    try {
      static_cast<void>(make_curl_transport(options));
      ADD_FAILURE() << path;
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string(error.what()).find(path), std::string::npos) << error.what();
    }
  }
}

TEST(CurlTransport, ARefusedConnectionIsNotSent) {
  TransportOptions options;
  {
    RawServer gone([](const RawRequest&, const Send&) { return Then::close; });
    options = options_for(gone);
  }
  const auto transport = make_curl_transport(options);
  const Finished finished = one(*transport, post(1, "{}"));
  EXPECT_EQ(finished.reply.failure, wire::Failure::not_sent);
  EXPECT_EQ(finished.sent_at, SteadyTime{});
  EXPECT_FALSE(finished.reply.failure_text.empty());
}

TEST(CurlTransport, NothingLeavesAfterSendBy) {
  RawServer server([](const RawRequest&, const Send& send) {
    send(http_answer(200, "{}"));
    return Then::keep;
  });
  const auto transport = make_curl_transport(options_for(server));
  Outgoing late = post(1, "{}");
  late.send_by = std::chrono::steady_clock::now() - 1ms;
  EXPECT_EQ(one(*transport, std::move(late)).reply.failure, wire::Failure::expired);
  EXPECT_TRUE(server.requests().empty());
}

TEST(CurlTransport, RedirectsAreAnswersAndAreNotFollowed) {
  RawServer elsewhere([](const RawRequest&, const Send& send) {
    send(http_answer(200, "{}"));
    return Then::keep;
  });
  RawServer server([&](const RawRequest&, const Send& send) {
    send(http_answer(307, "", "Location: " + elsewhere.url() + "/rows\r\n"));
    return Then::keep;
  });
  const auto transport = make_curl_transport(options_for(server));
  Outgoing outgoing = post(1, "{}");
  outgoing.credentials = {{"Authorization", "Bearer t"}};
  EXPECT_EQ(one(*transport, std::move(outgoing)).reply.status, 307);
  EXPECT_TRUE(elsewhere.requests().empty());
}

TEST(CurlTransport, AnAnswerOverTheCapIsTooLargeAndNotKept) {
  RawServer server([](const RawRequest&, const Send& send) {
    send(http_answer(200, std::string(1 << 20, 'x')));
    return Then::close;
  });
  TransportOptions options = options_for(server);
  options.max_reply_bytes = 64 << 10;
  const auto transport = make_curl_transport(options);
  EXPECT_EQ(one(*transport, post(1, "{}")).reply.failure, wire::Failure::too_large);
}

TEST(CurlTransport, AnAnswerThatUnpacksToFarMoreThanItsBytesIsTooLarge) {
  const std::string bomb = gzip(std::string(64 << 20, '0'));
  std::string rows;  // alike, but for what makes each a row
  for (int i = 0; rows.size() < 8 << 20; ++i) {
    rows += std::to_string(i * 7919) + ",UNABLE_TO_LOCK\n";
  }
  const std::string file = gzip(rows);
  RawServer server([&](const RawRequest& request, const Send& send) {
    const bool wants_file = request.head.starts_with("POST /file ");
    send(http_answer(200, wants_file ? file : bomb, "Content-Encoding: gzip\r\n"));
    return Then::close;
  });
  TransportOptions options = options_for(server);
  options.max_reply_bytes = 1u << 30;
  const auto transport = make_curl_transport(options);
  const Finished refused = one(*transport, post(1, "{}"));
  EXPECT_EQ(refused.reply.failure, wire::Failure::too_large);
  EXPECT_LT(refused.bytes_received, 32u << 20) << "the rest is not unpacked";
  Outgoing asked = post(2, "{}");
  asked.request.path = "/file";
  EXPECT_EQ(one(*transport, std::move(asked)).reply.body, rows);
}

TEST(CurlTransport, HeaderValuesWithLineBreaksAreRefused) {
  RawServer server([](const RawRequest&, const Send& send) {
    send(http_answer(200, "{}"));
    return Then::keep;
  });
  const auto transport = make_curl_transport(options_for(server));
  for (const std::string& value :
       {std::string("a\r\nX-Evil: 1"), std::string("a\nb"), std::string("a\0b", 3)}) {
    Outgoing outgoing = post(1, "{}");
    outgoing.request.headers = {{"X-Own", value}};
    EXPECT_EQ(one(*transport, std::move(outgoing)).reply.failure, wire::Failure::untrusted);
  }
  Outgoing outgoing = post(1, "{}");
  outgoing.request.path = "/rows\r\nX-Evil: 1";
  EXPECT_EQ(one(*transport, std::move(outgoing)).reply.failure, wire::Failure::untrusted);
  EXPECT_TRUE(server.requests().empty());
}

TEST(CurlTransport, ReadsRetryAfterAndTakesTheLatestOfTwo) {
  RawServer server([](const RawRequest&, const Send& send) {
    send(http_answer(429, "slow down", "Retry-After: 3\r\nRetry-After: 7\r\n"));
    return Then::keep;
  });
  const auto transport = make_curl_transport(options_for(server));
  const Finished finished = one(*transport, post(1, "{}"));
  ASSERT_TRUE(finished.reply.retry_after);
  EXPECT_EQ(*finished.reply.retry_after, 7000ms);
}

TEST(CurlTransport, AbandonEndsWhatIsInFlightAsLost) {
  RawServer server([](const RawRequest&, const Send&) {
    std::this_thread::sleep_for(300ms);
    return Then::close;
  });
  const auto transport = make_curl_transport(options_for(server));
  transport->start(post(1, "{}"));
  const auto end = std::chrono::steady_clock::now() + 5s;
  while (server.requests().empty() && std::chrono::steady_clock::now() < end) {
    EXPECT_TRUE(transport->poll(10ms).empty());
  }
  transport->abandon();
  const auto finished = transport->poll(0ms);
  ASSERT_EQ(finished.size(), 1u);
  EXPECT_EQ(finished[0].reply.failure, wire::Failure::lost);
  EXPECT_EQ(transport->in_flight(), 0u);
}

TEST(CurlTransport, WakeEndsAPollEarly) {
  RawServer server([](const RawRequest&, const Send&) { return Then::close; });
  const auto transport = make_curl_transport(options_for(server));
  std::thread other([&] {
    std::this_thread::sleep_for(20ms);
    transport->wake();
  });
  const auto before = std::chrono::steady_clock::now();
  EXPECT_TRUE(transport->poll(5s).empty());
  EXPECT_LT(std::chrono::steady_clock::now() - before, 2s);
  other.join();
}

}  // namespace
}  // namespace tailrace::http
