// Plays schedules of faults against the engine and says which promise was broken.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "campaign.hpp"
#include "cutter.hpp"
#include "mutants.hpp"

namespace tailrace::simulation {
namespace {

constexpr std::string_view kUsage =
    "usage: simulate [--seeds A..B] [--scale X] [--jobs N] [--mutants SEEDS] [--json FILE]\n"
    "                [--junit FILE]           plays seeds; SEEDS: at most so many a mutant\n"
    "       simulate --seed N [--cut K] [--mutant M8] [--save FILE]    tells one seed's story\n"
    "       simulate --schedule FILE [--mutant M8]                     tells a saved one's\n";

struct Options {
  std::uint64_t first = 1;
  std::uint64_t last = 1000;
  double scale = 1;
  unsigned jobs = 1;
  std::uint64_t mutant_seeds = 0;  // 0: mutants are not tried
  int mutant = 0;
  std::optional<std::uint64_t> seed;
  std::string cut;
  std::string schedule;
  std::string save;
  std::string json;
  std::string junit;
};

struct MutantResult {
  Mutant mutant;
  std::uint64_t seeds = 0;  // until it was caught, or all
  std::optional<FailedSeed> caught;
};

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc{} || read.ptr != text.data() + text.size()) {
    throw std::invalid_argument("'" + std::string(text) + "' is not a whole number");
  }
  return value;
}

void read_range(std::string_view text, Options& options) {
  const std::size_t dots = text.find("..");
  if (dots == std::string_view::npos) {
    throw std::invalid_argument("--seeds wants A..B, not '" + std::string(text) + "'");
  }
  options.first = number(text.substr(0, dots));
  options.last = number(text.substr(dots + 2));
}

int mutant_of(std::string_view text) {
  if (text.starts_with('M')) text.remove_prefix(1);
  const auto wanted = static_cast<int>(number(text));
  const std::vector<Mutant>& all = all_mutants();
  const bool known =
      std::any_of(all.begin(), all.end(), [&](const Mutant& one) { return one.number == wanted; });
  if (!known) throw std::invalid_argument("there is no mutant M" + std::to_string(wanted));
  return wanted;
}

Options read_options(const std::vector<std::string_view>& words) {
  Options options;
  for (std::size_t i = 0; i < words.size(); i += 2) {
    const std::string_view name = words[i];
    if (i + 1 == words.size()) {
      throw std::invalid_argument("'" + std::string(name) + "' wants a value");
    }
    const std::string_view value = words[i + 1];
    if (name == "--seeds") {
      read_range(value, options);
    } else if (name == "--scale") {
      options.scale = std::stod(std::string(value));
    } else if (name == "--jobs") {
      options.jobs = static_cast<unsigned>(std::max<std::uint64_t>(1, number(value)));
    } else if (name == "--mutants") {
      options.mutant_seeds = number(value);
    } else if (name == "--mutant") {
      options.mutant = mutant_of(value);
    } else if (name == "--seed") {
      options.seed = number(value);
    } else if (name == "--cut") {
      options.cut = value;
    } else if (name == "--schedule") {
      options.schedule = value;
    } else if (name == "--save") {
      options.save = value;
    } else if (name == "--json") {
      options.json = value;
    } else if (name == "--junit") {
      options.junit = value;
    } else {
      throw std::invalid_argument("unknown option '" + std::string(name) + "'");
    }
  }
  return options;
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  file.close();
  if (!file) throw std::runtime_error("cannot write " + path);
}

int tell_story(const Options& options) {
  Schedule schedule;
  if (!options.schedule.empty()) {
    std::ifstream file(options.schedule);
    if (!file) throw std::runtime_error("cannot read " + options.schedule);
    schedule = schedule_of(nlohmann::json::parse(file));
  } else {
    const Parts parts(make_schedule(*options.seed));
    schedule = parts.without(cut_of(options.cut, parts.size()));
  }
  choose_mutant(options.mutant);
  if (!options.save.empty()) write_file(options.save, to_json(schedule).dump(1) + "\n");
  std::cout << to_json(schedule).dump() << '\n';
  const Outcome outcome = World(schedule, &std::cout).play();
  for (const Failure& failure : outcome.failures) {
    std::cout << failure.rule << ": " << failure.text << '\n';
  }
  return outcome.failures.empty() ? 0 : 1;
}

MutantResult try_mutant(const Mutant& mutant, const Options& options) {
  choose_mutant(mutant.number);
  const Tally tally = play({1, options.mutant_seeds, options.jobs, true, 0});
  MutantResult result{mutant, tally.seeds, std::nullopt};
  if (!tally.failed.empty()) result.caught = tally.failed.front();
  choose_mutant(0);
  return result;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

/// One test case a promise and a mutant, so that a broken one is named in the summary.
std::string junit_of(const Tally& tally, const std::vector<MutantResult>& mutants,
                     const std::map<std::string, std::string>& repros) {
  std::string cases;
  const auto test = [&](const std::string& name, const std::string& failure) {
    cases += "  <testcase classname=\"simulation\" name=\"" + escaped(name) + "\"";
    cases +=
        failure.empty() ? "/>\n" : "><failure message=\"" + escaped(failure) + "\"/></testcase>\n";
  };
  for (const char* rule : {"I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I9", "I10", "I11",
                           "I12", "I13", "I14", "I15", "I16", "I17", "liveness", "determinism"}) {
    const auto found = repros.find(rule);
    test(rule, found == repros.end() ? std::string() : found->second);
  }
  const std::vector<std::string> missing = tally.missing_pairs();
  test("every fault was met before a death at every place",
       missing.empty() ? std::string() : "never: " + missing.front());
  std::size_t caught = 0;
  for (const MutantResult& one : mutants) {
    const std::string name = "M" + std::to_string(one.mutant.number) + " ";
    test(name + std::string(one.mutant.what),
         one.caught ? "" : "not caught in " + std::to_string(one.seeds) + " seeds");
    if (one.caught) ++caught;
  }
  const std::string note = std::to_string(tally.seeds) + " seeds, " + std::to_string(caught) +
                           " of " + std::to_string(mutants.size()) + " mutants caught";
  return "<testsuite name=\"simulation\">\n  <properties><property name=\"note\" value=\"" + note +
         "\"/></properties>\n" + cases + "</testsuite>\n";
}

void print(const Tally& tally) {
  std::printf(
      "simulation: %llu seeds, %llu runs, %llu requests, %.1f s, %.0f seeds/s, "
      "%llu played twice, %zu failed\n",
      static_cast<unsigned long long>(tally.seeds), static_cast<unsigned long long>(tally.runs),
      static_cast<unsigned long long>(tally.requests), tally.seconds,
      static_cast<double>(tally.seeds) / std::max(tally.seconds, 1e-9),
      static_cast<unsigned long long>(tally.twice), tally.failed.size());
  for (const auto& [rule, seeds] : tally.by_rule()) {
    std::printf("  %s: %llu\n", rule.c_str(), static_cast<unsigned long long>(seeds));
  }
}

/// The first failure of each rule, cut down.
std::map<std::string, std::string> repros_of(const Tally& tally, int mutant) {
  std::map<std::string, std::string> repros;
  for (const FailedSeed& failed : tally.failed) {
    if (repros.contains(failed.failure.rule)) continue;
    repros[failed.failure.rule] = reproduce(failed, mutant).line;
    std::printf("%s\n", repros[failed.failure.rule].c_str());
    std::fflush(stdout);
  }
  return repros;
}

int play_seeds(const Options& options) {
  const auto last = options.first - 1 +
                    static_cast<std::uint64_t>(
                        static_cast<double>(options.last - options.first + 1) * options.scale);
  choose_mutant(options.mutant);
  const Tally tally = play({options.first, last, options.jobs, false, 100});
  print(tally);
  const auto repros = repros_of(tally, options.mutant);
  bool well = tally.failed.empty();
  std::vector<MutantResult> mutants;
  if (options.mutant_seeds > 0) {
    for (const Mutant& mutant : all_mutants()) {
      mutants.push_back(try_mutant(mutant, options));
      const MutantResult& result = mutants.back();
      std::printf("M%-3d %-42s %s", mutant.number, std::string(mutant.what).c_str(),
                  result.caught ? "caught" : "NOT caught");
      if (result.caught) {
        std::printf(" by seed %llu, %s", static_cast<unsigned long long>(result.caught->seed),
                    result.caught->failure.rule.c_str());
      }
      std::printf(" (%llu seeds played)\n", static_cast<unsigned long long>(result.seeds));
      std::fflush(stdout);
      well = well && result.caught;
    }
  }
  if (!options.json.empty()) {
    nlohmann::json out = to_json(tally);
    for (const MutantResult& one : mutants) {
      out["mutants"]["M" + std::to_string(one.mutant.number)] = {
          {"what", one.mutant.what},
          {"caught_by", one.caught ? nlohmann::json(one.caught->seed) : nlohmann::json(nullptr)},
          {"seeds", one.seeds}};
    }
    write_file(options.json, out.dump(1) + "\n");
  }
  if (!options.junit.empty()) write_file(options.junit, junit_of(tally, mutants, repros));
  return well ? 0 : 1;
}

int act(const std::vector<std::string_view>& words) {
  const Options options = read_options(words);
  const bool story = options.seed || !options.schedule.empty();
  return story ? tell_story(options) : play_seeds(options);
}

}  // namespace
}  // namespace tailrace::simulation

int main(int argc, char** argv) {
  try {
    return tailrace::simulation::act({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "simulate: " << error.what() << '\n' << tailrace::simulation::kUsage;
    return 2;
  }
}
