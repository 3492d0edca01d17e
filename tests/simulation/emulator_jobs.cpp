// The tool's jobs: made by a request, at work for a while, and asked for.
#include <algorithm>

#include "emulator.hpp"
#include "emulator_draw.hpp"

namespace tailrace::simulation {
namespace {

constexpr std::uint64_t kLongestWorkMs = 6'000;

bool is_late(const Delivery& delivery) {
  return delivery.fault == Fault::late || delivery.fault == Fault::late_504;
}

}  // namespace

const Delivery* Emulator::job_of(const Ask& ask) const {
  const auto found = std::find_if(log_.begin(), log_.end(), [&](const Delivery& one) {
    return !one.job.empty() &&
           (one.job == ask.job || (ask.job.empty() && one.ask.name == ask.name));
  });
  return found == log_.end() ? nullptr : &*found;
}

/// One that was made late has done its work at once: what is in nobody's sight takes no effect
/// after the quiet time.
void Emulator::make_job(Delivery& delivery) {
  delivery.job = "J" + std::to_string(delivery.number);
  const auto work_ms = static_cast<std::int64_t>(draw(delivery, kWork) % kLongestWorkMs);
  delivery.done_ms = delivery.arrives_ms + (is_late(delivery) ? 0 : work_ms);
  delivery.done_ms += delivery.stuck_ms;
  delivery.rows.assign(delivery.ask.rows.size(), RowAnswer{Done::not_run, {}, {}});
  if (!is_untold(delivery)) return;
  delivery.reply = json_reply(202, {{"job", delivery.job}});
  spoil(delivery);
}

/// That have been made and are at work.
std::size_t Emulator::open_jobs(std::int64_t now_ms) const {
  return static_cast<std::size_t>(
      std::count_if(under_way_.begin(), under_way_.end(), [&](const std::size_t place) {
        const Delivery& one = log_[place];
        return one.arrived && !one.job.empty() && one.done_ms > now_ms;
      }));
}

nlohmann::json Emulator::job_status(const Delivery& job, std::int64_t now_ms) const {
  nlohmann::json status{{"id", job.job}, {"status", "working"}};
  if (now_ms < job.done_ms) return status;
  status["status"] = job.fault == Fault::job_failed ? "failed" : "completed";
  const Twist twist = job.fault == Fault::job_partial_results ? Twist::missing : Twist::none;
  status["results"] = nlohmann::json::array();
  for (const std::size_t row : named_rows(job.rows.size(), twist, draw(job, kWhich))) {
    status["results"].push_back(result_entry(job.ask.rows[row].key, job.rows[row].done));
  }
  return status;
}

/// Of every job that is asked for, as long as the tool has it.
nlohmann::json Emulator::poll_answer(const Delivery& delivery) const {
  const std::vector<std::string>& jobs = delivery.ask.jobs;
  const Twist twist = twist_of(delivery.fault);
  const std::size_t pick = draw(delivery, kWhich);
  nlohmann::json statuses = nlohmann::json::array();
  for (const std::size_t at : named_rows(jobs.size(), twist, pick)) {
    Ask one;
    one.job = jobs[at];
    const Delivery* job = job_of(one);
    if (job != nullptr) statuses.push_back(job_status(*job, delivery.arrives_ms));
  }
  if (twist == Twist::extra) statuses.push_back({{"id", "J0"}, {"status", "completed"}});
  if (twist == Twist::contradict && !statuses.empty()) {
    statuses.push_back({{"id", jobs[pick % jobs.size()]}, {"status", "failed"}});
  }
  return {{"job_statuses", std::move(statuses)}};
}

void Emulator::complete(Delivery& delivery) {
  if (delivery.fault == Fault::job_failed) return;
  judge_rows(delivery);
  apply(delivery);
}

void Emulator::answer_question(Delivery& delivery) {
  if (!is_untold(delivery)) return;
  if (schedule_.face == Face::jobs) {
    delivery.reply = json_reply(200, poll_answer(delivery));
    spoil(delivery);
    return;
  }
  const Delivery* job = job_of(delivery.ask);
  const bool at_work = job != nullptr && delivery.arrives_ms < job->done_ms;
  if (delivery.ask.job.empty()) {
    nlohmann::json jobs = nlohmann::json::array();
    if (job != nullptr) jobs.push_back(job->job);
    delivery.reply = json_reply(200, {{"jobs", std::move(jobs)}});
  } else if (job == nullptr) {
    delivery.reply = language_->error(404, "no_such_job");
  } else if (!delivery.ask.results) {
    const bool failed = job->fault == Fault::job_failed;
    delivery.reply = json_reply(200, {{"state", at_work ? "running" : failed ? "failed" : "done"}});
  } else {
    const Twist twist =
        job->fault == Fault::job_partial_results ? Twist::missing : twist_of(delivery.fault);
    delivery.reply = language_->answer(job->ask, job->rows, twist, draw(delivery, kWhich));
  }
  spoil(delivery);
}

}  // namespace tailrace::simulation
