#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "schedule.hpp"
#include "world.hpp"

namespace tailrace::simulation {

/// A seed whose schedule broke a promise.
struct FailedSeed {
  std::uint64_t seed = 0;
  Failure failure;  // the first
};

struct Campaign {
  std::uint64_t first = 1;
  std::uint64_t last = 1000;
  unsigned jobs = 1;
  bool stop_at_failure = false;
  std::uint64_t twice_every = 100;  // 0: no seed is played twice
};

/// What a range of seeds came to.
struct Tally {
  std::uint64_t seeds = 0;
  std::uint64_t twice = 0;  // seeds that were played twice, with one trace
  std::uint64_t runs = 0;
  std::uint64_t requests = 0;
  double seconds = 0;
  std::vector<FailedSeed> failed;  // by seed
  std::vector<std::array<std::uint64_t, kWheres>> deaths;

  [[nodiscard]] std::map<std::string, std::uint64_t> by_rule() const;
  /// Pairs of a fault and a place to die that no seed had.
  [[nodiscard]] std::vector<std::string> missing_pairs() const;
};

/// Plays every seed of the range, on as many threads as asked for.
[[nodiscard]] Tally play(const Campaign& campaign);

/// What a schedule broke first; none where it kept every promise.
[[nodiscard]] std::optional<Failure> first_failure(const Schedule& schedule);

/// The smallest cut of the seed's schedule that still breaks the same rule, and one line that
/// plays it again.
struct Repro {
  std::string cut;
  std::string line;
  Schedule schedule;
};
[[nodiscard]] Repro reproduce(const FailedSeed& failed, int mutant);

[[nodiscard]] nlohmann::json to_json(const Tally& tally);

}  // namespace tailrace::simulation
