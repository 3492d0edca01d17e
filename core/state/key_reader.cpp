#include "state/key_reader.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "state/replay.hpp"

namespace tailrace {

KeyReader::KeyReader(StateStore& store, const Claim& claim, Wanted wanted)
    : store_(store), claim_(claim), wanted_(std::move(wanted)) {}

void KeyReader::read_journal() {
  changes_ = std::make_unique<EntryChanges>();
  constexpr std::int64_t any_quiet_ms = 0;  // doubts are not asked for
  static_cast<void>(replay_journal(
      store_, claim_, any_quiet_ms,
      [&](StateOp op, const IntentRow& row, const std::string& destination_id) {
        if (!wanted_(row.identity)) return;
        if (op == StateOp::remove) {
          changes_->add(EntryChange::remove, row.identity);
        } else {
          changes_->add(EntryChange::write, row.identity, row.version,
                        {row.key, row.match, destination_id});
        }
      }));
  changes_->sort();
}

SnapshotBucket KeyReader::bucket(std::uint32_t number) {
  if (!changes_) read_journal();
  SnapshotBucket old = store_.read_bucket(claim_.holder, number);
  const auto of_bucket = [&](const EntryChanges::Change& change) {
    return bucket_of(change.identity, claim_.bucket_bits);
  };
  const auto first = std::lower_bound(
      changes_->begin(), changes_->end(), number,
      [&](const EntryChanges::Change& change, std::uint32_t wanted) {
        return of_bucket(change) < wanted;
      });
  const auto last = std::find_if(first, changes_->end(), [&](const EntryChanges::Change& change) {
    return of_bucket(change) != number;
  });
  if (first == last) return old;
  std::vector<SnapshotBucket> merged;
  BucketBuilder builder(claim_.bucket_bits, merged);
  constexpr std::uint32_t no_day = 0;  // so that no absent entry is too old
  Merge merge(first, last, no_day, [&](FullEntry&& entry) { builder.add(std::move(entry)); });
  for (FullEntry& entry : open_bucket(old)) merge.feed(std::move(entry));
  merge.flush([](const IdentityHash&) { return true; });
  builder.close();
  if (merged.empty()) return {number, {}, {}, {}};
  return std::move(merged.front());
}

}  // namespace tailrace
