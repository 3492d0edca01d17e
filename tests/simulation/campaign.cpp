#include "campaign.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "cutter.hpp"

namespace tailrace::simulation {
namespace {

constexpr std::uint64_t kSeedsAtOnce = 50;

void add(Tally& tally, const Outcome& outcome) {
  ++tally.seeds;
  tally.runs += outcome.runs;
  tally.requests += outcome.requests;
  for (std::size_t i = 0; i < outcome.deaths.size(); ++i) {
    for (std::size_t where = 0; where < kWheres; ++where) {
      tally.deaths[i][where] += outcome.deaths[i][where];
    }
  }
}

void add(Tally& tally, Tally&& other) {
  tally.seeds += other.seeds;
  tally.twice += other.twice;
  tally.runs += other.runs;
  tally.requests += other.requests;
  tally.failed.insert(tally.failed.end(), other.failed.begin(), other.failed.end());
  for (std::size_t i = 0; i < other.deaths.size(); ++i) {
    for (std::size_t where = 0; where < kWheres; ++where) {
      tally.deaths[i][where] += other.deaths[i][where];
    }
  }
}

void play_seed(const Campaign& campaign, std::uint64_t seed, Tally& tally) {
  Outcome outcome = World(make_schedule(seed)).play();
  if (campaign.twice_every > 0 && seed % campaign.twice_every == 0) {
    ++tally.twice;
    if (World(make_schedule(seed)).play().trace != outcome.trace) {
      outcome.failures.push_back({"determinism", "played twice, it went two ways"});
    }
  }
  add(tally, outcome);
  if (!outcome.failures.empty()) tally.failed.push_back({seed, outcome.failures.front()});
}

}  // namespace

Tally play(const Campaign& campaign) {
  Tally total;
  total.deaths.resize(all_faults().size() + 1);
  const auto started = std::chrono::steady_clock::now();
  std::atomic<std::uint64_t> next{campaign.first};
  std::atomic<bool> over{false};
  std::mutex mutex;
  const auto work = [&] {
    Tally own;
    own.deaths.resize(total.deaths.size());
    while (!over.load()) {
      const std::uint64_t from = next.fetch_add(kSeedsAtOnce);
      if (from > campaign.last) break;
      const std::uint64_t to = std::min(campaign.last, from + kSeedsAtOnce - 1);
      for (std::uint64_t seed = from; seed <= to && !over.load(); ++seed) {
        play_seed(campaign, seed, own);
        if (campaign.stop_at_failure && !own.failed.empty()) over.store(true);
      }
    }
    const std::lock_guard lock(mutex);
    add(total, std::move(own));
  };
  std::vector<std::thread> others;
  for (unsigned i = 1; i < campaign.jobs; ++i) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
  std::sort(total.failed.begin(), total.failed.end(),
            [](const FailedSeed& a, const FailedSeed& b) { return a.seed < b.seed; });
  total.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return total;
}

std::map<std::string, std::uint64_t> Tally::by_rule() const {
  std::map<std::string, std::uint64_t> rules;
  for (const FailedSeed& one : failed) ++rules[one.failure.rule];
  return rules;
}

std::vector<std::string> Tally::missing_pairs() const {
  std::vector<std::string> missing;
  for (const Fault fault : all_faults()) {
    for (std::size_t where = 0; where < kWheres; ++where) {
      if (deaths[static_cast<std::size_t>(fault)][where] > 0) continue;
      missing.push_back(std::string(to_text(fault)) + " × " +
                        std::string(to_text(static_cast<Where>(where))));
    }
  }
  return missing;
}

std::optional<Failure> first_failure(const Schedule& schedule) {
  const Outcome outcome = World(schedule).play();
  if (outcome.failures.empty()) return std::nullopt;
  return outcome.failures.front();
}

Repro reproduce(const FailedSeed& failed, int mutant) {
  const Parts parts(make_schedule(failed.seed));
  const std::vector<bool> left_out = cut_down(parts, [&](const Schedule& schedule) {
    const std::optional<Failure> failure = first_failure(schedule);
    return failure && failure->rule == failed.failure.rule;
  });
  Repro repro;
  repro.cut = cut_text(left_out);
  repro.schedule = parts.without(left_out);
  const std::optional<Failure> failure = first_failure(repro.schedule);
  repro.line = "repro: simulate";
  if (mutant > 0) repro.line += " --mutant M" + std::to_string(mutant);
  repro.line += " --seed " + std::to_string(failed.seed) + " --cut " + repro.cut + "  # " +
                failed.failure.rule + ": " + (failure ? failure->text : failed.failure.text);
  return repro;
}

nlohmann::json to_json(const Tally& tally) {
  nlohmann::json failed = nlohmann::json::array();
  for (const FailedSeed& one : tally.failed) {
    failed.push_back({{"seed", one.seed}, {"rule", one.failure.rule}, {"text", one.failure.text}});
  }
  nlohmann::json pairs = nlohmann::json::object();
  for (const Fault fault : all_faults()) {
    for (std::size_t where = 0; where < kWheres; ++where) {
      pairs[std::string(to_text(fault))][std::string(to_text(static_cast<Where>(where)))] =
          tally.deaths[static_cast<std::size_t>(fault)][where];
    }
  }
  return {{"seeds", tally.seeds},      {"played_twice", tally.twice},
          {"runs", tally.runs},        {"requests", tally.requests},
          {"seconds", tally.seconds},  {"failed", std::move(failed)},
          {"deaths", std::move(pairs)}};
}

}  // namespace tailrace::simulation
