// The model against what the destination has, field by field. Nothing is written.
#include <algorithm>
#include <unordered_map>
#include <utility>

#include "run/account_budget.hpp"
#include "run/engine_session.hpp"
#include "run/questions.hpp"

namespace tailrace {
namespace {

/// A row waiting to be compared.
struct Waiting {
  std::string key;
  std::string line;  // empty: the row has left the model
};

/// Verifying needs records that stand for rows, and that can be asked for.
void need_records(const RunSpec& spec, const Capabilities& can) {
  if (spec.mode == Mode::append) {
    throw std::invalid_argument(
        "verify: append makes a record of each version, so that no record "
        "stands for the row as it is now");
  }
  if (!can_find_records(can)) {
    throw std::invalid_argument(
        "verify: this object of the destination cannot be asked for "
        "records by their match value");
  }
}

/// As many as whole questions take.
std::size_t rows_at_a_time(const Capabilities& can) {
  constexpr std::size_t kMostWaiting = 1000;
  const bool several = can.read_rows > 1 && can.read_rows <= kMostWaiting;
  if (!several) return std::min(can.max_rows, kMostWaiting);
  return kMostWaiting / can.read_rows * can.read_rows;
}

}  // namespace

/// Compares batch by batch what the tool answers for their match values.
class Engine::Comparison {
 public:
  Comparison(const Destination& destination, const Schema& schema, Questions& questions,
             Verification& out)
      : destination_(destination), schema_(schema), questions_(questions), out_(out) {}

  void add(const std::string& match, Waiting row) {
    auto normalised = destination_.identity(match);
    if (!normalised) return unreadable(std::move(row));
    const auto [at, alone] = waiting_.try_emplace(std::move(*normalised), std::move(row));
    // Not moved from where there was one. A record whose row left under one key may have come back
    // under another: that one counts.
    if (!alone && at->second.line.empty()) at->second = std::move(row);
    if (waiting_.size() >= rows_at_a_time(destination_.capabilities())) flush();
  }

  void flush() {
    if (waiting_.empty()) return;
    ReadAsk question;
    question.kind = ReadAsk::Kind::by_match;
    for (const auto& [match, row] : waiting_) question.match.push_back(match);
    Answer answer;
    if (out_.failure.empty()) answer = questions_.ask(question);
    if (!answer.failure.empty()) out_.failure = answer.failure;
    if (answer.spent) spent_ = answer;
    for (const Record& record : answer.records) compare(record);
    for (const std::string& match : answer.absent) absent(match);
    for (auto& [match, row] : waiting_) unreadable(std::move(row));
    waiting_.clear();
  }

  /// The answer that says that limits leave no room for more questions, where one did.
  [[nodiscard]] const std::optional<Answer>& spent() const { return spent_; }

 private:
  void unreadable(Waiting row) {
    ++out_.unreadable;
    out_.add({std::move(row.key), "unreadable", {}});
  }

  void compare(const Record& record) {
    const auto found = waiting_.find(record.match);
    if (found == waiting_.end()) return;
    Waiting row = std::move(found->second);
    waiting_.erase(found);
    if (row.line.empty()) {
      ++out_.extra;
      return out_.add({std::move(row.key), "extra", {}});
    }
    ++out_.checked;
    auto fields = differing_fields(destination_, schema_, row.line, record);
    if (fields.empty()) {
      ++out_.equal;
      return;
    }
    ++out_.different;
    out_.repair.push_back(row.key);
    out_.add({std::move(row.key), "different", std::move(fields)});
  }

  void absent(const std::string& match) {
    const auto found = waiting_.find(match);
    if (found == waiting_.end()) return;
    Waiting row = std::move(found->second);
    waiting_.erase(found);
    if (row.line.empty()) return;  // gone from the model and from the tool
    ++out_.checked;
    ++out_.missing;
    out_.repair.push_back(row.key);
    out_.add({std::move(row.key), "missing", {}});
  }

  const Destination& destination_;
  const Schema& schema_;
  Questions& questions_;
  Verification& out_;
  std::unordered_map<std::string, Waiting> waiting_;
  std::optional<Answer> spent_;
};

void Engine::verify(Session& session) {
  const Capabilities& can = session.destination->capabilities();
  need_records(spec_, can);
  session.transport = world_.transport(transport_options(spec_.connection, spec_.user_agent));
  wake_by(session.transport.get());
  progress_.phase.store(Phase::send);
  const std::vector<wire::RateRule> rates = rates_of(can, spec_.connection);
  AccountBudget account(spec_.account, rates, [&](const RateAsk& ask) {
    return session.store->draw(ask);  // no committer is at work: nothing is written
  });
  Questions questions({*session.destination, *session.login, *session.transport, *world_.clock,
                       account, cancelled_, session.report.http},
                      spec_.connection, rates);
  Comparison comparison(*session.destination, spec_.schema, questions, session.verification);
  compare_rows(session, comparison);
  account.give_back(world_.clock->now());
  session.login->auth().finish(kTokenPatience);
  if (session.login->auth().failure()) throw Ended(Status::config, session.verification.failure);
  if (comparison.spent()) end_unanswered(session, *comparison.spent(), comparison.spent()->failure);
}

void Engine::compare_rows(Session& session, Comparison& comparison) const {
  std::string key;
  std::string scratch;
  ChangeRow row;
  session.changes->rewind();
  while (session.changes->next(row)) {
    if (session.is_duplicate(row.identity)) continue;
    if (cancelled_.load()) throw Ended(Status::cancelled, "cancelled while records were read");
    if (row.change == Change::removed) {
      const EntryKeys& keys = row.keys;
      comparison.add(keys.match.empty() ? keys.key : keys.match, {keys.key, {}});
      continue;
    }
    if (!is_delivered(session, row)) {
      ++session.verification.pending;
      continue;
    }
    const RowView view(row.line, spec_.schema);
    key_text(view, key);
    comparison.add(std::string(view.cell(spec_.schema.match).text(scratch)), {key, row.line});
  }
  comparison.flush();
}

/// The destination has acknowledged the row as it is, and nothing is under way that could change
/// it.
bool Engine::is_delivered(const Session& session, const ChangeRow& row) const {
  const StateTable& table = session.state.table;
  const StateTable::Slot slot = table.find(row.identity);
  if (slot == StateTable::kNone) return false;
  const StateTable::Marks& marks = table.marks(slot);
  return marks.acknowledged && !marks.in_doubt && table.version(slot) == row.version;
}

}  // namespace tailrace
