// Whose state this is: the account that the tool itself names for the credentials.
#include <utility>

#include "run/ask.hpp"
#include "run/engine_session.hpp"
#include "run/whole_state.hpp"

namespace tailrace {
namespace {

// Runs that are looked through for a login: most often the newest has it.
constexpr std::size_t kRunsFirst = 3;
constexpr std::size_t kRunsWithALogin = 50;

}  // namespace

/// State under a name that the sync had before, or under the account's former name, comes to the
/// present one, once.
void Engine::carry_old_name(Session& session, SyncAddress& address) const {
  const bool nowhere_else = spec_.was.empty() && spec_.account_was.empty();
  if (nowhere_else || session.store->peek(address)) return;
  std::vector<std::string> syncs{spec_.sync};
  syncs.insert(syncs.end(), spec_.was.begin(), spec_.was.end());
  std::vector<std::string> accounts{spec_.account};
  accounts.insert(accounts.end(), spec_.account_was.begin(), spec_.account_was.end());
  for (const std::string& sync : syncs) {
    for (const std::string& account : accounts) {
      SyncAddress old = address;
      old.sync = sync;
      old.account = account;
      if (old == address) continue;
      if (!only_looks(spec_)) {
        if (session.store->rename(old, address)) return;
      } else if (session.store->peek(old)) {
        address = old;  // a plan changes nothing
        return;
      }
    }
  }
}

/// Before anything else is done with the state: credentials that were changed may lead to another
/// account, which has none of the rows that this state calls delivered.
void Engine::know_login(Session& session, const SyncAddress& address) {
  const auto destination = world_.destination(spec_.connection, spec_.object, spec_.schema);
  if (!destination->capabilities().answers(ReadAsk::Kind::account)) return;
  const std::string mark = login_mark(session.store->identity().secret, spec_.connection);
  const std::optional<LoginMemory> before = last_login(session, address);
  if (before && before->mark == mark) {
    session.report.login = before;
    return;
  }
  if (!before && only_looks(spec_)) return;  // nothing to compare with, and nothing is kept
  const std::string told = ask_account(session, *destination, before.has_value());
  const std::string known = before ? before->account : std::string();
  const bool moved = !told.empty() && !known.empty() && told != known;
  if (moved && spec_.task != Task::adopt && has_baseline(session, address)) {
    throw Ended(Status::config,
                "the login of connection '" + spec_.connection.value("name", std::string()) +
                    "' belongs to account " + told +
                    ", and what this sync has delivered went to account " + known +
                    ": nothing was sent. To serve both, give one of the two connections an "
                    "`account:` of its own, which keeps their states apart; if " +
                    told + " takes the place of " + known +
                    ", run `tailrace reset --adopt` where it has the records already, else "
                    "`tailrace reset`");
  }
  // Where nobody could tell, what was told before is what later logins are held against.
  if (!told.empty() || before) {
    session.report.login = LoginMemory{mark, told.empty() ? known : told};
  }
}

std::optional<LoginMemory> Engine::last_login(Session& session, const SyncAddress& address) const {
  const auto look = [&](const std::string& sync, std::size_t limit) -> std::optional<LoginMemory> {
    for (const RunRow& run : session.store->runs(sync, limit)) {
      auto found = login_of(run.report, address.account, address.object);
      if (found) return found;
    }
    return std::nullopt;
  };
  if (auto newest = look(address.sync, kRunsFirst)) return newest;
  if (auto found = look(address.sync, kRunsWithALogin)) return found;
  for (const std::string& name : spec_.was) {
    if (auto found = look(name, kRunsWithALogin)) return found;
  }
  return std::nullopt;
}

/// Empty where the tool does not say. With something to compare with, an answer that may still come
/// is waited for by a later run.
std::string Engine::ask_account(Session& session, const Destination& destination, bool needed) {
  const Answer answer = ask_tool(session, destination, {ReadAsk::Kind::account});
  if (cancelled_.load()) throw Ended(Status::cancelled, "cancelled before the model was read");
  if (answer.failure.empty()) return answer.account;
  const std::string what =
      "which account the login belongs to could not be asked (" + answer.failure + ")";
  if (answer.configuration && answer.status == 401) {
    throw Ended(Status::config, failure_to_look(answer) + ": nothing was sent");
  }
  if (needed && !answer.configuration) {
    end_unanswered(session, answer, what + ": nothing was sent");
  }
  session.report.notes.push_back(what);
  return {};
}

bool Engine::has_baseline(Session& session, const SyncAddress& address) const {
  const std::vector<Claim> shards = session.store->shards(address);
  return load_whole(*session.store, shards, spec_.timing.quiet.count()).has_baseline;
}

}  // namespace tailrace
