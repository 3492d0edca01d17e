#pragma once

#include <cstdint>

#include "dice.hpp"
#include "emulator.hpp"

namespace tailrace::simulation {

enum Draw : std::uint64_t { kTravel = 1, kService, kWhich, kShare, kLateness, kRule, kWork };

[[nodiscard]] inline std::uint64_t draw(const Delivery& delivery, std::uint64_t what) {
  return Prf(delivery.fate).with(what).value();
}

/// True while nobody has said what the sender sees.
[[nodiscard]] inline bool is_untold(const Delivery& delivery) {
  return delivery.reply.failure == wire::Failure::none && delivery.reply.status == 0;
}

[[nodiscard]] inline Twist twist_of(Fault fault) {
  switch (fault) {
    case Fault::missing:
    case Fault::job_partial_results: return Twist::missing;
    case Fault::extra: return Twist::extra;
    case Fault::shuffled: return Twist::shuffled;
    case Fault::contradict: return Twist::contradict;
    default: return Twist::none;
  }
}

}  // namespace tailrace::simulation
