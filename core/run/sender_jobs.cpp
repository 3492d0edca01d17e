// Batches that the tool works on by itself: what has a job is asked for until it is done, and left
// to the next run where that takes too long.
#include <algorithm>
#include <utility>

#include "row/mutant.hpp"
#include "run/sender.hpp"

namespace tailrace {
namespace {

using std::chrono::milliseconds;

// A job whose request was not answered may be at work all the same, for about so long.
constexpr milliseconds kLostJob{30'000};
// A tool that is full of others' jobs is asked again after so long, and longer each time.
constexpr milliseconds kFullWait{2'000};
constexpr int kMostDoublings = 4;

}  // namespace

/// True where nothing but the tool's own work is waited for: the job is on record by its memo, and
/// nothing has been said of any row.
bool Sender::waits_for_job(const Work& work) const {
  if (!work.job_since && !work.resumes) return false;
  const auto silent = [](const WorkRow& row) { return !row.verdict && !row.regrouped; };
  const auto on_record = [](const WorkIntent& intent) { return intent.sent && !intent.closed; };
  return std::any_of(work.intents.begin(), work.intents.end(), on_record) &&
         std::all_of(work.rows.begin(), work.rows.end(), silent);
}

bool Sender::job_takes_too_long(const Work& work) const {
  return work.job_since && waits_for_job(work) &&
         parts_.clock.now() - *work.job_since >= options_.timing.job_patience;
}

/// Its intents stay open, so that the next run takes the job up again from the memo. What was said
/// of other rows of the batch is settled now.
void Sender::leave_pending(Work& work) {
  const auto open = [](const WorkRow& row) { return !row.verdict && !row.regrouped; };
  report_.outcomes.pending +=
      static_cast<std::uint64_t>(std::count_if(work.rows.begin(), work.rows.end(), open));
  const std::int64_t due = store_ms(std::max(work.ready_at, parts_.clock.now()));
  report_.not_before_ms = std::max(report_.not_before_ms.value_or(due), due);
  if (work.in_job) {
    settle_beside_job(work);
    hold_place();
  }
  works_.erase(work.id);
}

/// Rows that ended before the job began, or that go on in other batches: the intents that spoke
/// for them and not for the job are closed.
void Sender::settle_beside_job(Work& work) {
  Settled settled;
  Piece piece;
  for (WorkRow& row : work.rows) {
    if (row.verdict && !row.regrouped) finish_row(work, row, settled, piece);
  }
  take_unsent(work, piece);
  submit(std::move(piece), std::move(settled));
  split_regrouped(work);
}

/// The tool has taken the batch into a job. The intent was for the request, whose answer has come:
/// another takes its place, with the job's name, so that the next run can ask for it.
void Sender::enter_job(Work& work) {
  work.in_job = true;
  work.job_since = parts_.clock.now();
  if (work.resumes) return;  // it is on record
  const auto sent = std::find_if(work.intents.rbegin(), work.intents.rend(),
                                 [](const auto& one) { return one.sent && !one.closed; });
  if (sent == work.intents.rend()) return;
  IntentBatch intent = intent_of(work, open_rows(work));
  WorkIntent mark;
  mark.rows = open_rows(work);
  mark.sent = true;
  mark.sent_at_ms = sent->sent_at_ms;
  Piece piece;
  piece.id = next_id_++;
  piece.voids.push_back({sent->seq, sent->batch});
  piece.intents.push_back(std::move(intent));
  sent->closed = true;
  work.intents.push_back(std::move(mark));
  work.handing_over = true;
  handing_over_.emplace(piece.id, work.id);
  parts_.committer.submit(std::move(piece));
}

/// The job is on record.
void Sender::take_handover(std::uint64_t id, const Ack& ack) {
  Work& work = works_.at(id);
  WorkIntent& intent = work.intents.back();
  intent.seq = ack.intent_seq;
  intent.batch = ack.first_batch;
  work.handing_over = false;
}

/// Batches hold a job's place from their start to their end; so does, for a while, a request that
/// was not answered.
bool Sender::job_is_free(Clock::Time now) {
  if (mutant(28)) return true;
  const std::size_t most = parts_.destination.capabilities().max_jobs;
  while (!lost_jobs_.empty() && lost_jobs_.front() <= now) lost_jobs_.pop_front();
  if (now < jobs_full_until_) return false;
  // Where all places are lost ones, one batch at a time finds out.
  return most == 0 || works_.empty() || works_.size() + lost_jobs_.size() < most;
}

/// Others use the account: no new job before one of ours has ended, or some time has passed.
void Sender::take_jobs_full(Work& work, const Step& step) {
  work.paced = true;
  const milliseconds wait = kFullWait * (1 << std::min(jobs_full_++, kMostDoublings));
  jobs_full_until_ = parts_.clock.now() + std::max(wait, step.pause);
}

void Sender::note_lost_job(const Work& work) {
  if (parts_.destination.capabilities().max_jobs == 0) return;
  const auto lost = [](const WorkIntent& intent) { return intent.sent && intent.lost; };
  const auto unknown = [](const WorkRow& row) {
    return !row.verdict || row.verdict->outcome == Outcome::unknown;
  };
  // Answers that make no sense do not say that the job has ended.
  const bool given_up = work.job_since && std::all_of(work.rows.begin(), work.rows.end(), unknown);
  if (given_up || std::any_of(work.intents.begin(), work.intents.end(), lost)) hold_place();
}

/// For a job that goes on without a batch that waits for it.
void Sender::hold_place() { lost_jobs_.push_back(parts_.clock.now() + kLostJob); }

std::size_t Sender::jobs_under_way() const {
  return static_cast<std::size_t>(std::count_if(
      works_.begin(), works_.end(),
      [](const auto& entry) { return entry.second.in_job && !entry.second.handing_over; }));
}

bool Sender::jobs_are_urgent() const {
  const std::size_t most = parts_.destination.capabilities().max_jobs;
  const bool full = most > 0 && works_.size() + lost_jobs_.size() >= most;
  return full || exhausted_ || ending();
}

/// When to ask for jobs; nothing where there are none to ask for.
std::optional<Clock::Time> Sender::jobs_due() const {
  if (poll_) return std::nullopt;
  std::optional<Clock::Time> oldest;
  for (const auto& [id, work] : works_) {
    if (!work.in_job || work.handing_over) continue;
    if (!oldest || *work.job_since < *oldest) oldest = work.job_since;
  }
  if (!oldest) return std::nullopt;
  return job_pace_.next(*oldest, jobs_are_urgent(), round_of(jobs_under_way()));
}

/// One request for all jobs that are under way, the ones that were asked for longest ago first. A
/// run that ends asks once more.
void Sender::ask_for_jobs() {
  leave_long_jobs();
  const Clock::Time now = parts_.clock.now();
  const std::optional<Clock::Time> due = jobs_due();
  if (!due || (*due > now && !ending())) return;
  asked_last_ = ending();
  if (stop_ && stop_->kind == Stop::Kind::quota) return;
  Poll poll;
  for (const auto& [id, work] : works_) {
    if (work.in_job && !work.handing_over) poll.works.push_back(id);
  }
  std::sort(poll.works.begin(), poll.works.end(), [&](std::uint64_t a, std::uint64_t b) {
    const auto asked = [&](std::uint64_t id) { return works_.at(id).job_asked_at; };
    return asked(a) != asked(b) ? asked(a) < asked(b) : a < b;
  });
  poll.round = round_of(poll.works.size());
  const std::size_t most = parts_.destination.capabilities().poll_jobs;
  if (poll.works.size() > most) poll.works.resize(most);
  PendingCall pending;
  pending.call = parts_.destination.poll(job_batches(poll));
  if (!may_start(pending.call.rate_class)) return;
  for (const std::uint64_t id : poll.works) {
    Work& work = works_.at(id);
    // One that has to wait for its turn could have been seen to end before.
    const bool waited = poll.round > 1 && work.job_asked_at < *work.job_since;
    const Clock::Time in_time =
        waited ? std::min(*due, job_pace_.first_look(*work.job_since, jobs_are_urgent())) : *due;
    poll.late.push_back(
        std::max(milliseconds(0), std::chrono::duration_cast<milliseconds>(now - in_time)));
    work.job_asked_at = now;
  }
  poll.call = next_id_++;
  calls_.emplace(poll.call, std::move(pending));
  poll_ = std::move(poll);
  start_call(poll_->call);
}

/// Requests that it takes to ask for so many jobs.
std::size_t Sender::round_of(std::size_t jobs) const {
  const std::size_t most = parts_.destination.capabilities().poll_jobs;
  return std::max<std::size_t>(1, (jobs + most - 1) / most);
}

std::vector<JobBatch> Sender::job_batches(const Poll& poll) const {
  std::vector<JobBatch> batches;
  for (const std::uint64_t id : poll.works) {
    const Work& work = works_.at(id);
    batches.push_back({work.batch(parts_.schema), &work.memo});
  }
  return batches;
}

void Sender::take_polled(const PendingCall& pending, const wire::Reply& reply) {
  const Poll poll = *std::exchange(poll_, std::nullopt);
  Polled said = parts_.destination.polled(job_batches(poll), reply);
  Work of_the_request;  // which has no rows
  take_pace(of_the_request, said.common, pending.call.rate_class, &reply);
  if (!said.common.reauthenticate) {
    if (reply.failure == wire::Failure::none) parts_.auth.accepted(pending.login);
  } else if (parts_.auth.renewable() && !parts_.auth.refused(pending.login)) {
    said.common.stop =
        Stop{Stop::Kind::configuration,
             parts_.auth.failure().value_or("the credentials were refused"), std::nullopt};
  }
  take_stop(of_the_request, said.common, &reply);
  const Clock::Time now = parts_.clock.now();
  bool any_ended = false;
  for (std::size_t i = 0; i < poll.works.size(); ++i) {
    Work& work = works_.at(poll.works[i]);
    Step step = i < said.steps.size() ? std::move(said.steps[i]) : Step{};
    if (step.in_job) {
      if (!step.memo.empty()) work.memo = std::move(step.memo);
      continue;
    }
    any_ended = true;
    // A question that had to wait says nothing of how long jobs take.
    const Clock::Time in_time = now - poll.late[i];
    if (in_time > *work.job_since) {
      job_pace_.ended(std::chrono::duration_cast<milliseconds>(in_time - *work.job_since));
    }
    work.in_job = false;
    apply(work, std::move(step), nullptr, nullptr);
  }
  job_pace_.answered(now, any_ended, poll.round);
  if (!any_ended) return;
  jobs_full_until_ = {};
  jobs_full_ = 0;
}

/// A run that ends, or has waited long enough, leaves its jobs to the next one.
void Sender::leave_long_jobs() {
  const Clock::Time now = parts_.clock.now();
  std::vector<std::uint64_t> left;
  for (const auto& [id, work] : works_) {
    const bool asked =
        poll_ && std::find(poll_->works.begin(), poll_->works.end(), id) != poll_->works.end();
    if (!work.in_job || work.handing_over || asked) continue;
    const bool long_enough = now - *work.job_since >= options_.timing.job_patience;
    if (asked_last_ || drained_ || long_enough) left.push_back(id);
  }
  for (const std::uint64_t id : left) leave_pending(works_.at(id));
}

}  // namespace tailrace
