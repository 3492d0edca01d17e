#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "destination/classify.hpp"
#include "destination/destination.hpp"

namespace tailrace {

/// Longest message that a verdict carries; the caller scrubs and cuts it further.
inline constexpr std::size_t kMessageBytes = 2048;

[[nodiscard]] std::vector<RowIndex> all_rows(const Batch& batch);

/// A reason whose texts are cut to kMessageBytes, so that a hostile answer cannot be copied once
/// for each row of a batch.
[[nodiscard]] Reason reason_of(std::string_view code, std::string_view message,
                               std::string_view field = {});

/// What is known of a request that got no answer, or one of which only the status counts.
[[nodiscard]] Reason reason_of(const wire::Reply& reply);

/// The run cannot go on for `reason`; `advice` says what to do, and may be empty.
[[nodiscard]] Stop stop_for(Stop::Kind kind, const Reason& reason, std::string_view advice);

/// Whether `words` has it.
template <typename Word, typename Words>
[[nodiscard]] bool is_one_of(const Word& word, const Words& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// For tools whose ids are numbers: anything else is not put where an id belongs.
[[nodiscard]] bool is_numeric_id(std::string_view text);

/// One outcome for all of `rows`.
void give_all(Step& step, const std::vector<RowIndex>& rows, Outcome outcome, const Reason& reason);

/// What an answer without outcomes means.
struct Refusal {
  Judgement judgement;
  Reason reason;
  std::string_view advice = {};  // what a person can do, where that is known
};

/// What becomes of `rows` of one request that was not answered with outcomes (any class but ok):
/// rejected or halved, tried again, unknown; with the pause or the stop that goes with it. Rows
/// whose request was refused as a whole are retryable: nothing happened to them. The advice is
/// added to a terminal answer's message.
[[nodiscard]] Step settle_refusal(const Refusal& refusal, const std::vector<RowIndex>& rows,
                                  Operation operation);

/// The same for a question that a write needs first. It changes nothing at the tool, so that
/// without an answer, or with one that makes no sense, nothing has happened.
[[nodiscard]] Step settle_unanswered(Refusal refusal, const std::vector<RowIndex>& rows,
                                     Operation operation);

/// The end of a question that was refused: worth another try, or not.
[[nodiscard]] ReadStep end_question(const Refusal& refusal);
/// The end of one about an object that is not there. `tool`: as the message begins. `known`: the
/// objects that are, one of which may have been meant.
[[nodiscard]] ReadStep no_such_object(std::string_view tool, std::string_view object,
                                      const std::vector<std::string>& known);
/// The end of one whose answer makes no sense. `tool`: its name.
[[nodiscard]] ReadStep senseless_answer(std::string_view tool);

/// What is known of each row of a batch, gathered from an answer whose parts may repeat and
/// contradict each other.
class Evidence {
 public:
  explicit Evidence(std::size_t rows) : rows_(rows) {}

  /// An answer's word on one row. A second word spoils the first, and the row is unknown, unless
  /// both say the same and neither says accepted (two reasons of one rejection).
  void add(Verdict verdict);
  [[nodiscard]] bool has(RowIndex row) const { return rows_[row].seen; }
  [[nodiscard]] std::size_t size() const { return rows_.size(); }
  /// Rows without a word.
  [[nodiscard]] std::vector<RowIndex> open() const;

  /// One verdict a row; rows without a word are unknown for `missing`.
  [[nodiscard]] std::vector<Verdict> verdicts(const Reason& missing) &&;

 private:
  struct Row {
    bool seen = false;
    Verdict verdict;
  };
  std::vector<Row> rows_;
};

}  // namespace tailrace
