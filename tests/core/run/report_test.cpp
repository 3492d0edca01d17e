#include "run/report.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>
#include <vector>

#include "run/login_memory.hpp"

namespace tailrace {
namespace {

Report adding_up() {
  Report report;
  report.diff.scanned = 10;
  report.diff.unchanged = 4;
  report.diff.added = 3;
  report.diff.changed = 2;
  report.diff.invalid = 1;
  report.diff.removed = 2;
  report.outcomes = {2, 1, 1, 1, 1, 1};
  return report;
}

TEST(Report, CountsThatAddUpPass) { EXPECT_NO_THROW(adding_up().assert_counts(true)); }

TEST(Report, ARowThatIsHiddenOrCountedTwiceIsNoticedWhereverItIs) {
  const std::vector<std::function<std::uint64_t&(Report&)>> counts{
      [](Report& r) -> std::uint64_t& { return r.diff.scanned; },
      [](Report& r) -> std::uint64_t& { return r.diff.unchanged; },
      [](Report& r) -> std::uint64_t& { return r.diff.added; },
      [](Report& r) -> std::uint64_t& { return r.diff.changed; },
      [](Report& r) -> std::uint64_t& { return r.diff.removed; },
      [](Report& r) -> std::uint64_t& { return r.diff.invalid; },
      [](Report& r) -> std::uint64_t& { return r.outcomes.accepted; },
      [](Report& r) -> std::uint64_t& { return r.outcomes.rejected; },
      [](Report& r) -> std::uint64_t& { return r.outcomes.skipped; },
      [](Report& r) -> std::uint64_t& { return r.outcomes.pending; },
      [](Report& r) -> std::uint64_t& { return r.outcomes.unknown; },
      [](Report& r) -> std::uint64_t& { return r.outcomes.not_attempted; }};
  for (std::size_t i = 0; i < counts.size(); ++i) {
    for (const int off : {1, -1}) {
      Report report = adding_up();
      counts[i](report) += static_cast<std::uint64_t>(off);
      EXPECT_THROW(report.assert_counts(true), std::logic_error) << "count " << i << " by " << off;
      EXPECT_NO_THROW(report.assert_counts(false)) << "before the model was compared";
    }
  }
}

const nlohmann::json kConnection = {{"auth", {{"token", "t0ken"}}}, {"headers", {{"X-Key", "h"}}}};

TEST(LoginMark, DiffersWithTheCredentialsAndWithTheStore) {
  Hasher::Secret secret{};
  Hasher::Secret other = secret;
  other[0] = 1;
  const std::string mark = login_mark(secret, kConnection);
  EXPECT_EQ(mark.size(), 32U);
  EXPECT_EQ(login_mark(secret, kConnection), mark);
  EXPECT_NE(login_mark(other, kConnection), mark);
  for (const char* path : {"/auth/token", "/headers/X-Key"}) {
    nlohmann::json changed = kConnection;
    changed[nlohmann::json::json_pointer(path)] = "renewed";
    EXPECT_NE(login_mark(secret, changed), mark) << path;
  }
  nlohmann::json elsewhere = kConnection;
  elsewhere["timeout_s"] = 5;
  EXPECT_EQ(login_mark(secret, elsewhere), mark) << "that is no credential";
}

TEST(LoginMemory, IsReadFromTheReportOfItsOwnStateAlone) {
  Report report;
  report.account = "a";
  report.object = "o";
  report.login = LoginMemory{"m", "62515"};
  const std::string text = report.to_json().dump();
  const auto found = login_of(text, "a", "o");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->mark, "m");
  EXPECT_EQ(found->account, "62515");
  EXPECT_FALSE(login_of(text, "b", "o"));
  EXPECT_FALSE(login_of(text, "a", "p"));
  report.login.reset();
  for (const std::string& none : {report.to_json().dump(), std::string(), std::string("null"),
                                  std::string("[]"), std::string(R"({"login": 3})")}) {
    EXPECT_FALSE(login_of(none, "a", "o")) << none;
  }
}

}  // namespace
}  // namespace tailrace
