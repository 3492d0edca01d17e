#include "run/work.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "destination/registry.hpp"

namespace tailrace {
namespace {

constexpr std::int64_t kNow = 1'700'000'000'000;
constexpr std::int64_t kHour = 3'600'000;

/// A row that was rejected before, as the state and the run see it.
struct Case {
  const char* what;
  bool goes;
  Hold hold = Hold::permanent;
  std::int32_t attempts = 1;
  std::int64_t age_ms = kHour;
  bool changed = false;          // another version than the one that was rejected
  std::int64_t fields_age_ms = -1;  // since when the destination's fields are others; -1: never
  bool asked_for = false;
  bool inserts_once = false;
  const char* code = "bad_value";
};

// A mapping that changed gives every row another version, so that it is `changed` here.
const std::vector<Case> kCases{
    {"permanent, an hour old", false},
    {"permanent, a moment less than a day old", false, Hold::permanent, 1, 24 * kHour - 1},
    {"permanent, a day old", true, Hold::permanent, 1, 24 * kHour},
    {"permanent, a day old, tried often enough", false, Hold::permanent, 3, 24 * kHour},
    {"permanent, the row has changed", true, Hold::permanent, 1, kHour, true},
    {"permanent, tried often enough, the row has changed", true, Hold::permanent, 3, kHour, true},
    {"permanent, the fields are others since", true, Hold::permanent, 1, kHour, false, kHour / 2},
    {"permanent, the fields were others before", false, Hold::permanent, 1, kHour, false,
     2 * kHour},
    {"permanent, tried often enough, the fields are others since", true, Hold::permanent, 3, kHour,
     false, kHour / 2},
    {"permanent, somebody names it", true, Hold::permanent, 3, kHour, false, -1, true},
    {"transient", true, Hold::transient, 2, 0},
    {"transient, tried often enough", false, Hold::transient, 3, 0},
    {"transient, tried often enough, and days old", false, Hold::transient, 3, 99 * kHour},
    {"transient, tried often enough, the row has changed", true, Hold::transient, 3, 0, true},
    {"transient, tried often enough, somebody names it", true, Hold::transient, 3, 0, false, -1,
     true},
    {"waits for its parent, however often it was tried", true, Hold::transient, 99, 0, false, -1,
     false, false, "parent_missing"},
    {"released", true, Hold::released, 99, 0},
    {"released, an insert", true, Hold::released, 99, 0, false, -1, false, true},
    {"parked", false, Hold::parked, 1, 99 * kHour},
    {"parked, somebody names it", false, Hold::parked, 1, 0, false, -1, true},
    {"parked, the fields are others since", false, Hold::parked, 1, kHour, false, kHour / 2},
    {"parked, another version of it is appended", true, Hold::parked, 1, 0, true},
    {"parked, the key is inserted once, whatever its version", false, Hold::parked, 1, 0, true, -1,
     false, true},
};

Schema two_columns() {
  Schema schema;
  schema.columns = {{"id", Type::text, Nulls::clear, kDefaultDigits},
                    {"v", Type::text, Nulls::clear, kDefaultDigits}};
  schema.field_count = 2;
  schema.key = {0};
  schema.match = 0;
  return schema;
}

/// Takes three rows in a request, by upsert and by insert.
std::unique_ptr<Destination> three_at_once(const Schema& schema) {
  return make_destination({{"type", "rest"}, {"base_url", "http://127.0.0.1:9"}},
                          {{"name", "rows"},
                           {"method", "POST"},
                           {"path", "/rows"},
                           {"body", "rows"},
                           {"batch_rows", 3},
                           {"insert", {{"path", "/new"}}}},
                          schema);
}

TEST(Batcher, ARejectedRowGoesAgainAsItsHoldSays) {
  const Schema schema = two_columns();
  const auto destination = three_at_once(schema);
  const IdentityHash identity{7, 7};
  for (const Case& one : kCases) {
    StateView state;
    RejectedRow before;
    before.identity = identity;
    before.key = "k";
    before.version = 1;
    before.code = one.code;
    before.message = "not this one";
    before.field = "v";
    before.hold = one.hold;
    before.attempts = one.attempts;
    before.last_at_ms = kNow - one.age_ms;
    state.rejected.emplace(identity, before);
    Changeset changes("", Changeset::kDefaultBufferBytes);
    changes.append(Change::changed, identity, one.changed ? 2 : 1, "k\ta");
    changes.seal();
    BatchPolicy policy;
    policy.rejected.max_attempts = 3;
    policy.asked_for = one.asked_for;
    policy.inserts_once = one.inserts_once;
    policy.now_ms = kNow;
    if (one.fields_age_ms >= 0) policy.fields_changed_at_ms = kNow - one.fields_age_ms;
    std::vector<Withheld> withheld;
    Batcher::Hooks hooks;
    hooks.is_duplicate = [](const IdentityHash&) { return false; };
    hooks.withheld = [&](Withheld row) { withheld.push_back(std::move(row)); };
    Batcher batches(changes, schema, *destination, state, policy, std::move(hooks));
    const std::optional<Work> work = batches.next();
    EXPECT_EQ(work.has_value(), one.goes) << one.what;
    EXPECT_EQ(withheld.size(), one.goes ? 0U : 1U) << one.what << ": it is one or the other";
    if (work) {
      EXPECT_TRUE(work->rows.at(0).was_rejected) << one.what << ": the entry goes once accepted";
    } else {
      EXPECT_EQ(withheld.at(0).reason.code, "bad_value") << one.what;
      EXPECT_EQ(withheld.at(0).hold, one.hold) << one.what;
      EXPECT_TRUE(withheld.at(0).recorded) << one.what << ": no attempt is counted";
    }
  }
}

TEST(Batcher, ARowThatWasNeverRejectedGoes) {
  const Schema schema = two_columns();
  const auto destination = three_at_once(schema);
  const StateView state;
  Changeset changes("", Changeset::kDefaultBufferBytes);
  for (std::uint64_t i = 0; i < 7; ++i) {
    changes.append(Change::added, {i, i}, 1, "k" + std::to_string(i) + "\ta");
  }
  changes.seal();
  Batcher::Hooks hooks;
  hooks.is_duplicate = [](const IdentityHash& id) { return id.high == 2; };
  Batcher batches(changes, schema, *destination, state, {}, std::move(hooks));
  std::vector<std::vector<std::string>> keys;
  while (const std::optional<Work> work = batches.next()) {
    keys.emplace_back();
    for (const WorkRow& row : work->rows) keys.back().push_back(row.key);
  }
  const std::vector<std::vector<std::string>> expected{{"k0", "k1", "k3"}, {"k4", "k5", "k6"}};
  EXPECT_EQ(keys, expected);
}

/// Takes many rows at once, in a body that is made while it is sent.
class Streaming final : public Destination {
 public:
  explicit Streaming(std::size_t max_bytes) {
    can_.operations = {Operation::upsert};
    can_.max_rows = 2000;
    can_.max_bytes = max_bytes;
    can_.streams = true;
  }
  const Capabilities& capabilities() const override { return can_; }
  bool identity_into(std::string_view match, std::string& out) const override {
    out = match;
    return true;
  }
  std::size_t row_bytes(const BatchRow& row) const override { return row.line.size(); }
  Step begin(const Batch&) const override { return {}; }
  Step reply(const Batch&, const Memo&, const Call&, const wire::Reply&) const override {
    return {};
  }
  Capabilities can_;
};

TEST(Batcher, HoldsNoLinesOfABatchThatIsStreamed) {
  const Schema schema = two_columns();
  const Streaming destination(100u << 20);
  const StateView state;
  Changeset changes("/tmp", 4096);
  const auto line = [](std::uint64_t i) { return "k" + std::to_string(i) + "\ta"; };
  for (std::uint64_t i = 0; i < 3000; ++i) changes.append(Change::added, {i, i}, 1, line(i));
  changes.append_removed({9, 9}, {"gone", "", ""});
  changes.seal();
  EXPECT_GT(changes.spilled_bytes(), 0u);
  Batcher::Hooks hooks;
  hooks.is_duplicate = [](const IdentityHash& id) { return id.high == 2; };
  std::size_t most_at_once = 0;
  hooks.choose_fields = [&](std::vector<WorkRow>& rows) {
    most_at_once = std::max(most_at_once, rows.size());
    for (WorkRow& row : rows) {
      EXPECT_EQ(row.line, row.change == Change::removed ? "" : line(row.identity.high));
      if (row.identity.high == 1) row.send = std::string("\1\0", 2);
    }
  };
  Batcher batches(changes, schema, destination, state, {}, std::move(hooks));
  std::vector<std::string> seen;
  std::vector<std::size_t> sizes;
  while (std::optional<Work> work = batches.next()) {
    sizes.push_back(work->rows.size());
    const Batch batch = work->batch(schema);
    ASSERT_NE(batch.lines, nullptr);
    LineCursor cursor(batch.lines);
    for (const BatchRow& row : batch.rows) {
      EXPECT_TRUE(row.line.empty());
      seen.emplace_back(*cursor.next());
      const bool marked = row.key == "k1";
      const std::string marks = sizes.size() > 1 ? "" : std::string(marked ? "\1\0" : "\1\1", 2);
      EXPECT_EQ(cursor.send(), marks) << "where no row has any, none are kept";
    }
    EXPECT_EQ(cursor.next(), std::nullopt);
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{2000, 999, 1})) << "what is removed goes by itself";
  EXPECT_LE(most_at_once, 512u) << "no more lines are in memory at once";
  ASSERT_EQ(seen.size(), 3000u);
  EXPECT_EQ(seen[1], line(1));
  EXPECT_EQ(seen[2], line(3)) << "the duplicate is passed over";
  EXPECT_EQ(seen[2998], line(2999));
  EXPECT_EQ(seen[2999], "") << "of a removed row nothing but keys is known";
}

TEST(Batcher, AStreamedBatchIsCutByItsBytesToo) {
  const Schema schema = two_columns();
  const Streaming destination(20);
  const StateView state;
  Changeset changes("", Changeset::kDefaultBufferBytes);
  for (std::uint64_t i = 0; i < 9; ++i) {
    changes.append(Change::added, {i, i}, 1, "k" + std::to_string(i) + "\tabc");
  }
  changes.seal();
  Batcher::Hooks hooks;
  hooks.is_duplicate = [](const IdentityHash&) { return false; };
  Batcher batches(changes, schema, destination, state, {}, std::move(hooks));
  std::vector<std::size_t> sizes;
  while (const std::optional<Work> work = batches.next()) sizes.push_back(work->rows.size());
  EXPECT_EQ(sizes, (std::vector<std::size_t>{3, 3, 3})) << "six bytes a row";
}

TEST(Batcher, LongBodiesInMemoryAreRefused) {
  Streaming destination((8u << 20) + 1);
  destination.can_.streams = false;
  const StateView state;
  Changeset changes("", Changeset::kDefaultBufferBytes);
  changes.seal();
  const Schema schema = two_columns();
  EXPECT_THROW(Batcher(changes, schema, destination, state, {}, {}), std::logic_error);
  destination.can_.max_bytes = 8u << 20;
  EXPECT_NO_THROW(Batcher(changes, schema, destination, state, {}, {}));
}

}  // namespace
}  // namespace tailrace
