// The diff against a slow one that is plainly right, over random states and models.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "diff/diff_fixture.hpp"
#include "state/snapshot.hpp"

namespace tailrace {
namespace {

using test::Diff;
using Lines = std::vector<std::string>;

struct Entry {
  std::string key;
  std::string line;
  bool acknowledged = false;
  bool absent = false;
  bool in_doubt = false;
  Doubt doubt;
};

struct Expected {
  std::uint64_t unchanged = 0, invalid = 0;
  Lines added, changed, removed;  // removed: keys
  std::set<std::string> absent, returned;
};

struct World {
  bool match_is_key;
  bool deletes;
  bool refresh;
  std::map<std::string, Entry> state;  // by match value
  Lines model;
};

std::vector<std::string> columns(const std::string& line) {
  std::vector<std::string> out;
  CellCursor cursor(line);
  while (const auto cell = cursor.next()) out.emplace_back(cell->raw());
  return out;
}

bool names_nothing(const std::string& raw) { return raw == "\\N" || raw.empty(); }

std::string key_of(const World& world, const std::vector<std::string>& row) {
  return world.match_is_key ? row[0] : row[2];
}

bool is_unchanged(const Entry& entry, const std::string& line, const Diff& diff) {
  if (!entry.acknowledged || diff.version(entry.line) != diff.version(line)) return false;
  return !entry.in_doubt ||
         (!entry.doubt.mixed && !entry.doubt.deleted && entry.doubt.version == diff.version(line));
}

void judge_row(const World& world, const Diff& diff, const std::string& line, Expected& out) {
  const std::string match = columns(line)[0];
  const auto known = world.state.find(match);
  if (known != world.state.end() && known->second.absent) out.returned.insert(match);
  if (known == world.state.end() || !known->second.acknowledged) {
    out.added.push_back(line);
  } else if (!is_unchanged(known->second, line, diff) || world.refresh) {
    out.changed.push_back(line);
  } else {
    ++out.unchanged;
  }
}

Expected slow_diff(const World& world, const Diff& diff) {
  Expected out;
  std::map<std::string, int> matches, keys;
  for (const std::string& line : world.model) {
    const auto row = columns(line);
    ++matches[row[0]];
    ++keys[key_of(world, row)];
  }
  std::set<std::string> unsent_keys, seen;
  for (const std::string& line : world.model) {
    const auto row = columns(line);
    const std::string key = key_of(world, row);
    if (!names_nothing(row[0])) seen.insert(row[0]);
    if (names_nothing(row[0]) || names_nothing(key) || matches[row[0]] > 1 || keys[key] > 1) {
      ++out.invalid;
      unsent_keys.insert(key);
    } else {
      judge_row(world, diff, line, out);
    }
  }
  for (const auto& [match, entry] : world.state) {
    if (seen.contains(match)) continue;
    const bool present = entry.acknowledged && !entry.absent;
    if (!world.deletes && present) out.absent.insert(match);
    const bool held = !world.match_is_key && unsent_keys.contains(entry.key);
    if (world.deletes && (present || entry.in_doubt) && !held) out.removed.push_back(entry.key);
  }
  return out;
}

class Maker {
 public:
  explicit Maker(std::uint64_t seed) : random_(seed) {}

  World world() {
    World world{chance(2), chance(2), chance(5), {}, {}};
    names_ = 1 + below(60);
    for (std::size_t n = below(50); n > 0; --n) add_entry(world);
    for (std::size_t n = below(60); n > 0; --n) world.model.push_back(line(world));
    for (const auto& [match, entry] : world.state) {
      if (chance(2)) world.model.push_back(entry.line);
    }
    std::shuffle(world.model.begin(), world.model.end(), random_);
    return world;
  }

 private:
  std::size_t below(std::size_t n) { return random_() % n; }
  bool chance(std::size_t one_in) { return below(one_in) == 0; }

  std::string name() { return "n" + std::to_string(below(names_)); }

  std::string line(const World& world) {
    const std::string match = chance(15) ? (chance(2) ? "\\N" : "") : name();
    std::string line = match + "\tv" + std::to_string(below(2));
    if (!world.match_is_key) line += "\t" + (chance(15) ? "\\N" : "k" + name());
    return line;
  }

  void add_entry(World& world) {
    const std::string match = name();
    Entry entry;
    entry.key = world.match_is_key ? match : "k" + name();
    entry.line = match + "\tv" + std::to_string(below(2));
    if (!world.match_is_key) entry.line += "\t" + entry.key;
    entry.acknowledged = !chance(4);
    entry.absent = entry.acknowledged && chance(5);
    entry.in_doubt = chance(3);
    entry.doubt.version = below(2);  // 1: what is acknowledged, set where the hasher is known
    entry.doubt.mixed = chance(3);
    entry.doubt.deleted = entry.doubt.mixed && chance(2);
    world.state.insert_or_assign(match, entry);
  }

  std::mt19937_64 random_;
  std::size_t names_ = 1;
};

/// The part of the state that the diff's shard has.
void load(World& world, Diff& diff) {
  diff.options.on_removed = world.deletes ? OnRemoved::delete_ : OnRemoved::ignore;
  diff.options.full_refresh = world.refresh;
  for (auto& [match, entry] : world.state) {
    if (shard_of(diff.identity(match), diff.options.of) != diff.options.shard) continue;
    const EntryKeys keys{entry.key, world.match_is_key ? "" : match, ""};
    entry.doubt.version = diff.version(entry.doubt.version == 1 ? entry.line : "other\tx\t");
    entry.doubt.keys = keys;
    if (entry.acknowledged) diff.acknowledge(match, entry.line, keys);
    if (entry.absent) diff.leave_absent(match);
    if (entry.in_doubt) diff.doubt(match, entry.doubt);
  }
}

Lines sorted(Lines lines) {
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::set<IdentityHash> identities(const std::set<std::string>& matches, const Diff& diff) {
  std::set<IdentityHash> out;
  for (const std::string& match : matches) out.insert(diff.identity(match));
  return out;
}

std::set<IdentityHash> as_set(const std::vector<IdentityHash>& list) {
  return {list.begin(), list.end()};
}

TEST(DifferProperty, AgreesWithASlowDiff) {
  std::uint64_t invalid = 0, removed = 0, unchanged = 0, returned = 0;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    SCOPED_TRACE(seed);
    World world = Maker(seed).world();
    Diff diff(world.match_is_key ? test::keyed_by_match() : test::keyed_by_id());
    load(world, diff);
    const Expected expected = slow_diff(world, diff);
    diff.run(world.model);
    ASSERT_EQ(diff.counts().scanned, world.model.size());
    ASSERT_EQ(diff.counts().unchanged, expected.unchanged);
    ASSERT_EQ(diff.counts().invalid, expected.invalid);
    ASSERT_EQ(diff.counts().added, expected.added.size());
    ASSERT_EQ(diff.counts().changed, expected.changed.size());
    ASSERT_EQ(diff.counts().removed, expected.removed.size());
    ASSERT_EQ(sorted(diff.sent_lines(Change::added)), sorted(expected.added));
    ASSERT_EQ(sorted(diff.sent_lines(Change::changed)), sorted(expected.changed));
    ASSERT_EQ(diff.removed_keys(), sorted(expected.removed));
    ASSERT_EQ(as_set(diff.differ().newly_absent()), identities(expected.absent, diff));
    ASSERT_EQ(as_set(diff.differ().returned()), identities(expected.returned, diff));
    invalid += expected.invalid;
    removed += expected.removed.size();
    unchanged += expected.unchanged;
    returned += expected.returned.size();
  }
  // The worlds are rich enough to mean something.
  EXPECT_GT(std::min({invalid, removed, unchanged, returned}), 500U);
}

TEST(DifferProperty, CountsAloneAreThoseOfAWholeDiff) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE(seed);
    World world = Maker(seed).world();
    const Schema schema = world.match_is_key ? test::keyed_by_match() : test::keyed_by_id();
    Diff whole(schema);
    load(world, whole);
    whole.run(world.model);
    World again = Maker(seed).world();
    Diff counting(schema);
    counting.options.count_only = true;
    load(again, counting);
    counting.run(again.model);
    const DiffCounts& a = whole.counts();
    const DiffCounts& b = counting.counts();
    ASSERT_TRUE(counting.sent().empty());
    ASSERT_EQ(a.scanned, b.scanned);
    ASSERT_EQ(a.unchanged, b.unchanged);
    ASSERT_EQ(a.added, b.added);
    ASSERT_EQ(a.changed, b.changed);
    ASSERT_EQ(a.refreshed, b.refreshed);
    ASSERT_EQ(a.invalid, b.invalid);
    if (world.match_is_key) {
      ASSERT_EQ(a.removed, b.removed);
      ASSERT_EQ(a.gone, b.gone);
    } else {
      ASSERT_LE(a.removed, b.removed);
      ASSERT_LE(a.gone, b.gone);
    }
  }
}

TEST(DifferProperty, ShardsOfOneModelCountWhatTheWholeCounts) {
  constexpr std::uint32_t kShards = 3;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE(seed);
    World world = Maker(seed).world();
    const Schema schema = world.match_is_key ? test::keyed_by_match() : test::keyed_by_id();
    Diff whole(schema);
    load(world, whole);
    whole.run(world.model);
    DiffCounts sum;
    std::set<std::string> models;
    for (std::uint32_t shard = 0; shard < kShards; ++shard) {
      World part = Maker(seed).world();
      Diff diff(schema);
      diff.options.shard = shard;
      diff.options.of = kShards;
      load(part, diff);
      std::reverse(part.model.begin(), part.model.end());
      diff.run(part.model);
      models.insert(diff.differ().model_fingerprint());
      sum.scanned += diff.counts().scanned;
      sum.unchanged += diff.counts().unchanged;
      sum.added += diff.counts().added;
      sum.changed += diff.counts().changed;
      sum.invalid += diff.counts().invalid;
      sum.removed += diff.counts().removed;
    }
    ASSERT_EQ(models.size(), 1U) << "whatever the order of the rows";
    ASSERT_EQ(sum.scanned, whole.counts().scanned);
    ASSERT_EQ(sum.unchanged, whole.counts().unchanged);
    ASSERT_EQ(sum.added, whole.counts().added);
    ASSERT_EQ(sum.changed, whole.counts().changed);
    ASSERT_EQ(sum.invalid, whole.counts().invalid);
    ASSERT_EQ(sum.removed, whole.counts().removed)
        << "also where a row of another shard is invalid";
  }
}

TEST(DifferProperty, AnotherRowAnywhereMakesAnotherModel) {
  const auto model_of = [](const Lines& model) {
    Diff diff(test::keyed_by_match());
    diff.options.shard = 1;
    diff.options.of = 4;
    diff.run(model);
    return diff.differ().model_fingerprint();
  };
  Lines model;
  for (int i = 0; i < 40; ++i) model.push_back("n" + std::to_string(i) + "\tv");
  std::set<std::string> models{model_of(model)};
  for (std::size_t i = 0; i < model.size(); ++i) {
    Lines other = model;
    other[i] += "!";
    models.insert(model_of(other));
    other.erase(other.begin() + static_cast<std::ptrdiff_t>(i));
    models.insert(model_of(other));
    other.push_back("\\N\tv");
    models.insert(model_of(other));
  }
  EXPECT_EQ(models.size(), 1 + 3 * model.size());
}

}  // namespace
}  // namespace tailrace
