#include "destination/klaviyo/sent.hpp"

#include <algorithm>
#include <charconv>
#include <numeric>

#include "destination/klaviyo/facts.hpp"
#include "destination/klaviyo/target.hpp"
#include "row/ascii.hpp"

namespace tailrace::klaviyo {
namespace {

constexpr std::string_view kNoJob = "-";
constexpr std::string_view kAll = "*";
constexpr std::string_view kSome = "#";

[[nodiscard]] std::string_view take_word(std::string_view& text) {
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(text.size(), word.size() + 1));
  return word;
}

[[nodiscard]] std::vector<RowIndex> first_rows(std::size_t count) {
  std::vector<RowIndex> rows(count);
  std::iota(rows.begin(), rows.end(), RowIndex{0});
  return rows;
}

constexpr unsigned kDigitBits = 4;

[[nodiscard]] std::string bits_of(const std::vector<RowIndex>& rows, std::size_t batch_rows) {
  std::string digits((batch_rows + kDigitBits - 1) / kDigitBits, '0');
  std::vector<unsigned> values(digits.size(), 0);
  for (const RowIndex row : rows) values[row / kDigitBits] |= 8U >> (row % kDigitBits);
  std::transform(values.begin(), values.end(), digits.begin(),
                 [](unsigned value) { return kHexDigits[value]; });
  return digits;
}

/// nullopt: no such digits.
[[nodiscard]] std::optional<std::vector<RowIndex>> rows_in(std::string_view digits) {
  std::vector<RowIndex> rows;
  for (std::size_t at = 0; at < digits.size(); ++at) {
    const std::size_t value = kHexDigits.find(digits[at]);
    if (value == std::string_view::npos) return std::nullopt;
    for (unsigned bit = 0; bit < kDigitBits; ++bit) {
      if ((value & (8U >> bit)) != 0) rows.push_back(static_cast<RowIndex>(at * kDigitBits + bit));
    }
  }
  return rows;
}

/// A memo's words: which rows of how many.
struct Words {
  std::string job;
  std::size_t batch_rows = 0;  // of bits: as many as there are places for
  std::vector<RowIndex> rows;
};

[[nodiscard]] std::optional<Words> read(std::string_view memo) {
  Words words;
  const std::string_view job = take_word(memo);
  if (job != kNoJob && !is_plain_id(job)) return std::nullopt;
  if (job != kNoJob) words.job = job;
  const std::string_view which = take_word(memo);
  if (which == kAll) {
    const auto got = std::from_chars(memo.data(), memo.data() + memo.size(), words.batch_rows);
    const bool whole = got.ec == std::errc{} && got.ptr == memo.data() + memo.size();
    if (!whole || words.batch_rows == 0 || words.batch_rows > kMaxRows) return std::nullopt;
    words.rows = first_rows(words.batch_rows);
    return words;
  }
  auto rows = which == kSome ? rows_in(memo) : std::nullopt;
  if (!rows || rows->empty()) return std::nullopt;
  words.batch_rows = memo.size() * kDigitBits;
  words.rows = std::move(*rows);
  return words;
}

}  // namespace

Memo to_memo(const Sent& sent, std::size_t batch_rows) {
  Memo memo(sent.job.empty() ? kNoJob : std::string_view(sent.job));
  if (sent.rows.size() == batch_rows) {
    return memo.append(" ").append(kAll).append(" ").append(std::to_string(batch_rows));
  }
  return memo.append(" ").append(kSome).append(" ").append(bits_of(sent.rows, batch_rows));
}

std::optional<Sent> from_memo(std::string_view memo, std::size_t batch_rows) {
  std::optional<Words> words = read(memo);
  // Bits fill their last digit.
  const bool fits = words && words->rows.back() < batch_rows && words->batch_rows >= batch_rows &&
                    words->batch_rows < batch_rows + kDigitBits;
  if (!fits) return std::nullopt;
  return Sent{std::move(words->job), std::move(words->rows)};
}

std::optional<Sent> resumed(std::string_view memo, std::size_t batch_rows) {
  std::optional<Words> words = read(memo);
  if (!words || words->job.empty() || words->rows.size() != batch_rows) return std::nullopt;
  return Sent{std::move(words->job), first_rows(batch_rows)};
}

}  // namespace tailrace::klaviyo
