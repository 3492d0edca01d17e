#include "run/questions.hpp"

#include <algorithm>
#include <deque>
#include <utility>

namespace tailrace {
namespace {

using std::chrono::milliseconds;

constexpr int kAttempts = 5;
constexpr milliseconds kFirstBackoff{500};
constexpr milliseconds kLongestAsk{5 * 60'000};
constexpr milliseconds kLoginPatience{120'000};

bool worth_another_try(const wire::Reply& reply) {
  if (reply.failure == wire::Failure::none) return reply.status == 429 || reply.status >= 500;
  return reply.failure == wire::Failure::lost || reply.failure == wire::Failure::not_sent;
}

/// When a tool that names no time says, in its own words, that more may be asked.
[[nodiscard]] std::optional<milliseconds> back_after(const ReadStep& step) {
  if (!step.stop || step.stop->kind != Stop::Kind::quota) return std::nullopt;
  return step.stop->retry_after;
}

[[nodiscard]] wire::Reply cancelled() {
  wire::Reply reply;
  reply.failure = wire::Failure::cancelled;
  reply.failure_text = "cancelled";
  return reply;
}

}  // namespace

Questions::Questions(Parts parts, const nlohmann::json& connection,
                     std::vector<wire::RateRule> rates)
    : parts_(parts), headers_(headers_of(connection)), pacer_(std::move(rates)) {}

bool Questions::wait(milliseconds time) {
  const Clock::Time until = parts_.clock.now() + time;
  while (parts_.clock.now() < until) {
    if (parts_.cancelled.load(std::memory_order_relaxed)) return false;
    static_cast<void>(parts_.transport.poll(std::min(time, kPoll)));
  }
  return true;
}

/// Within this process' limits, and those of all that use the account. Nothing once a request may
/// go; else the answer in its place.
std::optional<wire::Reply> Questions::await_turn(wire::RateClass rate_class) {
  for (;;) {
    const Clock::Time now = parts_.clock.now();
    milliseconds time = pacer_.wait_for(rate_class, now);
    if (time <= milliseconds(0)) time = parts_.account.wait_for(rate_class, now);
    if (time <= milliseconds(0)) return std::nullopt;
    if (time > kLongestAsk) {
      wire::Reply none = cancelled();
      none.failure_text = "the calls that the account's limits allow are spent";
      none.retry_after = time;
      return none;
    }
    if (!wait(time)) return cancelled();
  }
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

/// Nothing once a request may go; else the answer in its place.
std::optional<wire::Reply> Questions::await_login() {
  http::Auth& auth = parts_.login.auth();
  const Clock::Time since = parts_.clock.now();
  for (;;) {
    const Clock::Time now = parts_.clock.now();
    auth.work(now, true, milliseconds(0));
    const milliseconds left = auth.wait_for(now);
    if (left == milliseconds(0)) return std::nullopt;
    wire::Reply none;
    none.failure = wire::Failure::not_sent;
    none.failure_text = auth.failure().value_or(auth.trouble());
    if (auth.failure()) none.failure = wire::Failure::untrusted;  // no use in another try
    if (auth.failure() || now - since >= kLoginPatience) return none;
    if (wait(std::min(left, kPoll))) continue;
    return cancelled();
  }
}

wire::Reply Questions::send(const Call& call, std::uint64_t& generation) {
  if (std::optional<wire::Reply> none = await_login()) return std::move(*none);
  if (std::optional<wire::Reply> none = await_turn(call.rate_class)) return std::move(*none);
  http::Outgoing outgoing;
  outgoing.id = next_id_++;
  outgoing.request = call.request;
  outgoing.idempotent = true;
  generation = http::put_on(outgoing, parts_.login.auth(), headers_);
  const Clock::Time started = parts_.clock.now();
  pacer_.take(call.rate_class);
  parts_.account.take(call.rate_class);
  ++parts_.counts.requests;
  const http::CallId id = outgoing.id;
  parts_.transport.start(std::move(outgoing));
  std::optional<wire::Reply> answered = await(id);
  pacer_.done(call.rate_class, started, parts_.clock.now());
  return answered ? std::move(*answered) : cancelled();
}

/// The last answer to a call that is tried again where that is of use; `step`: what it says.
wire::Reply Questions::fetch(const ReadAsk& question, const Call& call, ReadStep& step) {
  http::Auth& auth = parts_.login.auth();
  int refusals = 0;
  for (int attempt = 1;; ++attempt) {
    std::uint64_t generation = 0;
    wire::Reply reply = send(call, generation);
    if (attempt > 1) ++parts_.counts.retries;
    if (reply.failure == wire::Failure::none && reply.status == 429) ++parts_.counts.rate_limited;
    step = ReadStep{};
    const bool answered = reply.failure == wire::Failure::none;
    const bool refused = answered && reply.status == 429;
    if (answered && !worth_another_try(reply)) {
      step = parts_.destination.read(question, &call, &reply);
    } else if (refused && !reply.retry_after) {
      reply.retry_after = back_after(parts_.destination.read(question, &call, &reply));
    }
    const bool old_token = says_old_token(reply, step);
    if (old_token && refusals == 0 && auth.refused(generation)) {
      ++refusals;
      continue;
    }
    if (reply.failure == wire::Failure::none && !old_token) auth.accepted(generation);
    if (attempt >= kAttempts || !(worth_another_try(reply) || step.again_after)) return reply;
    const milliseconds pause =
        step.again_after.value_or(reply.retry_after.value_or(kFirstBackoff * (1 << attempt)));
    if (pause > kLongestAsk) {
      reply.retry_after = pause;
      return reply;
    }
    if (!wait(pause)) return cancelled();
  }
}

Answer Questions::ask(const ReadAsk& question) {
  Answer answer;
  std::deque<Call> calls;
  const auto follow = [&](ReadStep step, int status) {
    take_step(step, answer);
    if (step.stop) {
      answer.status = status;
      answer.failure = parts_.login.scrubber().clean(step.stop->message);
      answer.configuration = step.stop->kind == Stop::Kind::configuration;
      answer.no_object = step.stop->no_object;
      // An answer that makes no sense is worth another try too, and sooner.
      answer.spent = !answer.configuration && step.stop->retry_after > kLongestAsk;
      if (answer.spent) answer.again_after = step.stop->retry_after;
    }
    std::move(step.calls.begin(), step.calls.end(), std::back_inserter(calls));
  };
  follow(parts_.destination.read(question), 0);
  while (!calls.empty() && answer.failure.empty()) {
    const Call call = std::move(calls.front());
    calls.pop_front();
    ReadStep step;
    const wire::Reply reply = fetch(question, call, step);
    if (reply.failure != wire::Failure::none || worth_another_try(reply)) {
      answer.failure = parts_.login.scrubber().clean(failure_of(reply));
      answer.spent = reply.retry_after > kLongestAsk;
      if (answer.spent) answer.again_after = reply.retry_after;
      break;
    }
    const bool nothing = step.calls.empty() && !step.stop && step.records.empty() &&
                         step.absent.empty() && step.fields.empty() && reply.status / 100 != 2;
    if (nothing) step.stop = Stop{Stop::Kind::configuration, failure_of(reply), std::nullopt};
    follow(std::move(step), reply.status);
  }
  return answer;
}

}  // namespace tailrace
