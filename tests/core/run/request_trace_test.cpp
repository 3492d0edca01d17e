// The file that `run --trace` writes.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "run/request_trace.hpp"
#include "world.hpp"

namespace tailrace {
namespace {

using nlohmann::json;
using testing::Fate;
using testing::World;

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<json> lines_of(const std::filesystem::path& path) {
  std::vector<json> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.push_back(json::parse(line));
  return lines;
}

class Traced : public World, public ::testing::Test {
 protected:
  std::filesystem::path file_ = folder / "trace.jsonl";
  void ask(bool bodies = false) {
    changes["trace"] = {{"path", file_.string()}, {"bodies", bodies}};
  }
};

TEST_F(Traced, ALineForEachRequestSaysWhatItWasAndWhatBecameOfIt) {
  ask();
  fill(6);
  model[4] = {"k4", "poison"};
  tool.fate = [](int nth) { return nth == 1 ? Fate{.apply = false, .status = 503} : Fate{}; };
  const RunResult result = run();
  const std::vector<json> lines = lines_of(file_);
  ASSERT_EQ(lines.size(), result.report.http.requests);
  ASSERT_EQ(lines.size(), 3u);
  const json& lost = lines[0];
  EXPECT_EQ(lost["method"], "POST");
  EXPECT_EQ(lost["url"], "http://127.0.0.1:9/rows");
  EXPECT_EQ(lost["status"], 503);
  EXPECT_EQ(lost["outcome"], "unknown");
  EXPECT_EQ(lost["attempt"], 1);
  EXPECT_EQ(lost["rows"], 3);
  EXPECT_GT(lost["bytes_sent"], 0);
  EXPECT_GE(lost["ms"], 0);
  EXPECT_EQ(lost["at"].get<std::string>().size(), 24u);
  EXPECT_EQ(lines[1]["outcome"], "mixed") << "one row is refused";
  EXPECT_EQ(lines[2]["outcome"], "accepted");
  EXPECT_EQ(lines[2]["attempt"], 2);
  EXPECT_NE(lines[2]["batch"], lost["batch"]);
  EXPECT_FALSE(lost.contains("request_body"));
}

TEST_F(Traced, BodiesOnlyWhereTheyAreAskedForAndSecretsNever) {
  ask(true);
  fill(1);
  changes["connection"]["headers"] = {{"X-Tenant", "tenant-canary"}};
  tool.fate = [](int) {
    return Fate{.body = R"({"errors": [], "said": "t0ken-canary tenant-canary"})"};
  };
  EXPECT_EQ(run().report.status, Status::done);
  const std::string text = text_of(file_);
  EXPECT_EQ(text.find("canary"), std::string::npos) << text;
  const json line = lines_of(file_).at(0);
  EXPECT_NE(line["request_body"].get<std::string>().find("k0"), std::string::npos);
  EXPECT_NE(line["response_body"].get<std::string>().find("***"), std::string::npos);
}

TEST_F(Traced, OnlyItsOwnerMayReadItAndLinesAreAdded) {
  ask();
  std::ofstream(file_) << "{}\n";
  std::filesystem::permissions(file_, std::filesystem::perms(0666));
  fill(1);
  EXPECT_EQ(run().report.status, Status::done);
  struct stat facts{};
  ASSERT_EQ(::stat(file_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777u, 0600u);
  EXPECT_EQ(lines_of(file_).size(), 2u);
}

TEST_F(Traced, AFileThatCannotBeWrittenStopsTheRunBeforeItSends) {
  fill(1);
  std::filesystem::create_symlink(folder / "elsewhere", folder / "link");
  for (const auto& path : {folder / "no" / "trace", folder, folder / "link"}) {
    file_ = path;
    ask();
    const RunResult result = run();
    EXPECT_EQ(result.report.status, Status::config) << path;
    EXPECT_NE(result.report.message.find(path.string()), std::string::npos)
        << result.report.message;
  }
  EXPECT_TRUE(tool.requests.empty());
  EXPECT_FALSE(std::filesystem::exists(folder / "elsewhere"));
}

TEST(OutcomeClass, IsAWordForWhatBecameOfTheRows) {
  const auto of = [](std::vector<Outcome> outcomes) {
    Step step;
    for (RowIndex i = 0; i < outcomes.size(); ++i)
      step.verdicts.push_back({i, outcomes[i], {}, {}});
    return step;
  };
  EXPECT_EQ(outcome_class(of({Outcome::accepted, Outcome::accepted})), "accepted");
  EXPECT_EQ(outcome_class(of({Outcome::accepted, Outcome::rejected})), "mixed");
  EXPECT_EQ(outcome_class(of({Outcome::retryable})), "retryable");
  EXPECT_EQ(outcome_class(of({})), "unknown");
  Step step;
  step.regroup.push_back({});
  EXPECT_EQ(outcome_class(step), "split");
  step.stop = Stop{};
  EXPECT_EQ(outcome_class(step), "stopped");
  Step more;
  more.calls.push_back({});
  EXPECT_EQ(outcome_class(more), "more");
}

}  // namespace
}  // namespace tailrace
