#include "run/questions.hpp"

#include <algorithm>
#include <deque>
#include <utility>

namespace tailrace {
namespace {

using std::chrono::milliseconds;

constexpr int kAttempts = 5;
constexpr milliseconds kPoll{100};
constexpr milliseconds kFirstBackoff{500};
constexpr milliseconds kLongestPause{5 * 60'000};

bool worth_another_try(const wire::Reply& reply) {
  if (reply.failure == wire::Failure::none) return reply.status == 429 || reply.status >= 500;
  return reply.failure == wire::Failure::lost || reply.failure == wire::Failure::not_sent;
}

std::string why(const wire::Reply& reply) {
  if (reply.failure != wire::Failure::none) return reply.failure_text;
  return "HTTP " + std::to_string(reply.status);
}

}  // namespace

Questions::Questions(Parts parts, const nlohmann::json& connection,
                     std::vector<wire::RateRule> rates)
    : parts_(parts),
      auth_(http::make_auth(connection.value("auth", nlohmann::json::object()))),
      scrubber_(http::secrets_of(connection.value("auth", nlohmann::json::object()))),
      headers_(headers_of(connection)),
      pacer_(std::move(rates)) {}

bool Questions::wait(milliseconds time) {
  const Clock::Time until = parts_.clock.now() + time;
  while (parts_.clock.now() < until) {
    if (parts_.cancelled.load(std::memory_order_relaxed)) return false;
    static_cast<void>(parts_.transport.poll(std::min(time, kPoll)));
  }
  return true;
}

std::optional<wire::Reply> Questions::await(http::CallId id) {
  while (!parts_.cancelled.load(std::memory_order_relaxed)) {
    for (http::Finished& finished : parts_.transport.poll(kPoll)) {
      if (finished.id == id) return std::move(finished.reply);
    }
  }
  parts_.transport.abandon();
  return std::nullopt;
}

wire::Reply Questions::fetch(const Call& call) {
  wire::Reply reply;
  for (int attempt = 1;; ++attempt) {
    const Clock::Time now = parts_.clock.now();
    if (!wait(pacer_.wait_for(call.rate_class, now))) break;
    http::Outgoing outgoing;
    outgoing.id = next_id_++;
    outgoing.request = call.request;
    outgoing.credentials = auth_->headers();
    outgoing.credentials.insert(outgoing.credentials.end(), headers_.begin(), headers_.end());
    outgoing.idempotent = true;
    const Clock::Time started = parts_.clock.now();
    pacer_.take(call.rate_class);
    ++parts_.counts.requests;
    if (attempt > 1) ++parts_.counts.retries;
    const http::CallId id = outgoing.id;
    parts_.transport.start(std::move(outgoing));
    std::optional<wire::Reply> answered = await(id);
    pacer_.done(call.rate_class, started, parts_.clock.now());
    if (!answered) break;
    reply = std::move(*answered);
    if (reply.failure == wire::Failure::none && reply.status == 429) ++parts_.counts.rate_limited;
    if (attempt >= kAttempts || !worth_another_try(reply)) return reply;
    const milliseconds pause = reply.retry_after.value_or(kFirstBackoff * (1 << attempt));
    if (pause > kLongestPause) return reply;
    if (!wait(pause)) break;
  }
  reply.failure = wire::Failure::cancelled;
  reply.failure_text = "cancelled";
  return reply;
}

Answer Questions::ask(const ReadAsk& question) {
  Answer answer;
  std::deque<Call> calls;
  const auto follow = [&](ReadStep step) {
    take_step(step, answer);
    if (step.stop) {
      answer.failure = scrubber_.clean(step.stop->message);
      answer.configuration = step.stop->kind == Stop::Kind::configuration;
    }
    std::move(step.calls.begin(), step.calls.end(), std::back_inserter(calls));
  };
  follow(parts_.destination.read(question));
  while (!calls.empty() && answer.failure.empty()) {
    const Call call = std::move(calls.front());
    calls.pop_front();
    const wire::Reply reply = fetch(call);
    if (reply.failure != wire::Failure::none || worth_another_try(reply)) {
      answer.failure = scrubber_.clean(why(reply));
      break;
    }
    ReadStep step = parts_.destination.read(question, &call, &reply);
    const bool nothing = step.calls.empty() && !step.stop && step.records.empty() &&
                         step.absent.empty() && reply.status / 100 != 2;
    if (nothing) step.stop = Stop{Stop::Kind::configuration, why(reply), std::nullopt};
    follow(std::move(step));
  }
  return answer;
}

}  // namespace tailrace
