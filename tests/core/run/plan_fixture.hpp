#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "run/plan_errors.hpp"
#include "run/plan_file.hpp"
#include "run/plan_parts.hpp"
#include "state/protocol.hpp"

namespace tailrace::testing {

/// A diff of a small model (`id`, `v`) against a small state, ready to be sealed, and a folder.
class PlanFixture {
 public:
  PlanFixture() : store(new_identity()) {
    std::string pattern = (std::filesystem::temp_directory_path() / "plan-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder = pattern;
    schema.columns = {{"id", Type::text, Nulls::clear, kDefaultDigits},
                      {"v", Type::integer, Nulls::keep, 3}};
    schema.field_count = 2;
    schema.key = {0};
    hasher.emplace(store.secret, "m1");
  }
  ~PlanFixture() { std::filesystem::remove_all(folder); }
  PlanFixture(const PlanFixture&) = delete;
  PlanFixture& operator=(const PlanFixture&) = delete;

  std::filesystem::path folder;
  StoreIdentity store;
  Schema schema;
  std::optional<Hasher> hasher;
  StateView state;
  OnRemoved on_removed = OnRemoved::delete_;
  std::unique_ptr<Changeset> rows;
  std::unique_ptr<Differ> differ;

  [[nodiscard]] IdentityHash identity(const std::string& key) const {
    return hasher->identity(key);
  }

  /// The destination has the row.
  void acknowledge(const std::string& key, const std::string& value) {
    const StateTable::Slot slot = state.table.insert(identity(key));
    std::string scratch;
    const std::string line = key + "\t" + value;
    state.table.version(slot) = hasher->version(RowView(line, schema), scratch);
    state.table.marks(slot).acknowledged = true;
    ++state.known;
    known_.push_back(key);
  }

  /// Rows k0 … k(n-1): every third unchanged, every third changed, every third new; `gone` rows are
  /// known and not in the model; one row comes twice and one has no key.
  void diff(int n, int gone) {
    std::vector<std::string> lines;
    for (int i = 0; i < n; ++i) {
      const std::string key = "k" + std::to_string(i);
      if (i % 3 == 0) acknowledge(key, "1");
      if (i % 3 == 1) acknowledge(key, "2");
      lines.push_back(key + "\t1");
    }
    for (int i = 0; i < gone; ++i) acknowledge("g" + std::to_string(i), "1");
    lines.insert(lines.end(), {"twice\t1", "twice\t2", "\\N\t3"});
    diff(lines);
  }

  /// Before another diff: the destination has nothing.
  void forget() {
    differ.reset();
    state = StateView();
    known_.clear();
  }

  void diff(const std::vector<std::string>& lines) {
    rows = std::make_unique<Changeset>(folder.string());
    DiffOptions options;
    options.on_removed = on_removed;
    differ = std::make_unique<Differ>(schema, *hasher, state, options, *rows);
    Chunk chunk;
    for (const std::string& line : lines) chunk.append(line);
    differ->consume(chunk);
    differ->finish(reader());
  }

  [[nodiscard]] PlanContent content() {
    PlanHeader header;
    header.run_id = "r_1";
    header.created_at_ms = 1'700'000'000'000;
    header.sync = "rows_to_tool";
    header.account = "rest:test";
    header.object = "rows";
    header.positions = {{0, 1, 3, 17}};
    header.mapping_fingerprint = "m1";
    header.source_kind = "memory";
    header.encoding = "memory/1";
    header.schema = schema;
    header.on_removed = on_removed;
    header.resync = true;
    header.counts = header.whole = differ->counts();
    header.known = state.known;
    header.breaches = {{"max_removed", 33.5, Limit{20, true}, "too many"}};
    header.nulls = NullCounts{7, {{"v", 2}}};
    header.invalid_sample = differ->invalid_sample();
    header.whole_fingerprint = differ->plan_fingerprint();
    return {header,
            state.table,
            {differ->newly_absent(), differ->returned(), differ->forgotten()},
            *rows,
            [this](const IdentityHash& id) { return differ->is_duplicate(id); }};
  }

  [[nodiscard]] std::string path(const std::string& name = "a.plan") const {
    return (folder / name).string();
  }
  [[nodiscard]] PlanReading reading(std::size_t buffer_bytes = 1u << 20) const {
    return {folder.string(), buffer_bytes, {}};
  }
  [[nodiscard]] OpenedPlan open(const std::string& path, std::size_t buffer_bytes = 1u << 20) {
    return open_plan(path, store, reading(buffer_bytes));
  }
  [[nodiscard]] std::set<std::string> files() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      names.insert(entry.path().filename().string());
    }
    return names;
  }

 private:
  [[nodiscard]] KeyReader reader() {
    KeyReader reader;
    reader.read_bucket = [this](std::uint32_t) {
      std::vector<std::pair<SnapshotEntry, EntryKeys>> all;
      for (const std::string& key : known_) all.push_back({{identity(key), 1}, {key, "", "id"}});
      std::sort(all.begin(), all.end(),
                [](const auto& a, const auto& b) { return a.first.identity < b.first.identity; });
      std::vector<SnapshotEntry> entries;
      std::vector<EntryKeys> keys;
      for (auto& [entry, key] : all) {
        entries.push_back(entry);
        keys.push_back(std::move(key));
      }
      return SnapshotBucket{0, pack_entries(entries), {}, pack_keys(keys)};
    };
    return reader;
  }

  std::vector<std::string> known_;
};

[[nodiscard]] inline std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void spew(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

/// Writes over a part of the file. Files made anew by the thousand would wait for the disk.
inline void poke(const std::string& path, std::size_t at, const std::string& bytes) {
  std::fstream out(path, std::ios::binary | std::ios::in | std::ios::out);
  out.seekp(static_cast<std::streamoff>(at));
  out << bytes;
}

/// What opening the plan throws, and its message.
struct Refusal {
  bool altered = false;  // PlanError
  bool stale = false;    // StalePlan
  std::string message;
};

template <typename Open>
[[nodiscard]] Refusal refusal_of(const Open& open) {
  try {
    open();
  } catch (const PlanError& error) {
    return {true, false, error.what()};
  } catch (const StalePlan& error) {
    return {false, true, error.what()};
  }
  return {};
}

}  // namespace tailrace::testing
