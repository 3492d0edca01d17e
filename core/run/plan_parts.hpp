#pragma once

#include <functional>
#include <string>
#include <vector>

#include "run/plan_file.hpp"
#include "state/table.hpp"

namespace tailrace {

inline constexpr int kMostParts = 1024;

/// What a diff found, to be sealed into one file or into parts.
struct PlanContent {
  PlanHeader header;        // of the whole; what differs from part to part is filled in here
  const StateTable& table;  // as the diff left it
  PlanLists lists;
  Changeset& rows;
  std::function<bool(const IdentityHash&)> is_duplicate;  // such rows are left out
};

/// Writes the plan to `path` (mode 0600), over an older plan or where there is nothing. A reader
/// sees the old file or the whole new one. Returns the path. Throws PlanError, std::system_error.
std::string write_plan(const std::string& path, const StoreIdentity& store,
                       const PlanContent& content);

/// Writes part i of `of` to `directory`/NAME.iofN.plan, NAME being the sync's, split as shards are.
/// The last file to come, NAME.Nparts.plan, lists the seals of all: without it, or where it lists
/// others, no part can be opened. Returns the parts' paths.
std::vector<std::string> write_plan_parts(const std::string& directory, int of,
                                          const StoreIdentity& store, const PlanContent& content);

/// What can be told before there is anything to write. Throws PlanError.
void check_plan_path(const std::string& path);
void check_parts_ask(const std::string& directory, int of);

/// Throws PlanError unless the list beside the part at `path` has the part's seal.
void check_siblings(const std::string& path, const PlanHeader& header, const PlanSeal::Bytes& seal,
                    const StoreIdentity& store, const PlanReading& reading);

/// Order-independent sums over (identity, version) of the entries that the destination has and the
/// model had, one for each of `of` shards: equal sums, equal state, however shards were split and
/// journals folded meanwhile.
[[nodiscard]] std::vector<std::string> state_sums(const StateTable& table, int of);

/// Counts and sum of rows as a plan's header has them.
struct RowTally {
  PlanSizes sizes;
  std::uint64_t added = 0;
  std::uint64_t changed = 0;
  std::uint64_t removed = 0;
  Fingerprint fingerprint;

  void add(const ChangeRow& row, OnRemoved on_removed);
};

}  // namespace tailrace
