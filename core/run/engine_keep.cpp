// A breach: what would have been sent is kept, so that it can be looked at and sent as it is.
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "run/engine_session.hpp"
#include "run/kept_plan.hpp"
#include "run/plan_errors.hpp"

namespace tailrace {
namespace {

/// `--allow-guard max_removed`, once for each guard that was broken.
std::string allowances(const std::vector<Breach>& breaches) {
  std::set<std::string> guards;
  for (const Breach& breach : breaches) guards.insert(breach.guard);
  std::string text;
  for (const std::string& guard : guards) text += " --allow-guard " + guard;
  return text;
}

}  // namespace

bool Engine::keep_plan(Session& session) {
  Report& report = session.report;
  const std::string& path = spec_.plan.keep;
  const SyncAddress& found_at = session.found_at;
  // One shard's rows are no plan of the sync, and a plan knows one name of its state.
  const bool can_be_kept =
      !spec_.shard && found_at.sync == spec_.sync && found_at.account == spec_.account;
  if (path.empty() || report.breaches.empty() || !can_be_kept) return false;
  std::string trouble;
  try {
    keep_plan_at(path, session.store->identity(), plan_content(session));
  } catch (const PlanError& error) {
    trouble = error.what();
  } catch (const std::system_error& error) {
    trouble = error.what();
  }
  if (!trouble.empty()) {
    report.notes.push_back("the plan could not be kept: " + trouble);
    return false;
  }
  report.notes.push_back("the plan is kept in " + path + ": `tailrace run --select " + spec_.sync +
                         " --plan " + path + allowances(report.breaches) +
                         "` sends exactly that, as long as no other run is begun");
  return true;
}

void Engine::refuse_breaches(const Session& session, bool kept) {
  if (session.report.breaches.empty()) return;
  std::string message = "refused by a guard, nothing was sent";
  for (const Breach& breach : session.report.breaches) message += "; " + breach.message;
  if (kept) message += "; " + session.report.notes.back();
  throw Ended(Status::refused, message);
}

}  // namespace tailrace
