// Jobs of a tool that allows few requests a minute: most of them have to carry rows.
#include <gtest/gtest.h>

#include <deque>
#include <unordered_map>

#include "virtual_world.hpp"

namespace tailrace {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using std::chrono::milliseconds;
using testing::Answered;
using testing::VirtualWorld;
using Time = VirtualWorld::Time;

/// Zendesk, as far as the upsert of users needs it: 30 jobs at once, each at work for `job`, and
/// so many requests in any minute.
struct Desk {
  milliseconds job{200};

  static constexpr std::size_t kPerMinute = 400;

  std::size_t refused = 0;
  std::size_t asked = 0;  // times, for jobs
  std::size_t most_jobs = 0;

  Answered answer(const http::Outgoing& outgoing, Time now) {
    while (!taken_.empty() && taken_.front() <= now - 60s) taken_.pop_front();
    if (taken_.size() >= kPerMinute) {
      ++refused;
      return {5ms, VirtualWorld::status(429)};
    }
    taken_.push_back(now);
    const std::string& path = outgoing.request.path;
    if (path == "/api/v2/users/me") {
      return {15ms, VirtualWorld::ok(R"({"user": {"id": 1, "role": "admin"}})")};
    }
    if (path == "/api/v2/user_fields") {
      return {15ms, VirtualWorld::ok(R"({"user_fields": [], "meta": {"has_more": false}})")};
    }
    if (outgoing.request.method == wire::Method::get) return {15ms, polled(outgoing, now)};
    std::size_t at_work = 0;
    for (const auto& [id, one] : jobs_) at_work += !one.told;
    most_jobs = std::max(most_jobs, at_work + 1);
    const std::string id = "j" + std::to_string(jobs_.size());
    jobs_[id] = {now + 15ms + job, json::parse(outgoing.request.body).at("users").size()};
    return {15ms, VirtualWorld::ok(json{{"job_status", {{"id", id}}}}.dump())};
  }

 private:
  struct Job {
    Time until;
    std::size_t rows;
    bool told = false;  // that it is done
  };
  wire::Reply polled(const http::Outgoing& outgoing, Time now) {
    ++asked;
    json said = json::array();
    std::istringstream ids(outgoing.request.query.substr(std::string("ids=").size()));
    for (std::string id; std::getline(ids, id, ',');) {
      Job& one = jobs_.at(id);
      one.told = one.until <= now;
      json status{{"id", id}, {"status", one.told ? "completed" : "working"}};
      for (std::size_t i = 0; one.told && i < one.rows; ++i) {
        status["results"].push_back({{"index", i}, {"id", i + 1}, {"status", "Updated"}});
      }
      said.push_back(std::move(status));
    }
    return VirtualWorld::ok(json{{"job_statuses", said}}.dump());
  }
  std::deque<Time> taken_;
  std::unordered_map<std::string, Job> jobs_;
};

TEST(LimitedJobs, FiftyThousandUsersTakeTheTimeThatTheirRequestsNeedAtTheRate) {
  for (const milliseconds job : {200ms, 1'000ms}) {
    Desk desk;
    desk.job = job;
    VirtualWorld world(
        [&](const http::Outgoing& outgoing, Time now) { return desk.answer(outgoing, now); });
    world.columns = {{"external_id", Type::text, "text"}, {"name", Type::text, "text"}};
    world.changes["columns"] = {{{"name", "external_id"}}, {{"name", "name"}}};
    world.changes["connection"] = {{"type", "zendesk"},
                                   {"limits", {{{"requests", 400}, {"per_s", 60}}}}};
    world.changes["object"] = {{"name", "users"}};
    world.changes["timing"]["drain_s"] = 60;
    world.changes["memory"]["directory"] = world.folder.string();
    world.fill(50'000);
    const Time before = world.now();
    const RunResult result = world.run_through();
    const double took = std::chrono::duration<double>(world.now() - before).count();
    EXPECT_EQ(result.report.status, Status::done) << result.report.message;
    EXPECT_EQ(result.report.outcomes.accepted, 50'000u);
    EXPECT_EQ(desk.refused, 0u);
    EXPECT_LE(desk.most_jobs, 30u);
    EXPECT_LE(desk.asked, 2 * 17u) << "500 jobs, 30 at once, are 17 waves";
    EXPECT_LE(took, 75 * 1.05) << "500 requests at 400 a minute take 75 s";
  }
}

}  // namespace
}  // namespace tailrace
