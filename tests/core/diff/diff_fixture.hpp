#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "diff/differ.hpp"

namespace tailrace::test {

/// One state, one schema and one diff over them. Rows are lines of COPY text format.
class Diff {
 public:
  explicit Diff(Schema schema);

  Schema schema;
  Hasher hasher;
  StateView state;
  DiffOptions options;
  std::vector<EntryKeys> journal;  // accepted writes that are newer than the snapshot

  /// The destination has `line` under `match` (or under the key, where that is the identity).
  StateTable::Slot acknowledge(const std::string& identity, const std::string& line,
                               EntryKeys keys);
  void leave_absent(const std::string& identity);
  void doubt(const std::string& identity, Doubt doubt);
  void reject(const std::string& identity);

  struct Sent {
    Change change;
    std::string line;
    EntryKeys keys;

    bool operator==(const Sent&) const = default;
  };

  /// Diffs the model in one go; rows known to be duplicate are left out, as a run leaves them out.
  void run(const std::vector<std::string>& model);
  /// Just reads it; for tests that look between.
  Differ& read(const std::vector<std::string>& model);
  void finish();

  [[nodiscard]] const DiffCounts& counts() const { return differ_->counts(); }
  [[nodiscard]] const Differ& differ() const { return *differ_; }
  [[nodiscard]] const std::vector<Sent>& sent() const { return sent_; }
  [[nodiscard]] std::vector<std::string> sent_lines(Change change) const;
  /// Keys of the removed rows, sorted.
  [[nodiscard]] std::vector<std::string> removed_keys() const;
  /// Codes of the invalid rows in the sample, in order.
  [[nodiscard]] std::vector<std::string> codes() const;

  [[nodiscard]] IdentityHash identity(const std::string& text) const;
  [[nodiscard]] Version version(const std::string& line) const;

 private:
  [[nodiscard]] KeyReader reader() const;

  static constexpr int kBucketBits = 2;
  std::map<IdentityHash, std::pair<Version, EntryKeys>> snapshot_;
  std::unique_ptr<Changeset> changeset_;
  std::unique_ptr<Differ> differ_;
  std::vector<Sent> sent_;
};

/// email (the match field), name; the key is the match field.
[[nodiscard]] Schema keyed_by_match();
/// email (the match field), name; the key `id` is a column behind the fields.
[[nodiscard]] Schema keyed_by_id();
/// name, email (the match field); the key is tenant and id behind the fields.
[[nodiscard]] Schema keyed_by_two();

}  // namespace tailrace::test
