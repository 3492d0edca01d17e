#include "run/kept_plan.hpp"

#include <cerrno>
#include <filesystem>
#include <system_error>

#include <sys/stat.h>

#include "run/plan_errors.hpp"

namespace tailrace {
namespace {

namespace fs = std::filesystem;

void make_folder(const fs::path& folder) {
  const fs::file_status there = fs::symlink_status(folder);
  if (fs::is_directory(there)) return;
  if (fs::exists(there)) throw PlanError("plan: " + folder.string() + " is no folder");
  if (folder.has_parent_path() && !fs::exists(folder.parent_path())) {
    make_folder(folder.parent_path());
  }
  if (::mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST) return;
  throw PlanError("plan: the folder " + folder.string() +
                  " cannot be made: " + std::generic_category().message(errno));
}

}  // namespace

void keep_plan_at(const std::string& path, const StoreIdentity& store, const PlanContent& content) {
  make_folder(fs::path(path).parent_path());
  static_cast<void>(write_plan(path, store, content));
}

void drop_plan_at(const std::string& path) {
  const fs::path at(path);
  std::error_code ignored;
  if (!fs::is_regular_file(fs::symlink_status(at, ignored))) return;
  try {
    const PlanDirectory folder(at.parent_path().string());
    const std::string name = at.filename().string();
    if (folder.may_write(name)) folder.remove(name);
  } catch (const PlanError&) {
    return;  // it is none of ours
  } catch (const std::system_error&) {
    return;
  }
}

}  // namespace tailrace
