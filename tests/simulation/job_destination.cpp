#include "job_destination.hpp"

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace tailrace::simulation {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr std::string_view kName = "name:";
constexpr std::string_view kJob = "job:";
constexpr milliseconds kPoll{1'000};
enum Tag : int { kCreate = 1, kFind, kPollJob, kResults };

json body_of(const wire::Reply& reply) {
  if (reply.failure != wire::Failure::none || reply.status / 100 != 2) return nullptr;
  json body = json::parse(reply.body, nullptr, false);
  return body.is_object() ? body : json(nullptr);
}

Call question(std::string path, Tag tag) {
  Call call;
  call.request.method = wire::Method::get;
  call.request.path = std::move(path);
  call.effect = Effect::none;
  call.tag = tag;
  return call;
}

class JobDestination final : public Destination {
 public:
  explicit JobDestination(const json& object) {
    can_.operations = {Operation::upsert, Operation::delete_};
    can_.max_rows = object.at("batch_rows").get<std::size_t>();
  }

  [[nodiscard]] const Capabilities& capabilities() const override { return can_; }
  [[nodiscard]] bool identity_into(std::string_view match, std::string& out) const override {
    out.assign(match);
    return true;
  }
  [[nodiscard]] std::size_t row_bytes(const BatchRow& /*row*/) const override { return 64; }

  [[nodiscard]] Step begin(const Batch& batch) const override {
    json rows = json::array();
    std::string scratch;
    for (const BatchRow& row : batch.rows) {
      json one{{"id", row.match}};
      if (!row.line.empty()) one["v"] = RowView(row.line, *batch.schema).cell(1).text(scratch);
      rows.push_back(std::move(one));
    }
    const bool removes = batch.operation == Operation::delete_;
    Step step;
    step.memo = std::string(kName) + batch.trace;
    Call& call = step.calls.emplace_back();
    call.request.path = "/jobs";
    call.request.body =
        json{{"name", batch.trace}, {"op", removes ? "delete" : "write"}, {"rows", std::move(rows)}}
            .dump();
    call.tag = kCreate;
    return step;
  }

  [[nodiscard]] Step reply(const Batch& batch, const Memo& memo, const Call& call,
                           const wire::Reply& reply) const override {
    Step step;
    step.pause = reply.retry_after.value_or(milliseconds(0));
    switch (call.tag) {
      case kCreate: after_create(batch, memo, reply, step); break;
      case kFind: after_find(memo, reply, step); break;
      case kPollJob: after_poll(batch, call, reply, step); break;
      default: after_results(batch, call, reply, step); break;
    }
    return step;
  }

  [[nodiscard]] Step resume(const Batch& /*batch*/, const Memo& memo) const override {
    Step step;
    if (memo.starts_with(kJob)) {
      ask_for(memo.substr(kJob.size()), step);
    } else {
      look_for(memo, step);
    }
    return step;
  }

 private:
  static void again(const Call& call, Step& step) {
    step.calls.push_back(question(call.request.path, static_cast<Tag>(call.tag)));
    step.wait = kPoll;
  }

  static void look_for(const Memo& memo, Step& step) {
    step.calls.push_back(question("/named/" + memo.substr(kName.size()), kFind));
    step.wait = kPoll;
  }

  static void ask_for(const std::string& job, Step& step) {
    step.memo = std::string(kJob) + job;
    step.calls.push_back(question("/jobs/" + job, kPollJob));
    step.wait = kPoll;
  }

  static void end_all(const Batch& batch, Outcome outcome, Step& step) {
    for (RowIndex row = 0; row < batch.rows.size(); ++row) {
      step.verdicts.push_back({row, outcome, {}, {}});
    }
  }

  static void after_create(const Batch& batch, const Memo& memo, const wire::Reply& reply,
                           Step& step) {
    const json body = body_of(reply);
    if (body.is_object() && body.contains("job")) {
      ask_for(body.at("job").get<std::string>(), step);
    } else if (reply.failure == wire::Failure::not_sent || reply.status == 429) {
      end_all(batch, Outcome::retryable, step);
    } else if (reply.failure == wire::Failure::none && reply.status / 100 == 4) {
      step.reauthenticate = reply.status == 401;
      if (!step.reauthenticate) end_all(batch, Outcome::rejected, step);
    } else {
      look_for(memo, step);
    }
  }

  /// A job that is not there may still come: of its rows nothing is known.
  static void after_find(const Memo& memo, const wire::Reply& reply, Step& step) {
    const json body = body_of(reply);
    if (!body.is_object() || !body.contains("jobs")) {
      look_for(memo, step);
    } else if (!body.at("jobs").empty()) {
      ask_for(body.at("jobs").front().get<std::string>(), step);
    }
  }

  static void after_poll(const Batch& batch, const Call& call, const wire::Reply& reply,
                         Step& step) {
    const json body = body_of(reply);
    const std::string state = body.is_object() ? body.value("state", "") : "";
    if (state == "failed") {
      end_all(batch, Outcome::retryable, step);
    } else if (state == "done") {
      step.calls.push_back(question(call.request.path + "/results", kResults));
    } else {
      again(call, step);
    }
  }

  /// By key, and only what is said once; rows that are not named end unknown.
  static void after_results(const Batch& batch, const Call& call, const wire::Reply& reply,
                            Step& step) {
    const json body = body_of(reply);
    if (!body.is_object() || !body.contains("results")) return again(call, step);
    std::map<std::string, std::vector<int>> told;
    for (const json& entry : body.at("results")) {
      told[entry.value("id", "")].push_back(entry.value("status", 0));
    }
    for (RowIndex row = 0; row < batch.rows.size(); ++row) {
      const auto found = told.find(std::string(batch.rows[row].match));
      if (found == told.end() || found->second.size() != 1) continue;
      const int status = found->second.front();
      Verdict verdict{row, Outcome::accepted, {}, {}};
      if (status == 429) {
        verdict.outcome = Outcome::retryable;
        verdict.reason = {"not_executed", "not this time", {}, true};
      } else if (status / 100 == 4) {
        verdict.outcome = Outcome::rejected;
        verdict.reason = {"refused", "not this one", {}};
      }
      step.verdicts.push_back(std::move(verdict));
    }
  }

  Capabilities can_;
};

}  // namespace

std::unique_ptr<Destination> make_job_destination(const json& object) {
  return std::make_unique<JobDestination>(object);
}

}  // namespace tailrace::simulation
