#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "state/table.hpp"

namespace tailrace::test {

/// What a load must find, kept as plain lists: every batch ever announced, every row ever accepted.
/// It is never folded; each question is answered by going over all of it.
class ReferenceState {
 public:
  using Key = std::uint64_t;

  struct Batch {
    std::int64_t seq = 0;  // 0: no outcome can name it any more
    std::uint32_t index = 0;
    std::string run_id;
    std::int64_t sent_by_ms = 0;  // send_by, then the latest send time told
    StateOp op = StateOp::write;
    std::string memo;
    std::string body_sha256;
    std::vector<std::pair<Key, Version>> rows;
    std::vector<RowOutcome> outcomes;  // empty: open
    bool voided = false;
    std::int64_t announced = 0;        // counts what happens
    std::set<std::size_t> ended;       // rows whose doubt a fold has found ended
  };
  struct Entry {
    Version version = 0;
    std::string destination_id;
    std::optional<std::int64_t> absent_day;
  };
  struct Loaded {
    std::map<Key, Version> acknowledged;
    std::map<Key, bool> absent;
    std::map<Key, Doubt> doubts;
    std::vector<Batch> open;
    std::size_t known = 0;
  };

  void announce(Batch batch) {
    batch.announced = ++events_;
    batches_.push_back(std::move(batch));
  }
  void outcome(std::int64_t seq, std::uint32_t index, std::int64_t sent_at_ms,
               const std::vector<RowResult>& results);
  void void_of(std::int64_t seq, std::uint32_t index);
  void park(Key key, Version version) { parked_[key] = version; }
  void unpark(Key key) { parked_.erase(key); }

  [[nodiscard]] Loaded load(std::int64_t now_ms, std::int64_t quiet_ms) const;

  /// What a fold does besides keeping all that is true: rows leave and return, too old ones go.
  void folded(const std::vector<Key>& newly_absent, const std::vector<Key>& returned,
              std::int64_t now_ms, std::int64_t quiet_ms);
  /// The open batch's new seq, found by its memo or digest.
  void renumber(const std::string& memo, const std::string& body_sha256, std::int64_t seq,
                std::uint32_t index);

  [[nodiscard]] std::size_t closed_rows() const { return closed_rows_; }
  [[nodiscard]] const std::map<Key, Entry>& entries() const { return entries_; }
  [[nodiscard]] std::size_t batches() const { return batches_.size(); }

 private:
  [[nodiscard]] bool expired(const Entry& entry, std::int64_t now_ms) const;
  [[nodiscard]] bool in_doubt(const Batch& batch, std::size_t row, std::int64_t now_ms,
                              std::int64_t quiet_ms) const;
  [[nodiscard]] bool in_doubt_by_journal(const Batch& batch, std::size_t row,
                                         std::int64_t quiet_ms) const;
  [[nodiscard]] bool is_awaited(Key key, std::int64_t quiet_ms) const;
  void accept(const Batch& batch, std::size_t row, std::int64_t sent_at_ms, const std::string& id);

  std::vector<Batch> batches_;
  std::map<Key, Entry> entries_;
  std::map<Key, std::int64_t> accepted_at_;  // when it was sent
  std::map<std::pair<Key, Version>, std::int64_t> inserted_;  // the event that told it
  std::map<Key, Version> parked_;
  std::int64_t events_ = 0;
  std::size_t closed_rows_ = 0;
};

}  // namespace tailrace::test
