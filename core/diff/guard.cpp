#include "diff/guard.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "row/mutant.hpp"

namespace tailrace {
namespace {

/// 1234567 → 1,234,567
[[nodiscard]] std::string grouped(std::uint64_t n) {
  std::string text = std::to_string(n);
  for (std::size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, 1, ',');
  return text;
}

[[nodiscard]] std::string rows(std::uint64_t n) { return grouped(n) + (n == 1 ? " row" : " rows"); }

/// Three digits behind the point at most, so that a figure just above its limit does not look equal
/// to it.
[[nodiscard]] std::string number(double value) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.3f", value);
  std::string out(text.data());
  out.erase(out.find_last_not_of('0') + 1);
  if (out.back() == '.') out.pop_back();
  return out;
}

[[nodiscard]] std::string limit_text(const Limit& limit) {
  return number(limit.value) + (limit.percent ? " %" : limit.value == 1 ? " row" : " rows");
}

[[nodiscard]] std::string way_on(const std::string& guard) {
  return " Nothing was sent. If this is right, let it pass once with --allow-guard " + guard + ".";
}

[[nodiscard]] double in_unit(std::uint64_t n, std::uint64_t known, const Limit& limit) {
  const auto value = static_cast<double>(n);
  return limit.percent ? 100.0 * value / static_cast<double>(known) : value;
}

/// A share of no known keys says nothing: a first run adds all of its rows.
[[nodiscard]] bool is_above(std::uint64_t n, std::uint64_t known,
                            const std::optional<Limit>& limit) {
  if (!limit || (limit->percent && known == 0)) return false;
  return in_unit(n, known, *limit) > limit->value;
}

/// "3 rows would be removed, 30 % of the 10 known keys; the limit is 20 %."
[[nodiscard]] Breach breach_of(const std::string& guard, std::uint64_t n, std::uint64_t known,
                               const Limit& limit, const std::string& would_be) {
  Breach breach{guard, in_unit(n, known, limit), limit, {}};
  breach.message = "guard " + guard + ": " + rows(n) + " would be " + would_be;
  if (limit.percent) {
    breach.message += ", " + number(breach.value) + " % of the " + grouped(known) + " known keys";
  }
  breach.message += "; the limit is " + limit_text(limit) + ".";
  return breach;
}

[[nodiscard]] Breach empty_breach(const GuardFacts& facts) {
  const std::string found = facts.counts.scanned == 0
                                ? "the model has no rows"
                                : "none of the model's " + rows(facts.counts.scanned) + " is valid";
  return {"empty", 0, Limit{},
          "guard empty: " + found + ", but " + grouped(facts.known) +
              " keys are known at the destination." + way_on("empty") +
              " Where an empty model is usual, set guards: {allow_empty: true}."};
}

[[nodiscard]] Breach encoding_breach(const GuardFacts& facts, std::uint64_t differing,
                                     const Limit& limit) {
  Breach breach = breach_of("encoding", differing, facts.known, limit, "sent as changed");
  breach.message +=
      " The mapping is as it was, but the source now writes values in another form (another driver"
      " or another kind of source), so rows differ that hold the same values. Nothing was sent. To"
      " send them all, let it pass once with --allow-guard encoding; to take the model as delivered"
      " and send nothing, use reset --adopt.";
  return breach;
}

[[nodiscard]] double share(std::uint64_t n, std::uint64_t rows) {
  return rows == 0 ? 0 : 100.0 * static_cast<double>(n) / static_cast<double>(rows);
}

void judge_nulls(const Guards& guards, const GuardFacts& facts, std::vector<Breach>& breaches) {
  if (!facts.nulls_before) return;
  for (const auto& [field, limit] : guards.max_null_jump) {
    const auto now = facts.nulls.nulls.find(field);
    const auto before = facts.nulls_before->nulls.find(field);
    if (now == facts.nulls.nulls.end() || before == facts.nulls_before->nulls.end()) continue;
    const double from = limit.percent ? share(before->second, facts.nulls_before->rows)
                                      : static_cast<double>(before->second);
    const double to =
        limit.percent ? share(now->second, facts.nulls.rows) : static_cast<double>(now->second);
    if (to - from <= limit.value) continue;
    Breach breach{"max_null_jump", to - from, limit, {}};
    const std::string unit = limit.percent ? " %" : "";
    breach.message = "guard max_null_jump: '" + field + "' is NULL in " + rows(now->second) +
                     ", up from " + number(from) + unit + " to " + number(to) + unit +
                     "; the limit is a rise of " + number(limit.value) +
                     (limit.percent ? " points." : " rows.") + way_on("max_null_jump");
    breaches.push_back(std::move(breach));
  }
}

}  // namespace

std::vector<Breach> judge(const Guards& guards, const GuardFacts& facts,
                          const std::vector<std::string>& allowed) {
  const DiffCounts& counts = facts.counts;
  const std::uint64_t differing = counts.changed - counts.refreshed;
  std::vector<Breach> breaches;
  const bool empty = counts.unchanged + counts.added + counts.changed == 0;
  const bool guarded = !guards.allow_empty && !mutant(7);
  if (empty && facts.known > 0 && guarded) breaches.push_back(empty_breach(facts));
  const auto hold = [&](const char* guard, std::uint64_t n, const std::optional<Limit>& limit,
                        const char* would_be) {
    if (!is_above(n, facts.known, limit)) return;
    breaches.push_back(breach_of(guard, n, facts.known, *limit, would_be));
    breaches.back().message += way_on(guard);
  };
  if (facts.deletes && counts.removed > guards.removed_floor && !mutant(16)) {
    hold("max_removed", counts.removed, guards.max_removed, "removed");
  }
  hold("max_changed", differing, guards.max_changed, "changed");
  hold("max_added", counts.added, guards.max_added, "added");
  if (facts.encoding_changed && is_above(differing, facts.known, guards.encoding)) {
    breaches.push_back(encoding_breach(facts, differing, *guards.encoding));
  }
  judge_nulls(guards, facts, breaches);
  std::erase_if(breaches, [&](const Breach& breach) {
    return std::find(allowed.begin(), allowed.end(), breach.guard) != allowed.end();
  });
  return breaches;
}

}  // namespace tailrace
