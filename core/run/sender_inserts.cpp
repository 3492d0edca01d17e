// Inserts that an earlier run may have made: sent again under their idempotency key, looked up at
// the destination, or parked until a person has looked.
#include <algorithm>
#include <utility>

#include "row/mutant.hpp"
#include "row/sha256.hpp"
#include "run/sender.hpp"
#include "wire/body.hpp"

namespace tailrace {
namespace {

using std::chrono::milliseconds;

// One look that finds nothing proves little where a tool's index lags behind its writes.
constexpr int kReads = 2;
constexpr milliseconds kReadLag{2'000};
// A key is given up so long before the tool forgets it.
constexpr milliseconds kTtlMargin{5 * 60'000};

std::int64_t first_sent_of(const OpenBatch& open) {
  try {
    return std::stoll(open.intent.memo);
  } catch (const std::exception&) {
    return 0;  // not a time: as old as can be, so that the key is not used again
  }
}

std::string body_sha256(const wire::Request& request) {
  Sha256 digest;
  wire::each_piece(request, [&](std::string_view piece) {
    digest.bytes(piece);
    return true;
  });
  return digest.raw();
}

}  // namespace

/// A function of content and never of the attempt: the same rows in the same order have one key. A
/// row that is appended may come back to a version that was made before, and is made again then:
/// there the time of the first attempt is part of it, which is on record with the batch.
std::string Sender::idempotency_key(const Work& work) const {
  Sha256 digest;
  if (options_.appends && !mutant(30)) {
    digest.number(static_cast<std::uint64_t>(work.first_sent_ms));
  }
  digest.text(options_.insert_scope);
  digest.text(to_text(work.operation));
  for (const WorkRow& row : work.rows) {
    digest.text(row.key);
    digest.number(row.version);
  }
  return digest.hex();
}

void Sender::mark_repeatable(const Work& work, const wire::Request& request, IntentBatch& intent) {
  intent.body_sha256 = body_sha256(request);
  intent.memo = std::to_string(work.first_sent_ms);
}

/// True while the whole batch may go again under its key: none of its rows has ended, and the tool
/// still knows the key.
bool Sender::may_repeat(const Work& work) const {
  const auto open = [](const WorkRow& row) {
    if (row.regrouped || !row.verdict) return false;
    const Outcome outcome = row.verdict->outcome;
    return outcome == Outcome::unknown || outcome == Outcome::retryable;
  };
  const auto& ttl = parts_.destination.capabilities().idempotency_ttl;
  const std::int64_t age = store_ms(parts_.clock.now()) - work.first_sent_ms;
  return ttl && age < (*ttl - kTtlMargin).count() &&
         std::all_of(work.rows.begin(), work.rows.end(), open);
}

/// Called when the changeset is used up: all doubtful inserts are known by then.
void Sender::take_doubtful() {
  if (ending() || doubtful_.empty()) return;
  const std::int64_t now_ms = store_ms(parts_.clock.now());
  if (options_.insert_safety == InsertSafety::idempotency_key) repeat_open_batches(now_ms);
  if (options_.insert_safety != InsertSafety::park && options_.can_read_back) {
    return read_back_due(now_ms);
  }
  while (!doubtful_.empty()) {
    park(std::move(doubtful_.front()));
    doubtful_.pop_front();
  }
}

/// An insert of an earlier run that cannot go again under its idempotency key: it was refused with
/// its batch, or other rows of the batch were taken. The refusal does not tell whether the tool
/// knew the key, so somebody has to look. Where an answer was lost in this run as well it is too
/// early.
bool Sender::is_stuck(const Work& work, const WorkRow& row) const {
  const bool of_earlier_run = row.was_unknown && !row.was_lost;
  return of_earlier_run && row.verdict->outcome == Outcome::retryable && !ending() &&
         !work.idempotency_key.empty() && (work.stuck || !may_repeat(work));
}

void Sender::look_up(Work& work, const std::vector<RowIndex>& stuck) {
  for (const RowIndex index : stuck) {
    work.rows[index].is_stuck = true;
    work.rows[index].verdict.reset();
    doubtful_.push_back(std::move(work.rows[index]));
  }
  if (exhausted_) take_doubtful();
}

void Sender::park(WorkRow row) {
  row.version = version_in_doubt(row);  // that is what a person will look for
  Reason reason{std::string(kParkedCode),
                "an earlier run sent this insert and its answer was lost: see whether the record "
                "is there, then use rejected --delivered or rejected --retry",
                {}};
  withheld({std::move(row), std::move(reason), Hold::parked, false});
}

void Sender::repeat_open_batches(std::int64_t now_ms) {
  const auto& ttl = parts_.destination.capabilities().idempotency_ttl;
  for (const OpenBatch& open : parts_.state.open) {
    if (open.intent.body_sha256.empty() || !ttl) continue;
    Work work;
    work.first_sent_ms = first_sent_of(open);
    if (now_ms - work.first_sent_ms >= (*ttl - kTtlMargin).count()) continue;
    if (assemble(open, work)) retries_.push_back(std::move(work));
  }
}

/// The batch as it was sent, from the rows of this model: every row of it in the same version, and
/// a body of the same bytes. False leaves the rows where they are.
bool Sender::assemble(const OpenBatch& open, Work& work) {
  std::vector<std::size_t> found;
  for (const IntentRow& row : open.intent.rows) {
    const auto same = [&row](const WorkRow& one) {
      return one.identity == row.identity && one.version == row.version && !one.is_stuck;
    };
    const auto at = std::find_if(doubtful_.begin(), doubtful_.end(), same);
    if (at == doubtful_.end()) return false;
    found.push_back(static_cast<std::size_t>(at - doubtful_.begin()));
  }
  work.operation = Operation::insert;
  for (const std::size_t index : found) work.rows.push_back(doubtful_[index]);
  for (WorkRow& row : work.rows) row.was_unknown = true;
  work.refresh_views(parts_.batches.lines());
  work.idempotency_key = idempotency_key(work);
  const Step step = parts_.destination.begin(work.batch(parts_.schema));
  if (step.calls.size() != 1) return false;
  if (body_sha256(step.calls.front().request) != open.intent.body_sha256) return false;
  std::sort(found.begin(), found.end(), std::greater<>());
  for (const std::size_t index : found) {
    doubtful_.erase(doubtful_.begin() + static_cast<std::ptrdiff_t>(index));
  }
  return true;
}

/// Asks for the rows that can no longer arrive by themselves; the others wait.
void Sender::read_back_due(std::int64_t now_ms) {
  const std::size_t most = parts_.destination.capabilities().max_rows;
  std::deque<WorkRow> waiting;
  Work work;
  const auto send_off = [&] {
    if (!work.rows.empty()) retries_.push_back(std::exchange(work, Work{}));
  };
  for (WorkRow& row : doubtful_) {
    const auto doubt = parts_.state.doubts.find(row.identity);
    if (doubt != parts_.state.doubts.end() && now_ms <= doubt->second.horizon_ms) {
      waiting.push_back(std::move(row));
      continue;
    }
    work.operation = Operation::insert;
    work.reads_back = true;
    work.rows.push_back(std::move(row));
    if (work.rows.size() >= most) send_off();
  }
  send_off();
  doubtful_ = std::move(waiting);
}

ReadAsk Sender::read_back_ask(const Work& work) const {
  ReadAsk question;
  question.kind = ReadAsk::Kind::by_match;
  for (const WorkRow& row : work.rows) {
    if (auto match = parts_.destination.identity(row.match)) {
      question.match.push_back(std::move(*match));
    }
  }
  return question;
}

void Sender::ask_read_back(Work& work) {
  apply_read(work, parts_.destination.read(read_back_ask(work)), nullptr);
}

void Sender::apply_read(Work& work, ReadStep step, const wire::Reply* reply) {
  const auto settle = [&](const std::string& match, Outcome outcome, const std::string& id) {
    for (WorkRow& row : work.rows) {
      if (parts_.destination.identity(row.match) != match) continue;
      row.verdict = Verdict{};
      row.verdict->outcome = outcome;
      row.verdict->destination_id = id;
    }
  };
  for (const Record& one : step.records) {
    settle(one.match, Outcome::accepted, one.destination_id);
  }
  for (const std::string& match : step.absent) settle(match, Outcome::retryable, {});
  if (step.stop) note_trouble({{}, parts_.scrubber.clean(step.stop->message), {}});
  if (reply != nullptr) {
    Step pace;
    pace.pause = reply->retry_after.value_or(milliseconds(0));
    take_pace(work, pace, 0, reply);
  }
  for (Call& call : step.calls) ask_intent(work, std::move(call));
  if (work.outstanding == 0) end_read_back(work);
}

/// The version that was sent when the answer was lost: that is what the record has.
Version Sender::version_in_doubt(const WorkRow& row) const {
  const auto doubt = parts_.state.doubts.find(row.identity);
  const bool known = doubt != parts_.state.doubts.end() && !doubt->second.mixed;
  return known ? doubt->second.version : row.version;
}

/// What is to become of a row that was looked for.
Sender::Look Sender::look_of(const Work& work, const WorkRow& row) const {
  const Outcome outcome = row.verdict ? row.verdict->outcome : Outcome::unknown;
  if (outcome == Outcome::accepted) return Look::found;
  if (ending()) return Look::open;
  const bool absent = outcome == Outcome::retryable;
  if (absent && work.reads + 1 >= kReads) return Look::absent;
  return absent || work.attempt < options_.max_attempts ? Look::again : Look::open;
}

/// Found: accepted. Absent each time: sent now. Anything else is still not known.
void Sender::end_read_back(Work& work) {
  Settled settled;
  Piece piece;
  TakenBatch found;
  found.rows.op = StateOp::insert;
  Work absent;
  Work again;
  for (WorkRow& row : work.rows) {
    switch (look_of(work, row)) {
      case Look::found:
        ++settled.counts.accepted;
        if (row.was_rejected) piece.no_longer_rejected.push_back(row.identity);
        found.rows.rows.push_back({row.identity, version_in_doubt(row), row.key, row.match});
        found.destination_ids.push_back(row.verdict->destination_id);
        break;
      case Look::absent:
        row.was_unknown = false;
        absent.rows.push_back(std::move(row));
        break;
      case Look::again: again.rows.push_back(std::move(row)); break;
      case Look::open: ++settled.counts.unknown; break;
    }
  }
  if (!found.rows.rows.empty()) piece.taken.push_back(std::move(found));
  submit(std::move(piece), std::move(settled));
  if (!again.rows.empty()) look_again(work, std::move(again));
  if (!absent.rows.empty()) {
    absent.operation = Operation::insert;
    retries_.push_back(std::move(absent));
  }
  works_.erase(work.id);
}

/// One look more, once what was just made may be seen. A look that told nothing is an attempt.
void Sender::look_again(const Work& before, Work again) {
  const bool all_told = std::all_of(again.rows.begin(), again.rows.end(),
                                    [](const WorkRow& row) { return row.verdict.has_value(); });
  again.operation = Operation::insert;
  again.reads_back = true;
  again.reads = before.reads + (all_told ? 1 : 0);
  again.attempt = before.attempt + (all_told ? 0 : 1);
  again.ready_at = parts_.clock.now() + kReadLag;
  retries_.push_back(std::move(again));
}

/// What could not be settled in this run is unknown, and the next one is of use from then on.
void Sender::count_doubtful() {
  for (const WorkRow& row : doubtful_) {
    ++report_.outcomes.unknown;
    const auto doubt = parts_.state.doubts.find(row.identity);
    if (doubt == parts_.state.doubts.end()) continue;
    const std::int64_t due = doubt->second.horizon_ms + 1;
    report_.not_before_ms = std::max(report_.not_before_ms.value_or(due), due);
  }
  if (!doubtful_.empty()) {
    note_trouble({{}, "inserts whose answers were lost may still arrive", {}});
  }
  doubtful_.clear();
}

}  // namespace tailrace
