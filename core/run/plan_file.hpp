#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "diff/changeset.hpp"
#include "run/plan_header.hpp"
#include "run/plan_output.hpp"
#include "state/store.hpp"

namespace tailrace {

/// What the end of a run writes down besides its rows (see Differ).
struct PlanLists {
  std::vector<IdentityHash> newly_absent;
  std::vector<IdentityHash> returned;
  std::vector<IdentityHash> forgotten;
};

/// How much of each section a file holds.
struct PlanSizes {
  std::uint64_t rows = 0;
  std::uint64_t row_bytes = 0;  // of all packed rows
};

/// A plan file is a preamble of fixed length with the sizes of all that follows (magic, format,
/// sizes, the store's id, a checksum of itself), the header as JSON, the three lists, the packed
/// rows, and a seal over every byte before it. All numbers are little-endian.
///
/// The preamble's checksum needs no key: it tells a damaged file from one of another store, which
/// the seal cannot.
inline constexpr std::uint32_t kPlanFormat = 1;

/// Writes all that comes before the rows. The rows have to follow, then close().
void begin_plan(PlanOutput& out, const std::string& store_id, const nlohmann::json& header,
                const PlanLists& lists, const PlanSizes& sizes);

struct PlanReading {
  std::string spill_directory;
  std::size_t buffer_bytes = Changeset::kDefaultBufferBytes;
  std::function<void()> between;  // called about once a megabyte; may throw to give up
};

/// A sealed file whose seal was found right.
struct SealedFile {
  nlohmann::json header;
  PlanLists lists;
  Changeset rows;
  PlanSeal::Bytes seal{};
};

/// Reads a sealed file of this store. Nothing of it is believed, nor memory taken for it, before
/// the seal over all of it was found right.
///
/// What is checked and what is sent later are the same bytes, whatever becomes of the file: they
/// are copied while they are checked, to memory or to a file without a name. (Checking block by
/// block while sending would need no copy, but would find a change only when rows were sent.)
///
/// Throws PlanError where the file is no plan, was altered or is of a newer format, StalePlan where
/// it is of another store, and std::system_error where it cannot be read.
[[nodiscard]] SealedFile open_sealed(const std::string& path, const StoreIdentity& store,
                                     const PlanReading& reading);

struct OpenedPlan {
  PlanHeader header;
  PlanLists lists;
  Changeset rows;  // sealed, at its first row
};

/// A plan, or one part of one, that is whole: its rows are counted and summed against its header,
/// and of a part all siblings were written in the same round. Throws as open_sealed().
[[nodiscard]] OpenedPlan open_plan(const std::string& path, const StoreIdentity& store,
                                   const PlanReading& reading);

}  // namespace tailrace
