// One bad row in a batch that is refused as a whole is found by halving.
#include <gtest/gtest.h>

#include <deque>
#include <nlohmann/json.hpp>
#include <set>

#include "destination/destination.hpp"
#include "destination/rows.hpp"

namespace tailrace {
namespace {

using nlohmann::json;

struct Delivery {
  std::size_t requests = 0;
  std::multiset<std::string> accepted;
  std::multiset<std::string> rejected;
};

/// A tool that refuses every request with a bad row in it, and writes all the others.
class PickyTool {
 public:
  explicit PickyTool(std::set<std::string> bad) : bad_(std::move(bad)) {}

  wire::Reply answer(const wire::Request& request) const {
    json results = json::array();
    const json body = json::parse(request.body);
    for (const json& input : body.at("inputs")) {
      const std::string id = input.at("id");
      if (bad_.contains(id)) {
        return json_reply(409, {{"status", "error"}, {"category", "CONFLICT"}, {"message", "no"}});
      }
      results.push_back({{"id", "1"}, {"objectWriteTraceId", input.at("objectWriteTraceId")}});
    }
    return json_reply(200, {{"status", "COMPLETE"}, {"results", results}});
  }

 private:
  std::set<std::string> bad_;
};

/// Does what the engine does with regrouped rows: each group becomes a batch of its own.
Delivery deliver(std::size_t rows, const std::set<std::string>& bad) {
  TestRows all(rows);
  const auto destination = hubspot_of(all.schema);
  const PickyTool tool(bad);
  const Batch whole = all.batch();
  Delivery delivery;
  std::deque<std::vector<BatchRow>> waiting{{whole.rows.begin(), whole.rows.end()}};
  while (!waiting.empty()) {
    const std::vector<BatchRow> group = std::move(waiting.front());
    waiting.pop_front();
    const std::string trace = "r1-" + std::to_string(++delivery.requests);
    const Batch batch{Operation::upsert, &all.schema, group, trace};
    const Call call = destination->begin(batch).calls.at(0);
    const Step step = destination->reply(batch, {}, call, tool.answer(call.request));
    (void)words_of(step, group.size());
    for (const Verdict& verdict : step.verdicts) {
      const std::string match(group[verdict.row].match);
      if (verdict.outcome == Outcome::accepted) delivery.accepted.insert(match);
      if (verdict.outcome == Outcome::rejected) delivery.rejected.insert(match);
    }
    for (const Regroup& part : step.regroup) {
      std::vector<BatchRow> next;
      for (const RowIndex row : part.rows) next.push_back(group[row]);
      waiting.push_back(std::move(next));
    }
  }
  return delivery;
}

std::size_t log2_up(std::size_t n) {
  std::size_t power = 0;
  while ((std::size_t{1} << power) < n) ++power;
  return power;
}

TEST(Bisect, OneBadRowCostsAtMostTwiceTheLogarithmAndOne) {
  for (const std::size_t rows : {1u, 2u, 3u, 5u, 8u, 17u, 64u, 99u, 100u}) {
    for (std::size_t bad = 0; bad < rows; ++bad) {
      const std::string match = "user" + std::to_string(bad) + "@example.com";
      const Delivery delivery = deliver(rows, {match});
      ASSERT_LE(delivery.requests, 2 * log2_up(rows) + 1) << rows << " rows, bad " << bad;
      ASSERT_EQ(delivery.rejected, std::multiset<std::string>{match});
      ASSERT_EQ(delivery.accepted.size(), rows - 1) << "others are delivered, each once";
      ASSERT_EQ(std::set<std::string>(delivery.accepted.begin(), delivery.accepted.end()).size(),
                rows - 1);
    }
  }
}

TEST(Bisect, SeveralBadRowsAreAllFound) {
  const std::set<std::string> bad{"user0@example.com", "user1@example.com", "user50@example.com",
                                  "user99@example.com"};
  const Delivery delivery = deliver(100, bad);
  EXPECT_EQ(delivery.rejected, std::multiset<std::string>(bad.begin(), bad.end()));
  EXPECT_EQ(delivery.accepted.size(), 96u);
  EXPECT_EQ(deliver(100, {}).requests, 1u);
}

}  // namespace
}  // namespace tailrace
