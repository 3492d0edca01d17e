#include "http/call_queue.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace tailrace::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kLong{20'000};
constexpr milliseconds kNone{0};

TransportOptions options(milliseconds timeout = kLong) {
  TransportOptions made;
  made.total_timeout = timeout;
  return made;
}

Outgoing call(CallId id, const std::string& body) {
  Outgoing outgoing;
  outgoing.id = id;
  outgoing.request.body = body;
  return outgoing;
}

wire::Reply answer(int status) {
  wire::Reply reply;
  reply.status = status;
  reply.body = "{}";
  return reply;
}

TEST(CallQueue, ACallIsTakenOnceAndItsAnswerEndsIt) {
  CallQueue queue;
  const auto transport = queue.transport(options());
  transport->start(call(7, "rows"));
  EXPECT_EQ(transport->in_flight(), 1u);
  const auto taken = queue.take(kLong);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->id, 7u);
  EXPECT_EQ(taken->body, "rows");
  EXPECT_FALSE(queue.take(kNone));
  EXPECT_TRUE(transport->poll(kNone).empty());
  EXPECT_TRUE(queue.answer(7, answer(200)));
  EXPECT_EQ(transport->in_flight(), 1u) << "what nobody has read may ask for a pause";
  const auto finished = transport->poll(kLong);
  ASSERT_EQ(finished.size(), 1u);
  EXPECT_EQ(finished[0].reply.status, 200);
  EXPECT_EQ(finished[0].bytes_sent, 4u);
  EXPECT_NE(finished[0].sent_at, SteadyTime{});
  EXPECT_EQ(transport->in_flight(), 0u);
  EXPECT_FALSE(queue.answer(7, answer(200))) << "answered before";
}

TEST(CallQueue, WhoeverWaitsHearsOfACallAndOfAnAnswer) {
  CallQueue queue;
  const auto transport = queue.transport(options());
  std::thread function([&queue] {
    const auto taken = queue.take(kLong);
    if (taken) queue.answer(taken->id, answer(409));
  });
  transport->start(call(1, ""));
  const auto finished = transport->poll(kLong);
  function.join();
  ASSERT_EQ(finished.size(), 1u);
  EXPECT_EQ(finished[0].reply.status, 409);
}

TEST(CallQueue, ACallThatNobodyTookInTimeHasNotHappened) {
  CallQueue queue;
  const auto transport = queue.transport(options());
  Outgoing late = call(1, "");
  late.send_by = steady_clock::now() - milliseconds(1);
  transport->start(std::move(late));
  EXPECT_FALSE(queue.take(kNone)) << "late calls are not begun";
  const auto finished = transport->poll(kLong);
  ASSERT_EQ(finished.size(), 1u);
  EXPECT_EQ(finished[0].reply.failure, wire::Failure::expired);
}

TEST(CallQueue, ACallThatWorksTooLongIsLostAndItsAnswerIsHeardNoMore) {
  CallQueue queue;
  const auto transport = queue.transport(options(milliseconds(5)));
  transport->start(call(1, ""));
  ASSERT_TRUE(queue.take(kLong));
  const auto finished = transport->poll(kLong);
  ASSERT_EQ(finished.size(), 1u);
  EXPECT_EQ(finished[0].reply.failure, wire::Failure::lost);
  EXPECT_FALSE(queue.answer(1, answer(200)));
}

TEST(CallQueue, WhatIsGivenUpIsLostWhereItWasTakenAndNotSentElsewhere) {
  CallQueue queue;
  const auto transport = queue.transport(options());
  transport->start(call(1, ""));
  ASSERT_TRUE(queue.take(kLong));
  transport->start(call(2, ""));
  transport->abandon();
  const auto finished = transport->poll(kLong);
  ASSERT_EQ(finished.size(), 2u);
  for (const Finished& one : finished) {
    EXPECT_EQ(one.reply.failure, one.id == 1 ? wire::Failure::lost : wire::Failure::not_sent);
  }
  EXPECT_FALSE(queue.take(kNone));
}

TEST(CallQueue, AClosedQueueKeepsNobodyWaiting) {
  CallQueue queue;
  EXPECT_FALSE(queue.closed());
  std::thread function([&queue] { EXPECT_FALSE(queue.take(kLong)); });
  queue.close();
  function.join();
  EXPECT_TRUE(queue.closed());
}

TEST(CallQueue, AWakeEndsAWait) {
  CallQueue queue;
  const auto transport = queue.transport(options());
  transport->wake();
  EXPECT_TRUE(transport->poll(kLong).empty());
}

}  // namespace
}  // namespace tailrace::http
