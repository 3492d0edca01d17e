#include "process.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "world.hpp"

namespace tailrace::simulation {

std::string encoding_name(int encoding) { return "simulated/" + std::to_string(encoding); }

Process::Process(World& world, int number, RunPlan plan)
    : lock(std::make_shared<char>()), world_(world), number_(number), plan_(std::move(plan)) {}

std::int64_t Process::now_ms() const { return world_.now_ms(); }

void Process::check_alive() const {
  if (dead_) throw Crash{};
}

void Process::pause_until(std::int64_t ms) {
  // Longer than any run may take: at most a few minutes of virtual time in steps of 200 ms.
  constexpr int kMostTurns = 20'000;
  if (++turns_ > kMostTurns) {
    dead_ = true;
    world_.oracle().fail("liveness", "run " + std::to_string(number_) + " does not end");
    throw Crash{};
  }
  if (fiber == nullptr) {
    world_.advance(ms);
    return;
  }
  wake_at_ms = ms;
  fiber->suspend();
}

std::string_view to_text(Where where) {
  constexpr std::array<std::string_view, kWheres> kNames{
      "before_claim", "after_claim", "reading",     "before_commit", "after_commit",
      "before_send",  "after_send",  "with_answer", "before_finish", "after_finish"};
  return kNames.at(static_cast<std::size_t>(where));
}

void Process::step(Where where) {
  check_alive();
  ++steps_;
  world_.note(Event::step, static_cast<std::uint64_t>(number_), static_cast<std::uint64_t>(steps_));
  const bool there = !plan_.crash_at.empty() && to_text(where) == plan_.crash_at;
  if (steps_ == plan_.crash_step || (there && ++times_there_ == plan_.crash_time)) {
    dead_ = true;
    died = where;
    world_.note_death(where);
    if (!plan_.lock_stays) lock.reset();
    throw Crash{};
  }
  if (steps_ == plan_.cancel_step && engine != nullptr) engine->cancel();
  for (const RunPlan::Freeze& freeze : plan_.freezes) {
    if (freeze.step == steps_) pause_until(now_ms() + freeze.for_ms);
  }
  if (fiber != nullptr) pause_until(now_ms());
  if (now_ms() >= renew_at_ms && renew) renew();
}

void Process::sleep_until(std::int64_t ms) {
  check_alive();
  while (now_ms() < ms) {
    pause_until(std::min(ms, std::max(renew_at_ms, now_ms())));
    if (now_ms() >= renew_at_ms && renew) renew();
  }
}

}  // namespace tailrace::simulation
