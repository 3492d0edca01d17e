#pragma once

#include <string>

#include "run/plan_parts.hpp"
#include "state/records.hpp"

namespace tailrace {

/// The plan of a run that a guard refused, in a private folder of the project: whoever finds the
/// rows right sends them as they are. A later refusal writes over it, and a run that gets past its
/// guards takes it away, since it is stale from then on.

/// Writes it to `path`, mode 0600, in one step; makes the folder, mode 0700, and its parents.
/// Throws PlanError where it may not be written, or a symbolic link stands where the folder should
/// be, and std::system_error where the disk is full or fails.
void keep_plan_at(const std::string& path, const StoreIdentity& store, const PlanContent& content);

/// Takes it away where there is one; nothing else is touched, and no failure told: what is left is
/// refused as stale.
void drop_plan_at(const std::string& path);

}  // namespace tailrace
