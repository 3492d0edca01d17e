#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "diff/differ.hpp"
#include "diff/null_count.hpp"

namespace tailrace {

/// Rows, or a share of the known keys.
struct Limit {
  double value = 0;
  bool percent = false;
};

struct Guards {
  bool allow_empty = false;
  std::optional<Limit> max_removed = Limit{20, true};  // judged only above `removed_floor` rows
  std::uint64_t removed_floor = 100;                   // of the default; 0 where a limit was set
  std::optional<Limit> max_changed;
  std::optional<Limit> max_added;
  std::optional<Limit> encoding = Limit{20, true};
  std::map<std::string, Limit> max_null_jump;  // by field; of the rows with a value the last time
};

/// A guard that was broken: which figure broke which limit.
struct Breach {
  std::string guard;  // the name that --allow-guard takes
  double value = 0;  // in the limit's unit
  Limit limit;
  std::string message;  // figure, limit, and the way on
};

struct GuardFacts {
  DiffCounts counts;
  std::uint64_t known = 0;  // base: acknowledged keys and keys in doubt
  bool encoding_changed = false;  // and the mapping did not
  bool deletes = false;  // on_removed is delete, archive or clear
  NullCounts nulls;  // now
  std::optional<NullCounts> nulls_before;  // of the last run that counted; unset: none did
};

/// Judged on the whole counts, before the first request. `allowed`: names let pass once.
///
/// Guards: `empty` (no valid row while keys are known, whatever on_removed says), `max_removed`
/// (only where something would be deleted), `max_changed` and `encoding` (rows whose version
/// differs; rows that a full refresh sends again are not judged), `max_added`. Shares are of the
/// known keys and say nothing where none are known: a first run passes. `max_null_jump` judges how
/// far a field's NULLs have risen since the last run that counted them: rows, or percentage points
/// of the rows read; it says nothing for a field that was not counted then.
[[nodiscard]] std::vector<Breach> judge(const Guards& guards, const GuardFacts& facts,
                                        const std::vector<std::string>& allowed);

}  // namespace tailrace
