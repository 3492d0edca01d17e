// What a run asks of its destination before the first row, and what it makes there.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "run/engine.hpp"
#include "world.hpp"

namespace tailrace::testing {
namespace {

using Requested = std::vector<std::string>;

/// The world's tool, of which something has to be known before its first row, and which may lack
/// the field `v` until it is made.
class Careful final : public Destination {
 public:
  Careful(std::unique_ptr<Destination> inner, std::string learned, bool lacks_v, Requested& sent_by)
      : inner_(std::move(inner)),
        learned_(std::move(learned)),
        lacks_v_(lacks_v),
        sent_by_(sent_by) {
    can_ = inner_->capabilities();
    can_.reads = {ReadAsk::Kind::describe, ReadAsk::Kind::prepare, ReadAsk::Kind::make_fields};
  }

  [[nodiscard]] const Capabilities& capabilities() const override { return can_; }
  [[nodiscard]] bool identity_into(std::string_view match, std::string& out) const override {
    return inner_->identity_into(match, out);
  }
  [[nodiscard]] std::size_t row_bytes(const BatchRow& row) const override {
    return inner_->row_bytes(row);
  }
  [[nodiscard]] Step begin(const Batch& batch) const override {
    sent_by_.push_back(learned_);
    return inner_->begin(batch);
  }
  [[nodiscard]] Step reply(const Batch& batch, const Memo& memo, const Call& call,
                           const wire::Reply& reply) const override {
    return inner_->reply(batch, memo, call, reply);
  }
  [[nodiscard]] std::optional<FieldFact> new_field(const Column& column) const override {
    FieldFact field;
    field.name = column.name;
    field.type = "words";
    return field;
  }
  [[nodiscard]] ReadStep read(const ReadAsk& ask, const Call* call,
                              const wire::Reply* reply) const override {
    ReadStep step;
    if (call == nullptr) {
      for (const std::string& name : asked(ask)) {
        step.calls.emplace_back().request.method = wire::Method::get;
        step.calls.back().request.path = "/rows/" + name;
        step.calls.back().effect = Effect::none;
      }
    } else if (reply->status != 200) {
      step.stop = Stop{Stop::Kind::configuration, "may not", std::nullopt};
    } else if (ask.kind == ReadAsk::Kind::prepare) {
      step.learned = "by heart";
    } else if (ask.kind == ReadAsk::Kind::describe) {
      step.fields.emplace_back().name = "id";
      step.fields.back().unique = true;
      if (!lacks_v_) step.fields.emplace_back().name = "v";
    }
    return step;
  }

 private:
  static Requested asked(const ReadAsk& ask) {
    if (ask.kind == ReadAsk::Kind::prepare) return {"learn"};
    if (ask.kind == ReadAsk::Kind::describe) return {"fields"};
    Requested names;
    for (const FieldFact& field : ask.make) names.push_back("make-" + field.name);
    return names;
  }

  std::unique_ptr<Destination> inner_;
  std::string learned_;
  bool lacks_v_;
  Requested& sent_by_;
  Capabilities can_;
};

class Preparing : public ::testing::Test {
 protected:
  Preparing() {
    world_.fill(4);
    world_.destination = [this](const nlohmann::json& connection, const nlohmann::json& object,
                                const Schema& schema) -> std::unique_ptr<Destination> {
      nlohmann::json plain = object;
      plain.erase("learned");
      return std::make_unique<Careful>(make_destination(connection, plain, schema),
                                       object.value("learned", std::string()),
                                       world_.changes.contains("create_fields"), sent_by_);
    };
    world_.tool.fate = [this](int) {
      Fate fate;
      const std::string& asked = world_.tool.requests.back();
      fate.apply = asked.starts_with("POST");
      if (asked == refused_) {
        fate.status = status_;
        if (status_ == 429) fate.retry_after = std::chrono::hours(20);
      }
      return fate;
    };
  }

  World world_;
  Requested sent_by_;
  std::string refused_;
  int status_ = 403;
};

TEST_F(Preparing, IsDoneOnceAndTheRowsGoByWhatWasLearned) {
  const RunResult result = world_.run();
  EXPECT_EQ(result.report.status, Status::done) << result.report.message;
  EXPECT_EQ(world_.tool.requests, (Requested{"GET fields", "GET learn", "POST 3", "POST 1"}));
  EXPECT_EQ(sent_by_, (Requested{"by heart", "by heart"}));
  EXPECT_EQ(result.report.http.requests, 4u);
}

TEST_F(Preparing, IsNotDoneWhereThereIsNothingToSend) {
  EXPECT_EQ(world_.run().report.status, Status::done);
  const std::size_t before = world_.tool.requests.size();
  EXPECT_EQ(world_.run().report.status, Status::done);
  EXPECT_EQ(world_.tool.requests.size(), before);
  world_.changes["task"] = "plan";
  world_.fill(9, "other");
  EXPECT_EQ(world_.run().report.status, Status::planned);
  EXPECT_EQ(world_.tool.requests.size(), before);
}

TEST_F(Preparing, ThatIsRefusedEndsTheRunBeforeARow) {
  refused_ = "GET learn";
  const RunResult result = world_.run();
  EXPECT_EQ(result.report.status, Status::config);
  EXPECT_EQ(result.report.message, "may not: no row was sent");
  EXPECT_EQ(result.report.outcomes.not_attempted, 4u);
  EXPECT_TRUE(world_.tool.records.empty());
}

TEST_F(Preparing, ThatIsNotForTodayEndsTheRunWithTheTimeToComeBack) {
  refused_ = "GET learn";
  status_ = 429;
  const RunResult result = world_.run();
  EXPECT_EQ(result.report.status, Status::quota);
  EXPECT_EQ(result.report.message, "HTTP 429: no row was sent");
  ASSERT_TRUE(result.report.not_before_ms);
  EXPECT_EQ(result.report.outcomes.not_attempted, 4u);
  EXPECT_EQ(world_.tool.requests.back(), "GET learn");
}

TEST_F(Preparing, MakesTheFieldsThatAreMissingBeforeTheFirstRow) {
  world_.changes["create_fields"] = true;
  const RunResult result = world_.run();
  EXPECT_EQ(result.report.status, Status::done) << result.report.message;
  EXPECT_EQ(world_.tool.requests,
            (Requested{"GET fields", "GET learn", "GET make-v", "POST 3", "POST 1"}));
  ASSERT_EQ(result.report.notes.size(), 1u);
  EXPECT_EQ(result.report.notes[0], "fields were made at the tool: v (words)");
}

TEST_F(Preparing, APlanTellsTheFieldsAndMakesNone) {
  world_.changes["create_fields"] = true;
  world_.changes["task"] = "plan";
  const RunResult result = world_.run();
  EXPECT_EQ(result.plan.at("create_fields"),
            nlohmann::json::parse(R"([{"name": "v", "type": "words"}])"));
  EXPECT_EQ(world_.tool.requests, Requested{"GET fields"});
}

TEST_F(Preparing, AFieldThatMayNotBeMadeEndsTheRunBeforeARow) {
  world_.changes["create_fields"] = true;
  refused_ = "GET make-v";
  const RunResult result = world_.run();
  EXPECT_EQ(result.report.status, Status::config);
  EXPECT_EQ(result.report.outcomes.not_attempted, 4u);
  EXPECT_TRUE(world_.tool.records.empty());
}

}  // namespace
}  // namespace tailrace::testing
