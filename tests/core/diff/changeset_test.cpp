#include "diff/changeset.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "diff/spill_file.hpp"

namespace tailrace {
namespace {

/// A directory of its own, gone with the test.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "changeset-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  TemporaryDirectory(TemporaryDirectory&&) = delete;
  TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }

  [[nodiscard]] std::string path() const { return path_.string(); }
  [[nodiscard]] bool empty() const { return std::filesystem::is_empty(path_); }

 private:
  std::filesystem::path path_;
};

/// A bound on the size of files while it lives; writing past it fails as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : signal_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  FileSizeLimit(FileSizeLimit&&) = delete;
  FileSizeLimit& operator=(FileSizeLimit&&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, signal_);
  }

 private:
  void (*signal_)(int);
  rlimit before_{};
};

struct Row {
  Change change;
  IdentityHash identity;
  Version version;
  std::string line;
  EntryKeys keys;
};

std::string random_text(std::mt19937_64& random, std::size_t most) {
  std::string text(random() % (most + 1), ' ');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

std::vector<Row> random_rows(std::size_t count, std::size_t longest) {
  std::mt19937_64 random(99);
  std::vector<Row> rows;
  for (std::size_t i = 0; i < count; ++i) {
    Row row{static_cast<Change>(random() % 3), {random(), random()}, 0, {}, {}};
    if (row.change == Change::removed) {
      row.keys = {random_text(random, 30), random_text(random, 30), random_text(random, 10)};
    } else {
      row.version = random();
      row.line = random_text(random, longest);
    }
    rows.push_back(row);
  }
  return rows;
}

void write(Changeset& changeset, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    if (row.change == Change::removed) {
      changeset.append_removed(row.identity, row.keys);
    } else {
      changeset.append(row.change, row.identity, row.version, row.line);
    }
  }
}

void expect_rows(Changeset& changeset, const std::vector<Row>& rows) {
  ChangeRow read;
  for (const Row& row : rows) {
    ASSERT_TRUE(changeset.next(read));
    ASSERT_EQ(read.change, row.change);
    ASSERT_EQ(read.identity, row.identity);
    ASSERT_EQ(read.version, row.version);
    ASSERT_EQ(read.line, row.line);
    ASSERT_EQ(read.keys.key, row.keys.key);
    ASSERT_EQ(read.keys.match, row.keys.match);
    ASSERT_EQ(read.keys.destination_id, row.keys.destination_id);
  }
  EXPECT_FALSE(changeset.next(read));
  EXPECT_FALSE(changeset.next(read));
}

TEST(Changeset, GivesBackWhatWasWrittenInItsOrder) {
  const TemporaryDirectory directory;
  const std::vector<Row> rows = random_rows(2000, 100);
  for (const std::size_t buffer_bytes :
       {std::size_t{0}, std::size_t{1}, std::size_t{64}, std::size_t{1000}, std::size_t{65'536}}) {
    Changeset changeset(directory.path(), buffer_bytes);
    write(changeset, rows);
    EXPECT_EQ(changeset.rows(), rows.size());
    changeset.seal();
    EXPECT_GT(changeset.spilled_bytes(), 0U);
    expect_rows(changeset, rows);
    changeset.rewind();
    expect_rows(changeset, rows);
  }
}

TEST(Changeset, ThatFitsTheBufferMakesNoFile) {
  const std::vector<Row> rows = random_rows(100, 100);
  Changeset changeset("/there/is/no/such/directory");
  write(changeset, rows);
  changeset.seal();
  EXPECT_EQ(changeset.spilled_bytes(), 0U);
  expect_rows(changeset, rows);
  changeset.rewind();
  expect_rows(changeset, rows);
}

TEST(Changeset, TakesRowsLongerThanItsBuffer) {
  const TemporaryDirectory directory;
  const std::vector<Row> rows = random_rows(20, 300'000);
  Changeset changeset(directory.path(), 4096);
  write(changeset, rows);
  changeset.seal();
  expect_rows(changeset, rows);
}

TEST(Changeset, WithoutRowsIsAtItsEnd) {
  Changeset changeset("/nowhere");
  changeset.seal();
  expect_rows(changeset, {});
}

TEST(Changeset, MayBeMoved) {
  const TemporaryDirectory directory;
  const std::vector<Row> rows = random_rows(500, 100);
  Changeset first(directory.path(), 1000);
  write(first, rows);
  Changeset second(std::move(first));
  second.seal();
  expect_rows(second, rows);
}

TEST(Changeset, IsReadOnlyAfterItWasSealedAndWrittenOnlyBefore) {
  Changeset changeset("/nowhere");
  ChangeRow row;
  EXPECT_THROW(static_cast<void>(changeset.next(row)), std::logic_error);
  EXPECT_THROW(changeset.rewind(), std::logic_error);
  changeset.seal();
  changeset.seal();
  EXPECT_THROW(changeset.append(Change::added, {}, 1, "x"), std::logic_error);
}

TEST(Changeset, TellsWhereEachLineIsThoughItIsGoneItself) {
  const TemporaryDirectory directory;
  const std::vector<Row> rows = random_rows(400, 600);
  std::string packed;
  for (const Row& row : rows) {
    append_packed(packed, row.change, row.identity, row.version, row.line, row.keys);
  }
  SpillFile file = SpillFile::open(directory.path());
  file.append("before the rows" + packed);
  std::vector<Changeset> all;
  all.push_back(Changeset::sealed(packed, rows.size()));
  all.push_back(Changeset::sealed(std::move(file), 15, rows.size(), 1000));
  for (const std::size_t buffer : {std::size_t{1000}, std::size_t{1} << 20}) {
    all.emplace_back(directory.path(), buffer);
    for (const Row& row : rows) {
      if (row.change == Change::removed) {
        all.back().append_removed(row.identity, row.keys);
      } else {
        all.back().append(row.change, row.identity, row.version, row.line);
      }
    }
    EXPECT_THROW(static_cast<void>(all.back().lines()), std::logic_error);
    all.back().seal();
  }
  for (Changeset& changes : all) {
    auto lines = std::make_shared<StoredLines>();
    lines->store = changes.lines();
    for (ChangeRow row; changes.next(row);) lines->places.push_back(row.place);
    { const Changeset gone = std::move(changes); }
    LineCursor cursor(lines);
    for (const Row& row : rows) ASSERT_EQ(cursor.next(), row.line);
    EXPECT_EQ(cursor.next(), std::nullopt);
  }
}

TEST(Changeset, LeavesNoNameInTheDirectory) {
  const TemporaryDirectory directory;
  Changeset changeset(directory.path(), 100);
  write(changeset, random_rows(100, 100));
  EXPECT_GT(changeset.spilled_bytes(), 0U);
  EXPECT_TRUE(directory.empty());
}

TEST(Changeset, SaysWhereItCouldNotMakeItsFile) {
  Changeset changeset("/there/is/no/such/directory", 10);
  changeset.append(Change::added, {}, 1, "first");
  try {
    changeset.append(Change::added, {}, 2, "second");
    FAIL() << "nothing was thrown";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::no_such_file_or_directory);
    EXPECT_NE(std::string(error.what()).find("/there/is/no/such/directory"), std::string::npos);
  }
}

TEST(Changeset, ThrowsWhereTheDiskIsFull) {
  const TemporaryDirectory directory;
  const FileSizeLimit limit(20'000);
  Changeset changeset(directory.path(), 4096);
  const std::vector<Row> rows = random_rows(2000, 100);
  EXPECT_THROW(write(changeset, rows), std::system_error);
}

std::string packed(const std::vector<Row>& rows) {
  std::string bytes;
  for (const Row& row : rows) {
    append_packed(bytes, row.change, row.identity, row.version, row.line, row.keys);
  }
  return bytes;
}

TEST(Changeset, ReadsPackedRowsFromMemoryAndFromAFilesMiddle) {
  const TemporaryDirectory directory;
  const std::vector<Row> rows = random_rows(500, 300);
  Changeset in_memory = Changeset::sealed(packed(rows), rows.size());
  for (const std::size_t buffer_bytes : {std::size_t{0}, std::size_t{100}, std::size_t{1} << 20}) {
    SpillFile file = SpillFile::open(directory.path());
    file.append("what comes before");
    file.append(packed(rows));
    Changeset in_file = Changeset::sealed(std::move(file), 17, rows.size(), buffer_bytes);
    for (int times = 0; times < 2; ++times) {
      expect_rows(in_file, rows);
      in_file.rewind();
    }
  }
  for (int times = 0; times < 2; ++times) {
    expect_rows(in_memory, rows);
    in_memory.rewind();
  }
}

TEST(Changeset, PackedRowsAreAsLongAsToldAndTheSameOnEveryMachine) {
  std::string bytes;
  append_packed(bytes, Change::changed, {0x0102030405060708, 0x1112131415161718}, 0xaabb, "x\t1",
                {});
  const std::string expected(
      "\x01\x03\0\0\0\0\0\0\0\0\0\0\0\x08\x07\x06\x05\x04\x03\x02\x01\x18\x17\x16\x15\x14\x13\x12"
      "\x11"
      "\xbb\xaa\0\0\0\0\0\0x\t1",
      40);
  EXPECT_EQ(bytes, expected);
  for (const Row& row : random_rows(50, 100)) {
    const ChangeRow change{row.change, row.identity, row.version, row.line, row.keys};
    EXPECT_EQ(packed_bytes(change), packed({row}).size());
  }
}

TEST(Changeset, OfPackedBytesThatEndEarlyOrAreNoRowThrows) {
  const std::vector<Row> rows = random_rows(3, 20);
  const std::string whole = packed(rows);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    Changeset cut = Changeset::sealed(whole.substr(0, length), rows.size());
    ChangeRow row;
    EXPECT_THROW(while (cut.next(row)){}, std::system_error);
  }
  std::string huge = whole;
  for (std::size_t i = 1; i < 5; ++i) huge[i] = '\xff';
  Changeset long_line = Changeset::sealed(huge, rows.size());
  ChangeRow row;
  EXPECT_THROW(static_cast<void>(long_line.next(row)), std::system_error);
  std::string other = whole;
  other[0] = 3;
  Changeset unknown = Changeset::sealed(other, rows.size());
  EXPECT_THROW(static_cast<void>(unknown.next(row)), std::system_error);
}

TEST(SpillFile, IsForItsOwnerAloneAndNamelessEitherWay) {
  const TemporaryDirectory directory;
  const mode_t before = ::umask(0);
  for (const bool named_first : {false, true}) {
    const SpillFile file = named_first ? SpillFile::open_unlinked(directory.path())
                                       : SpillFile::open(directory.path());
    struct stat facts{};
    ASSERT_EQ(::fstat(file.descriptor(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777U, 0600U);
    EXPECT_EQ(facts.st_nlink, 0U);
    EXPECT_TRUE(directory.empty());
    EXPECT_NE(::fcntl(file.descriptor(), F_GETFD) & FD_CLOEXEC, 0);
  }
  ::umask(before);
}

TEST(SpillFile, ReadsWhatIsThereAndNoMore) {
  const TemporaryDirectory directory;
  SpillFile file = SpillFile::open_unlinked(directory.path());
  file.append("0123456789");
  std::string into(4, ' ');
  EXPECT_EQ(file.read(3, into), 4U);
  EXPECT_EQ(into, "3456");
  EXPECT_EQ(file.read(8, into), 2U);
  EXPECT_EQ(file.read(10, into), 0U);
}

TEST(SpillFile, ThatWasCutIsNoticed) {
  const TemporaryDirectory directory;
  SpillFile file = SpillFile::open(directory.path());
  file.append("0123456789");
  ASSERT_EQ(::ftruncate(file.descriptor(), 4), 0);
  std::string into(10, ' ');
  EXPECT_EQ(file.read(0, into), 4U);
}

}  // namespace
}  // namespace tailrace
