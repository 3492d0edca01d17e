#include "destination/settle.hpp"

#include <gtest/gtest.h>

#include "destination/rows.hpp"
#include "wire/utf8.hpp"

namespace tailrace {
namespace {

using Words = std::vector<std::string>;
using std::chrono_literals::operator""s;

Step settle(AnswerClass means, const std::vector<RowIndex>& rows) {
  return settle_refusal({{means, 5s}, reason_of("CODE", "message"), "Do something."}, rows,
                        Operation::update);
}

TEST(Settle, ARefusedRowIsFoundByHalving) {
  const Step many = settle(AnswerClass::record, {0, 1, 2});
  EXPECT_EQ(words_of(many, 3), Words(3, "regrouped"));
  ASSERT_EQ(many.regroup.size(), 2u);
  EXPECT_EQ(many.regroup[0].rows, (std::vector<RowIndex>{0}));
  EXPECT_EQ(many.regroup[1].rows, (std::vector<RowIndex>{1, 2}));
  EXPECT_EQ(many.regroup[0].operation, Operation::update);
  const Step one = settle(AnswerClass::record, {1});
  EXPECT_EQ(words_of(one, 3), (Words{"open", "rejected", "open"}));
  EXPECT_EQ(one.verdicts[0].reason.code, "CODE");
  EXPECT_EQ(words_of(settle(AnswerClass::split, {0}), 1), Words{"rejected"});
}

TEST(Settle, RowsOfARequestRefusedAsAWholeAreNotAttempted) {
  const Step terminal = settle(AnswerClass::terminal, {0, 1});
  EXPECT_EQ(words_of(terminal, 2), Words(2, "retryable"));
  ASSERT_TRUE(terminal.stop);
  EXPECT_EQ(terminal.stop->kind, Stop::Kind::configuration);
  EXPECT_EQ(terminal.stop->message, "CODE: message. Do something.");
  const Step quota = settle(AnswerClass::stop, {0, 1});
  EXPECT_EQ(words_of(quota, 2), Words(2, "retryable"));
  ASSERT_TRUE(quota.stop);
  EXPECT_EQ(quota.stop->kind, Stop::Kind::quota);
  EXPECT_EQ(quota.stop->retry_after, 5s);
  EXPECT_EQ(words_of(settle(AnswerClass::retry, {0, 1}), 2), Words(2, "retryable"));
  EXPECT_EQ(settle(AnswerClass::retry, {0}).pause, 5s);
}

TEST(Settle, AnOldTokenLeavesTheRowsToTheSameCall) {
  const Step step = settle(AnswerClass::reauth, {0, 1});
  EXPECT_TRUE(step.reauthenticate);
  EXPECT_EQ(words_of(step, 2), Words(2, "open"));
}

TEST(Settle, TextsAreCutBetweenCharacters) {
  const std::string euros = "x" + [] {
    std::string text;
    for (int i = 0; i < 5'000; ++i) text += "\xE2\x82\xAC";
    return text;
  }();
  const Reason reason = reason_of(euros, euros, euros);
  for (const std::string& text : {reason.code, reason.message, reason.field}) {
    EXPECT_LE(text.size(), kMessageBytes);
    EXPECT_GT(text.size(), kMessageBytes - 4);
    EXPECT_TRUE(wire::is_utf8(text));
  }
}

TEST(Evidence, ASecondWordSpoilsTheFirst) {
  const auto verdict = [](Outcome outcome) { return Verdict{0, outcome, reason_of("C", ""), "7"}; };
  const auto after = [&](Outcome first, Outcome second) {
    Evidence evidence(1);
    evidence.add(verdict(first));
    evidence.add(verdict(second));
    return std::move(evidence).verdicts({}).front().outcome;
  };
  EXPECT_EQ(after(Outcome::accepted, Outcome::accepted), Outcome::unknown);
  EXPECT_EQ(after(Outcome::accepted, Outcome::rejected), Outcome::unknown);
  EXPECT_EQ(after(Outcome::rejected, Outcome::accepted), Outcome::unknown);
  EXPECT_EQ(after(Outcome::skipped, Outcome::rejected), Outcome::unknown);
  EXPECT_EQ(after(Outcome::rejected, Outcome::rejected), Outcome::rejected);
  EXPECT_EQ(after(Outcome::skipped, Outcome::skipped), Outcome::skipped);
  Evidence three(1);
  three.add(verdict(Outcome::rejected));
  three.add(verdict(Outcome::accepted));
  three.add(verdict(Outcome::rejected));
  EXPECT_EQ(std::move(three).verdicts({}).front().outcome, Outcome::unknown);
}

TEST(Evidence, RowsWithoutAWordAreUnknown) {
  Evidence evidence(3);
  evidence.add({1, Outcome::accepted, {}, "9"});
  EXPECT_EQ(evidence.open(), (std::vector<RowIndex>{0, 2}));
  const std::vector<Verdict> all = std::move(evidence).verdicts(reason_of("missing", ""));
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].outcome, Outcome::unknown);
  EXPECT_EQ(all[0].reason.code, "missing");
  EXPECT_EQ(all[1].outcome, Outcome::accepted);
  EXPECT_EQ(all[1].destination_id, "9");
}

}  // namespace
}  // namespace tailrace
