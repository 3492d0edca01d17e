#include "run/plan_parts.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "row/ascii.hpp"
#include "run/plan_errors.hpp"
#include "state/packing.hpp"

namespace tailrace {
namespace {

constexpr std::size_t kInvalidSampleRows = 20;

struct Part {
  PlanHeader header;
  PlanLists lists;
  RowTally tally;
};

/// Where a plan file goes.
struct Target {
  explicit Target(const std::string& path)
      : directory(path.find('/') == std::string::npos ? "." : path.substr(0, path.rfind('/') + 1)),
        name(path.substr(path.rfind('/') + 1)) {  // all of it where there is no slash
    if (name.empty() || name == "." || name == "..") {
      throw PlanError("plan: '" + path + "' names no file");
    }
  }
  PlanDirectory directory;
  std::string name;
};

/// Reads the rows that a run would send, once from the front.
template <typename Visit>
void visit_rows(const PlanContent& content, const Visit& visit) {
  ChangeRow row;
  content.rows.rewind();
  while (content.rows.next(row)) {
    if (!content.is_duplicate(row.identity)) visit(row);
  }
  content.rows.rewind();
}

/// What the state says of the part: it is not in the changeset.
void count_entries(const PlanContent& content, std::vector<Part>& parts) {
  const auto of = static_cast<std::uint32_t>(parts.size());
  for (StateTable::Slot slot = 0; slot < content.table.capacity(); ++slot) {
    const StateTable::Marks& marks = content.table.marks(slot);
    if (!marks.used) continue;
    DiffCounts& counts = parts[shard_of(content.table.identity(slot), of)].header.counts;
    if (marks.seen == Seen::unchanged) ++counts.unchanged;
    if (marks.seen == Seen::refreshed) ++counts.refreshed;
    const bool known = (marks.acknowledged && !marks.absent) || marks.in_doubt;
    const bool left = marks.seen == Seen::no && known;
    if (left && content.header.on_removed == OnRemoved::ignore) ++counts.gone;
  }
}

void split(const std::vector<IdentityHash>& all, std::vector<IdentityHash> PlanLists::* list,
           std::vector<Part>& parts) {
  const auto of = static_cast<std::uint32_t>(parts.size());
  for (const IdentityHash& identity : all) {
    (parts[shard_of(identity, of)].lists.*list).push_back(identity);
  }
}

/// Every figure of the whole has to be found again in the parts.
void check_sums(const PlanContent& content, const std::vector<Part>& parts) {
  const auto sum = [&](std::uint64_t DiffCounts::* count) {
    return std::accumulate(
        parts.begin(), parts.end(), std::uint64_t{0},
        [&](std::uint64_t before, const Part& part) { return before + part.header.counts.*count; });
  };
  for (const auto count : {&DiffCounts::scanned, &DiffCounts::unchanged, &DiffCounts::added,
                           &DiffCounts::changed, &DiffCounts::removed, &DiffCounts::invalid}) {
    if (sum(count) != content.header.whole.*count) {
      throw std::logic_error("plan: the parts' counts do not add up to the whole's");
    }
  }
}

std::vector<Part> divide(const PlanContent& content, int of) {
  std::vector<Part> parts(static_cast<std::size_t>(of));
  visit_rows(content, [&](const ChangeRow& row) {
    parts[shard_of(row.identity, static_cast<std::uint32_t>(of))].tally.add(
        row, content.header.on_removed);
  });
  const std::vector<std::string> sums = state_sums(content.table, of);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    parts[i].header = content.header;
    parts[i].header.counts = {};
    parts[i].header.shard = static_cast<int>(i);
    parts[i].header.of = of;
    parts[i].header.state_sum = sums[i];
    if (i > 0) parts[i].header.invalid_sample.clear();
    if (parts[i].header.invalid_sample.size() > kInvalidSampleRows) {
      parts[i].header.invalid_sample.resize(kInvalidSampleRows);
    }
  }
  count_entries(content, parts);
  // An invalid row may have no identity, so one part has them all.
  parts.front().header.counts.invalid = content.header.whole.invalid;
  for (Part& part : parts) {
    DiffCounts& counts = part.header.counts;
    counts.added = part.tally.added;
    counts.changed = part.tally.changed;
    counts.removed = part.tally.removed;
    counts.gone += counts.removed;
    counts.scanned = counts.unchanged + counts.added + counts.changed + counts.invalid;
    part.header.fingerprint = part.tally.fingerprint.text();
  }
  split(content.lists.newly_absent, &PlanLists::newly_absent, parts);
  split(content.lists.returned, &PlanLists::returned, parts);
  split(content.lists.forgotten, &PlanLists::forgotten, parts);
  check_sums(content, parts);
  return parts;
}

/// Writes parts from `first` on, in one pass over the rows, as many as may well be open at once;
/// none has its name yet. Returns the seals.
std::vector<PlanSeal::Bytes> write_some(const PlanDirectory& directory,
                                        const std::vector<std::string>& names,
                                        const StoreIdentity& store, const PlanContent& content,
                                        const std::vector<Part>& parts,
                                        std::vector<PlanOutput>& outputs) {
  constexpr std::size_t kOpenAtOnce = 64;
  const std::size_t first = outputs.size();
  const std::size_t end = std::min(parts.size(), first + kOpenAtOnce);
  for (std::size_t i = first; i < end; ++i) {
    outputs.emplace_back(directory, names[i], store.secret);
    begin_plan(outputs.back(), store.id, to_json(parts[i].header), parts[i].lists,
               parts[i].tally.sizes);
  }
  std::string packed;
  visit_rows(content, [&](const ChangeRow& row) {
    const std::size_t shard = shard_of(row.identity, static_cast<std::uint32_t>(parts.size()));
    if (shard < first || shard >= end) return;
    packed.clear();
    append_packed(packed, row.change, row.identity, row.version, row.line, row.keys);
    outputs[shard].write(packed);
  });
  std::vector<PlanSeal::Bytes> seals;
  for (std::size_t i = first; i < end; ++i) seals.push_back(outputs[i].close());
  return seals;
}

struct Written {
  std::vector<PlanOutput> outputs;
  std::vector<PlanSeal::Bytes> seals;
};

Written write_all(const PlanDirectory& directory, const std::vector<std::string>& names,
                  const StoreIdentity& store, const PlanContent& content,
                  const std::vector<Part>& parts) {
  Written written;
  written.outputs.reserve(parts.size());
  while (written.outputs.size() < parts.size()) {
    for (const PlanSeal::Bytes& seal :
         write_some(directory, names, store, content, parts, written.outputs)) {
      written.seals.push_back(seal);
    }
  }
  return written;
}

/// The sync's name as a file's. Where characters had to go, a sum of the name keeps two syncs
/// apart.
std::string file_name(const std::string& sync) {
  constexpr std::size_t kLongestName = 100;
  std::string name;
  for (const char c : sync.substr(0, kLongestName)) {
    const bool plain = is_alphanumeric(c) || c == '_' || c == '-';
    name.push_back(plain ? c : '_');
  }
  if (name == sync) return name;
  std::array<char, 17> sum{};
  std::snprintf(sum.data(), sum.size(), "%016llx", static_cast<unsigned long long>(checksum(sync)));
  return name + "-" + std::string(sum.data(), 8);
}

std::string part_suffix(int shard, int of) {
  return "." + std::to_string(shard) + "of" + std::to_string(of) + ".plan";
}

std::string list_suffix(int of) { return "." + std::to_string(of) + "parts.plan"; }

void write_list(const PlanDirectory& directory, const std::string& name, const PlanHeader& header,
                const StoreIdentity& store, const std::vector<std::string>& seals) {
  PlanOutput list(directory, name, store.secret);
  begin_plan(list, store.id, {{"run_id", header.run_id}, {"seals", seals}}, {}, {});
  static_cast<void>(list.close());
  list.publish();
  directory.sync();
}

}  // namespace

void RowTally::add(const ChangeRow& row, OnRemoved on_removed) {
  ++sizes.rows;
  sizes.row_bytes += packed_bytes(row);
  switch (row.change) {
    case Change::added: ++added; break;
    case Change::changed: ++changed; break;
    case Change::removed: ++removed; break;
  }
  fingerprint.add(planned_op(row.change, on_removed), row.identity, row.version);
}

std::vector<std::string> state_sums(const StateTable& table, int of) {
  std::vector<Fingerprint> sums(static_cast<std::size_t>(of));
  for (StateTable::Slot slot = 0; slot < table.capacity(); ++slot) {
    const StateTable::Marks& marks = table.marks(slot);
    // Absent entries are forgotten as time goes by, and doubts end with it.
    if (!marks.used || !marks.acknowledged || marks.absent) continue;
    const IdentityHash& identity = table.identity(slot);
    sums[shard_of(identity, static_cast<std::uint32_t>(of))].add(PlannedOp::add, identity,
                                                                 table.version(slot));
  }
  std::vector<std::string> texts;
  for (const Fingerprint& sum : sums) texts.push_back(sum.text());
  return texts;
}

void check_plan_path(const std::string& path) {
  const Target target(path);
  static_cast<void>(target.directory.may_write(target.name));
}

void check_parts_ask(const std::string& directory, int of) {
  if (of < 1 || of > kMostParts) {
    throw PlanError("plan: there may be 1 to " + std::to_string(kMostParts) + " parts, not " +
                    std::to_string(of));
  }
  const PlanDirectory exists(directory);
}

std::string write_plan(const std::string& path, const StoreIdentity& store,
                       const PlanContent& content) {
  const Target target(path);
  static_cast<void>(target.directory.may_write(target.name));
  const std::vector<Part> parts = divide(content, 1);
  Written written = write_all(target.directory, {target.name}, store, content, parts);
  written.outputs.front().publish();
  target.directory.sync();
  return path;
}

std::vector<std::string> write_plan_parts(const std::string& path, int of,
                                          const StoreIdentity& store, const PlanContent& content) {
  check_parts_ask(path, of);
  const PlanDirectory directory(path);
  const std::vector<Part> parts = divide(content, of);
  const std::string base = file_name(content.header.sync);
  const std::string list = base + list_suffix(of);
  std::vector<std::string> names;
  for (int i = 0; i < of; ++i) names.push_back(base + part_suffix(i, of));
  for (const std::string& name : names) static_cast<void>(directory.may_write(name));
  const bool had_list = directory.may_write(list);

  Written written = write_all(directory, names, store, content, parts);
  std::vector<std::string> seals;
  for (const PlanSeal::Bytes& seal : written.seals) seals.push_back(hex_of(seal));
  // From here until the new list has its name, neither the old parts nor the new ones are a plan.
  if (had_list) directory.remove(list);
  directory.sync();
  std::vector<std::string> paths;
  for (PlanOutput& output : written.outputs) {
    output.publish();
    paths.push_back(output.path());
  }
  directory.sync();
  write_list(directory, list, content.header, store, seals);
  return paths;
}

void check_siblings(const std::string& path, const PlanHeader& header, const PlanSeal::Bytes& seal,
                    const StoreIdentity& store, const PlanReading& reading) {
  const std::string suffix = part_suffix(header.shard, header.of);
  if (!path.ends_with(suffix)) {
    throw PlanError("plan: " + path + " is part " + std::to_string(header.shard) + " of " +
                    std::to_string(header.of) + ", whose name has to end in " + suffix);
  }
  const std::string beside = path.substr(0, path.size() - suffix.size()) + list_suffix(header.of);
  const SealedFile list = open_sealed(beside, store, reading);
  const auto seals = list.header.value("seals", std::vector<std::string>{});
  const auto shard = static_cast<std::size_t>(header.shard);
  const bool listed = shard < seals.size() && seals[shard] == hex_of(seal);
  if (listed && list.header.value("run_id", std::string()) == header.run_id) return;
  throw PlanError("plan: " + path + " is not of the same plan as its siblings (" + beside +
                  " lists others): nothing was sent, plan again");
}

}  // namespace tailrace
