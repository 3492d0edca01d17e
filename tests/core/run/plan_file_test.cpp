#include "run/plan_file.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <system_error>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plan_fixture.hpp"
#include "row/little_endian.hpp"
#include "state/packing.hpp"

namespace tailrace {
namespace {

using testing::PlanFixture;
using testing::poke;
using testing::Refusal;
using testing::refusal_of;
using testing::slurp;
using testing::spew;

std::vector<ChangeRow> rows_of(Changeset& rows) {
  std::vector<ChangeRow> all;
  ChangeRow row;
  while (rows.next(row)) all.push_back(row);
  return all;
}

void expect_same_rows(Changeset& a, Changeset& b) {
  const std::vector<ChangeRow> left = rows_of(a);
  const std::vector<ChangeRow> right = rows_of(b);
  ASSERT_EQ(left.size(), right.size());
  for (std::size_t i = 0; i < left.size(); ++i) {
    EXPECT_EQ(left[i].change, right[i].change);
    EXPECT_EQ(left[i].identity, right[i].identity);
    EXPECT_EQ(left[i].version, right[i].version);
    EXPECT_EQ(left[i].line, right[i].line);
    EXPECT_EQ(left[i].keys, right[i].keys);
  }
}

/// A bound on the size of files while it lives; writing past it fails as on a full disk.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : signal_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, signal_);
  }

 private:
  void (*signal_)(int);
  rlimit before_{};
};

/// Another user's rights while it lives: a superuser may write anywhere.
class Nobody {
 public:
  Nobody() : before_(::geteuid()) {
    if (before_ == 0) failed_ = ::seteuid(65534) != 0;
  }
  Nobody(const Nobody&) = delete;
  Nobody& operator=(const Nobody&) = delete;
  ~Nobody() {
    if (before_ == 0 && ::seteuid(0) != 0) std::abort();
  }
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  uid_t before_;
  bool failed_ = false;
};

TEST(PlanFile, GivesBackHeaderListsAndExactlyTheRowsToSend) {
  for (const std::size_t buffer_bytes : {std::size_t{0}, std::size_t{700}, std::size_t{1} << 20}) {
    PlanFixture plan;
    plan.diff(30, 4);
    EXPECT_EQ(write_plan(plan.path(), plan.store, plan.content()), plan.path());
    OpenedPlan read = plan.open(plan.path(), buffer_bytes);
    const PlanContent made = plan.content();
    PlanHeader expected = made.header;
    expected.state_sum = state_sums(plan.state.table, 1).front();
    expected.fingerprint = expected.whole_fingerprint;
    EXPECT_EQ(to_json(read.header), to_json(expected));
    const std::vector<ChangeRow> rows = rows_of(read.rows);
    EXPECT_EQ(rows.size(), 10u + 10u + 4u);  // not those that came twice
    EXPECT_EQ(rows.size(), read.header.counts.added + read.header.counts.changed + 4u);
    EXPECT_EQ(rows.back().change, Change::removed);
    EXPECT_EQ(rows.back().keys.destination_id, "id");
    read.rows.rewind();
    EXPECT_EQ(rows_of(read.rows).size(), rows.size());
  }
}

TEST(PlanFile, KeepsTheListsThatTheEndOfARunNeeds) {
  PlanFixture plan;
  plan.on_removed = OnRemoved::ignore;
  plan.acknowledge("back", "1");
  plan.state.table.marks(plan.state.table.find(plan.identity("back"))).absent = true;
  plan.acknowledge("left", "1");
  plan.acknowledge("mended", "1");
  plan.state.table.marks(plan.state.table.find(plan.identity("mended"))).rejected = true;
  plan.diff({"back\t1", "mended\t1"});
  (void)write_plan(plan.path(), plan.store, plan.content());
  const OpenedPlan read = plan.open(plan.path());
  EXPECT_EQ(read.lists.newly_absent, std::vector{plan.identity("left")});
  EXPECT_EQ(read.lists.returned, std::vector{plan.identity("back")});
  EXPECT_EQ(read.lists.forgotten, std::vector{plan.identity("mended")});
}

TEST(PlanFile, OfAnEmptyChangesetIsAPlan) {
  PlanFixture plan;
  plan.diff({});
  (void)write_plan(plan.path(), plan.store, plan.content());
  OpenedPlan read = plan.open(plan.path());
  EXPECT_EQ(read.rows.rows(), 0u);
}

TEST(PlanFile, IsForItsOwnerAloneWhateverTheUmask) {
  PlanFixture plan;
  plan.diff(3, 0);
  for (const mode_t mask : {mode_t{0}, mode_t{0777}}) {
    const mode_t before = ::umask(mask);
    (void)write_plan(plan.path(), plan.store, plan.content());
    ::umask(before);
    struct stat facts{};
    ASSERT_EQ(::stat(plan.path().c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 07777U, 0600U);
    EXPECT_EQ(facts.st_nlink, 1U);
  }
  EXPECT_EQ(plan.files(), std::set<std::string>{"a.plan"});
}

TEST(PlanFile, WithAnyByteFlippedIsRefused) {
  PlanFixture plan;
  plan.diff(6, 1);
  (void)write_plan(plan.path(), plan.store, plan.content());
  const std::string whole = slurp(plan.path());
  ASSERT_LT(whole.size(), 8000u);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const unsigned flip : {0x01U, 0x80U, 0xffU}) {
      poke(plan.path(), i, {static_cast<char>(static_cast<unsigned char>(whole[i]) ^ flip)});
      const Refusal refusal = refusal_of([&] { (void)plan.open(plan.path()); });
      ASSERT_TRUE(refusal.altered) << "byte " << i << ": " << refusal.message;
    }
    poke(plan.path(), i, whole.substr(i, 1));
  }
  EXPECT_EQ(plan.open(plan.path()).rows.rows(), 5u);
}

TEST(PlanFile, CutAtAnyLengthIsRefused) {
  PlanFixture plan;
  plan.diff(6, 1);
  (void)write_plan(plan.path(), plan.store, plan.content());
  for (std::size_t length = slurp(plan.path()).size(); length-- > 0;) {
    std::filesystem::resize_file(plan.path(), length);
    const Refusal refusal = refusal_of([&] { (void)plan.open(plan.path()); });
    ASSERT_TRUE(refusal.altered) << length << " bytes: " << refusal.message;
    EXPECT_NE(refusal.message.find(length < kPlanMagic.size() ? "no plan" : "cut short"),
              std::string::npos)
        << refusal.message;
  }
}

TEST(PlanFile, WithBytesBehindItsEndIsRefused) {
  PlanFixture plan;
  plan.diff(6, 1);
  (void)write_plan(plan.path(), plan.store, plan.content());
  const std::string whole = slurp(plan.path());
  for (const std::string& more : {std::string(1, '\0'), std::string("x"), whole}) {
    spew(plan.path(), whole + more);
    const Refusal refusal = refusal_of([&] { (void)plan.open(plan.path()); });
    EXPECT_TRUE(refusal.altered);
    EXPECT_NE(refusal.message.find("behind its end"), std::string::npos) << refusal.message;
  }
}

TEST(PlanFile, WithTwoBlocksSwappedIsRefused) {
  PlanFixture plan;
  plan.diff(60, 6);
  (void)write_plan(plan.path(), plan.store, plan.content());
  const std::string whole = slurp(plan.path());
  constexpr std::size_t kBlock = 64;
  const std::size_t blocks = whole.size() / kBlock;
  ASSERT_GT(blocks, 40u);
  for (std::size_t a = 0; a < blocks; ++a) {
    for (std::size_t b = a + 1; b < blocks; b += 7) {
      if (whole.compare(a * kBlock, kBlock, whole, b * kBlock, kBlock) == 0) continue;
      poke(plan.path(), a * kBlock, whole.substr(b * kBlock, kBlock));
      poke(plan.path(), b * kBlock, whole.substr(a * kBlock, kBlock));
      ASSERT_TRUE(refusal_of([&] { (void)plan.open(plan.path()); }).altered) << a << " " << b;
      poke(plan.path(), a * kBlock, whole.substr(a * kBlock, kBlock));
      poke(plan.path(), b * kBlock, whole.substr(b * kBlock, kBlock));
    }
  }
}

TEST(PlanFile, OfAnotherStoreIsStaleAndSaysWhich) {
  PlanFixture plan;
  plan.diff(6, 1);
  (void)write_plan(plan.path(), plan.store, plan.content());
  const StoreIdentity other = new_identity();
  const Refusal refusal = refusal_of([&] { (void)open_plan(plan.path(), other, plan.reading()); });
  EXPECT_TRUE(refusal.stale);
  EXPECT_NE(refusal.message.find(plan.store.id), std::string::npos);
  EXPECT_NE(refusal.message.find(other.id), std::string::npos);
  EXPECT_NE(refusal.message.find("plan again"), std::string::npos);
}

TEST(PlanFile, SealedWithAnotherKeyUnderTheStoresIdIsRefused) {
  PlanFixture plan;
  plan.diff(6, 1);
  StoreIdentity forger = new_identity();
  forger.id = plan.store.id;
  (void)write_plan(plan.path(), forger, plan.content());
  EXPECT_TRUE(refusal_of([&] { (void)plan.open(plan.path()); }).altered);
}

/// The preamble with one number replaced and its checksum made right again: what somebody without
/// the key can do.
std::string with_number(std::string bytes, std::size_t at, std::size_t width, std::uint64_t value) {
  constexpr std::size_t kSumAt = 8 + 4 + 4 + 5 * 8 + 64;
  for (std::size_t i = 0; i < width; ++i) bytes[at + i] = static_cast<char>(value >> (8 * i));
  put_little(bytes.data() + kSumAt, checksum(std::string_view(bytes).substr(0, kSumAt)));
  return bytes;
}

TEST(PlanFile, WithHugeCountsIsRefusedBeforeMemoryIsTaken) {
  PlanFixture plan;
  plan.diff(6, 1);
  (void)write_plan(plan.path(), plan.store, plan.content());
  const std::string whole = slurp(plan.path());
  spew(plan.path(), with_number(whole, 8, 4, kPlanFormat));
  EXPECT_NO_THROW((void)plan.open(plan.path()));  // so the checksum is where the test thinks
  const std::uint64_t huge[] = {1,
                                1u << 20,
                                0xffffffffULL,
                                std::uint64_t{1} << 57,
                                std::uint64_t{1} << 60,
                                std::uint64_t{1} << 63,
                                ~std::uint64_t{0} - 200,
                                ~std::uint64_t{0}};
  for (std::size_t field = 0; field < 6; ++field) {
    const std::size_t at = field == 0 ? 12 : 16 + 8 * (field - 1);
    for (const std::uint64_t value : huge) {
      spew(plan.path(), with_number(whole, at, field == 0 ? 4 : 8, value));
      ASSERT_TRUE(refusal_of([&] { (void)plan.open(plan.path()); }).altered)
          << "field " << field << " = " << value;
    }
  }
}

TEST(PlanFile, OfANewerFormatSaysSo) {
  PlanFixture plan;
  plan.diff(6, 1);
  (void)write_plan(plan.path(), plan.store, plan.content());
  spew(plan.path(), with_number(slurp(plan.path()), 8, 4, kPlanFormat + 1));
  const Refusal refusal = refusal_of([&] { (void)plan.open(plan.path()); });
  EXPECT_TRUE(refusal.altered);
  EXPECT_NE(refusal.message.find("newer tailrace"), std::string::npos) << refusal.message;
}

TEST(PlanFile, WrittenWithTheOtherByteOrderIsRefused) {
  PlanFixture plan;
  plan.diff(6, 1);
  (void)write_plan(plan.path(), plan.store, plan.content());
  const std::string whole = slurp(plan.path());
  std::string magic = whole;
  std::reverse(magic.begin(), magic.begin() + 8);
  spew(plan.path(), magic);
  EXPECT_TRUE(refusal_of([&] { (void)plan.open(plan.path()); }).altered);
  std::string numbers = whole;
  std::reverse(numbers.begin() + 8, numbers.begin() + 12);
  spew(plan.path(), numbers);
  EXPECT_TRUE(refusal_of([&] { (void)plan.open(plan.path()); }).altered);
}

TEST(PlanFile, WhatIsNoPlanIsRefusedByName) {
  PlanFixture plan;
  spew(plan.path("text"),
       "not a plan at all, though long enough to hold a preamble " + std::string(200, '.'));
  spew(plan.path("empty"), "");
  ASSERT_EQ(::mkfifo(plan.path("pipe").c_str(), 0600), 0);
  std::filesystem::create_directory(plan.path("folder"));
  for (const char* name : {"text", "empty", "pipe", "folder", "missing"}) {
    const Refusal refusal = refusal_of([&] { (void)plan.open(plan.path(name)); });
    EXPECT_TRUE(refusal.altered) << name;
    EXPECT_NE(refusal.message.find(plan.path(name)), std::string::npos) << refusal.message;
  }
}

TEST(PlanFile, IsNotReadNorWrittenThroughASymbolicLink) {
  PlanFixture plan;
  plan.diff(6, 1);
  (void)write_plan(plan.path(), plan.store, plan.content());
  const std::string whole = slurp(plan.path());
  ASSERT_EQ(::symlink(plan.path().c_str(), plan.path("link").c_str()), 0);
  EXPECT_TRUE(refusal_of([&] { (void)plan.open(plan.path("link")); }).altered);
  const Refusal refusal =
      refusal_of([&] { (void)write_plan(plan.path("link"), plan.store, plan.content()); });
  EXPECT_TRUE(refusal.altered);
  EXPECT_NE(refusal.message.find("symbolic link"), std::string::npos) << refusal.message;
  EXPECT_EQ(slurp(plan.path()), whole);
}

TEST(PlanFile, IsWrittenOverAPlanAndOverNothingElse) {
  PlanFixture plan;
  plan.diff(6, 1);
  spew(plan.path(), "somebody's letter");
  spew(plan.path("empty"), "");
  std::filesystem::create_directory(plan.path("folder"));
  ASSERT_EQ(::mkfifo(plan.path("pipe").c_str(), 0600), 0);
  for (const char* name : {"a.plan", "empty", "folder", "pipe"}) {
    EXPECT_TRUE(
        refusal_of([&] { (void)write_plan(plan.path(name), plan.store, plan.content()); }).altered)
        << name;
  }
  EXPECT_EQ(slurp(plan.path()), "somebody's letter");
  (void)write_plan(plan.path("b.plan"), plan.store, plan.content());
  const std::string first = slurp(plan.path("b.plan"));
  plan.forget();
  plan.diff({"new\t1"});
  (void)write_plan(plan.path("b.plan"), plan.store, plan.content());
  EXPECT_NE(slurp(plan.path("b.plan")), first);
  EXPECT_EQ(plan.files(), (std::set<std::string>{"a.plan", "b.plan", "empty", "folder", "pipe"}));
}

TEST(PlanFile, LeavesTheOldPlanAloneWhereTheDiskIsFull) {
  PlanFixture plan;
  plan.diff(3, 0);
  (void)write_plan(plan.path(), plan.store, plan.content());
  const std::string before = slurp(plan.path());
  plan.forget();
  plan.diff(3000, 100);
  const PlanContent content = plan.content();
  {
    const FullDisk full(20'000);
    EXPECT_THROW((void)write_plan(plan.path(), plan.store, content), std::system_error);
    EXPECT_THROW((void)write_plan(plan.path("new"), plan.store, content), std::system_error);
  }
  EXPECT_EQ(slurp(plan.path()), before);
  EXPECT_EQ(plan.files(), std::set<std::string>{"a.plan"});
}

TEST(PlanFile, SaysWhichDirectoryItMayNotWriteTo) {
  PlanFixture plan;
  plan.diff(3, 0);
  const std::filesystem::path closed = plan.folder / "closed";
  std::filesystem::create_directory(closed);
  std::filesystem::permissions(plan.folder, std::filesystem::perms(0755));
  std::filesystem::permissions(closed, std::filesystem::perms(0555));
  const PlanContent content = plan.content();
  const std::string path = (closed / "a.plan").string();
  const std::string nowhere = plan.path("missing") + "/a.plan";
  {
    const Nobody nobody;
    ASSERT_FALSE(nobody.failed());
    const Refusal refusal = refusal_of([&] { (void)write_plan(path, plan.store, content); });
    EXPECT_TRUE(refusal.altered);
    EXPECT_NE(refusal.message.find(path), std::string::npos) << refusal.message;
    EXPECT_NE(refusal.message.find("ermission"), std::string::npos) << refusal.message;
  }
  EXPECT_TRUE(std::filesystem::is_empty(closed));
  const Refusal refusal = refusal_of([&] { (void)write_plan(nowhere, plan.store, content); });
  EXPECT_TRUE(refusal.altered);
  EXPECT_NE(refusal.message.find(plan.path("missing")), std::string::npos) << refusal.message;
}

TEST(PlanFile, ChangedAfterItWasOpenedSendsWhatWasChecked) {
  for (const std::size_t buffer_bytes : {std::size_t{0}, std::size_t{1} << 20}) {
    PlanFixture plan;
    plan.diff(60, 6);
    (void)write_plan(plan.path(), plan.store, plan.content());
    OpenedPlan before = plan.open(plan.path(), buffer_bytes);
    OpenedPlan opened = plan.open(plan.path(), buffer_bytes);
    spew(plan.path(), std::string(slurp(plan.path()).size(), 'x'));
    expect_same_rows(opened.rows, before.rows);
  }
}

TEST(PlanFile, ReadingCanBeGivenUp) {
  PlanFixture plan;
  plan.diff(6, 1);
  (void)write_plan(plan.path(), plan.store, plan.content());
  PlanReading reading = plan.reading();
  reading.between = [] { throw std::runtime_error("given up"); };
  EXPECT_THROW((void)open_plan(plan.path(), plan.store, reading), std::runtime_error);
}

TEST(PlanFile, HoldsNeitherTheStoresSecretNorItsOwnKey) {
  PlanFixture plan;
  plan.diff(6, 1);
  (void)write_plan(plan.path(), plan.store, plan.content());
  const std::string bytes = slurp(plan.path());
  const auto& secret = plan.store.secret;
  EXPECT_EQ(std::search(bytes.begin(), bytes.end(), secret.begin(), secret.end(),
                        [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; }),
            bytes.end());
}

TEST(PlanHeader, NamesTheKeyThatIsMissingOrUnknown) {
  PlanFixture plan;
  plan.diff(6, 1);
  const nlohmann::json whole = to_json(plan.content().header);
  for (const auto& [key, value] : whole.items()) {
    nlohmann::json lacking = whole;
    lacking.erase(key);
    const Refusal refusal = refusal_of([&] { (void)plan_header(lacking); });
    EXPECT_TRUE(refusal.altered) << key;
    EXPECT_NE(refusal.message.find(key), std::string::npos) << refusal.message;
  }
  nlohmann::json other = whole;
  other["mode"] = "sideways";
  EXPECT_NE(refusal_of([&] { (void)plan_header(other); }).message.find("sideways"),
            std::string::npos);
  other = whole;
  other["shard"] = 1;
  EXPECT_TRUE(refusal_of([&] { (void)plan_header(other); }).altered);
}

TEST(PlanHeader, KeepsWhatRecordsAreLinkedTo) {
  PlanHeader header;
  Column column{"associate:deals", Type::text};
  column.link = Link{"deals", "key", "HUBSPOT_DEFINED", 4};
  header.schema.columns = {{"email", Type::text}, column};
  header.schema.field_count = 2;
  const PlanHeader read = plan_header(to_json(header));
  ASSERT_NE(read.schema.link(), nullptr);
  EXPECT_EQ(read.schema.link()->link, column.link);
  EXPECT_FALSE(read.schema.columns[0].link);
}

}  // namespace
}  // namespace tailrace
