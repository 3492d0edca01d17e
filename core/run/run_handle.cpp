#include "run/run_handle.hpp"

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

namespace tailrace {
namespace {

using nlohmann::json;

const char* phase_name(Phase phase) {
  switch (phase) {
    case Phase::start: return "start";
    case Phase::read: return "read";
    case Phase::send: return "send";
    case Phase::settle: return "settle";
    case Phase::done: return "done";
  }
  return "start";
}

std::string to_text(const RunResult& result) {
  json source_error = nullptr;
  if (!result.source_code.empty()) source_error = {{"code", result.source_code}};
  const json document = {{"status", to_text(result.report.status)},
                         {"message", result.report.message},
                         {"report", result.report.to_json()},
                         {"plan", result.plan},
                         {"verify", result.verify},
                         {"try", result.attempt},
                         {"source_error", std::move(source_error)}};
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

RunHandle::RunHandle(const std::string& spec, std::unique_ptr<Source> arrow_source, bool calls)
    : calls_(calls ? std::make_shared<http::CallQueue>() : nullptr),
      engine_(parse_run_spec(spec), real_surroundings(std::move(arrow_source), calls_)) {}

RunHandle::~RunHandle() {
  if (!thread_.joinable()) return;
  engine_.cancel();
  thread_.join();
}

void RunHandle::start() {
  if (thread_.joinable()) throw std::logic_error("the run was started before");
  started_at_ = std::chrono::steady_clock::now();
  thread_ = std::thread([this] { work(); });
}

void RunHandle::work() {
  std::string text;
  std::exception_ptr broken;
  try {
    text = to_text(engine_.run());
  } catch (const std::exception&) {
    broken = std::current_exception();
  }
  {
    const std::lock_guard lock(mutex_);
    if (broken) {
      broken_ = broken;
    } else {
      result_ = std::move(text);
    }
    ended_ = true;
  }
  if (calls_) calls_->close();
  ended_signal_.notify_all();
}

http::CallQueue& RunHandle::calls() {
  if (!calls_) throw std::logic_error("the run's destination is no function");
  return *calls_;
}

bool RunHandle::wait(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return ended_signal_.wait_for(lock, limit, [this] { return ended_; });
}

void RunHandle::cancel() { engine_.cancel(); }

std::string RunHandle::progress() const {
  const Progress& now = engine_.progress();
  const std::chrono::duration<double> since = std::chrono::steady_clock::now() - started_at_;
  const bool started = started_at_ != std::chrono::steady_clock::time_point{};
  return json{{"phase", phase_name(now.phase.load())}, {"scanned", now.scanned.load()},
              {"planned", now.planned.load()},         {"accepted", now.accepted.load()},
              {"rejected", now.rejected.load()},       {"unknown", now.unknown.load()},
              {"requests", now.requests.load()},       {"seconds", started ? since.count() : 0.0}}
      .dump();
}

std::string RunHandle::result() const {
  const std::lock_guard lock(mutex_);
  if (!ended_) throw std::logic_error("the run has not ended");
  if (broken_) std::rethrow_exception(broken_);
  return *result_;
}

}  // namespace tailrace
