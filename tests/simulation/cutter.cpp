#include "cutter.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace tailrace::simulation {

struct Parts::Marked {
  Schedule schedule;
  std::vector<bool> rules;
  std::vector<bool> rounds;
  std::vector<std::vector<bool>> edits;
  std::vector<std::vector<bool>> runs;

  explicit Marked(const Schedule& whole)
      : schedule(whole), rules(whole.rules.size()), rounds(whole.rounds.size()) {
    for (const Round& round : whole.rounds) {
      edits.emplace_back(round.edits.size());
      runs.emplace_back(round.runs.size());
    }
  }

  template <typename Item>
  static void drop(std::vector<Item>& items, const std::vector<bool>& marked) {
    std::size_t place = 0;
    std::erase_if(items, [&](const Item&) { return marked[place++]; });
  }

  Schedule take() && {
    for (std::size_t i = 0; i < rounds.size(); ++i) {
      drop(schedule.rounds[i].edits, edits[i]);
      drop(schedule.rounds[i].runs, runs[i]);
    }
    drop(schedule.rules, rules);
    drop(schedule.rounds, rounds);
    return std::move(schedule);
  }
};

Parts::Parts(const Schedule& whole) : whole_(whole) {
  for (std::size_t i = 0; i < whole.rounds.size(); ++i) {
    takers_.push_back([i](Marked& marked) { marked.rounds[i] = true; });
  }
  for (std::size_t i = 0; i < whole.rules.size(); ++i) {
    takers_.push_back([i](Marked& marked) { marked.rules[i] = true; });
  }
  for (std::size_t i = 0; i < whole.rounds.size(); ++i) {
    const Round& round = whole.rounds[i];
    for (std::size_t run = 0; run < round.runs.size(); ++run) add_run(i, run);
    for (std::size_t edit = 0; edit < round.edits.size(); ++edit) {
      takers_.push_back([i, edit](Marked& marked) { marked.edits[i][edit] = true; });
    }
    const auto in_round = [&](bool there, auto change) {
      if (!there) return;
      takers_.push_back([i, change](Marked& marked) { change(marked.schedule.rounds[i]); });
    };
    in_round(round.model_empty, [](Round& one) { one.model_empty = false; });
    in_round(round.repeated > 0, [](Round& one) { one.repeated = 0; });
    in_round(round.invalid > 0, [](Round& one) { one.invalid = 0; });
    in_round(round.encoding > 1, [](Round& one) { one.encoding = 1; });
    in_round(round.mapping > 1, [](Round& one) { one.mapping = 1; });
    in_round(round.whole_rows, [](Round& one) { one.whole_rows = false; });
    in_round(!round.appear.empty(), [](Round& one) { one.appear.clear(); });
    in_round(!round.retry.empty(), [](Round& one) { one.retry.clear(); });
    in_round(round.pause_ms > 0, [](Round& one) { one.pause_ms = 0; });
  }
  const auto in_schedule = [&](bool there, auto change) {
    if (!there) return;
    takers_.push_back([change](Marked& marked) { change(marked.schedule); });
  };
  in_schedule(!whole.existing.empty(), [](Schedule& one) { one.existing.clear(); });
  in_schedule(whole.refuses_whole, [](Schedule& one) { one.refuses_whole = false; });
  in_schedule(whole.deadline_ms > 0, [](Schedule& one) { one.deadline_ms = 0; });
  in_schedule(whole.max_removed_percent > 0, [](Schedule& one) { one.max_removed_percent = 0; });
  in_schedule(whole.rate.requests > 0, [](Schedule& one) { one.rate = {}; });
  in_schedule(whole.store_patience_ms > 0, [](Schedule& one) { one.store_patience_ms = 0; });
  in_schedule(whole.quiet_of > 1, [](Schedule& one) { one.quiet_of = 1; });
  in_schedule(whole.max_in_flight > 1, [](Schedule& one) { one.max_in_flight = 1; });
}

void Parts::add_run(std::size_t round, std::size_t run) {
  const RunPlan& plan = whole_.rounds[round].runs[run];
  takers_.push_back([round, run](Marked& marked) { marked.runs[round][run] = true; });
  const auto in_run = [&](bool there, auto change) {
    if (!there) return;
    takers_.push_back(
        [round, run, change](Marked& marked) { change(marked.schedule.rounds[round].runs[run]); });
  };
  in_run(plan.crash_step > 0, [](RunPlan& one) { one.crash_step = 0; });
  in_run(plan.lock_stays, [](RunPlan& one) { one.lock_stays = false; });
  in_run(plan.cancel_step > 0, [](RunPlan& one) { one.cancel_step = 0; });
  in_run(!plan.freezes.empty(), [](RunPlan& one) { one.freezes.clear(); });
  in_run(!plan.store_faults.empty(), [](RunPlan& one) { one.store_faults.clear(); });
  in_run(plan.read_ms > 0, [](RunPlan& one) { one.read_ms = 0; });
  in_run(plan.read_fails, [](RunPlan& one) { one.read_fails = false; });
  in_run(plan.commit_ms > 0, [](RunPlan& one) { one.commit_ms = 0; });
  in_run(plan.start_ms > 0, [](RunPlan& one) { one.start_ms = 0; });
}

Schedule Parts::without(const std::vector<bool>& left_out) const {
  Marked marked(whole_);
  for (std::size_t i = 0; i < takers_.size(); ++i) {
    if (left_out[i]) takers_[i](marked);
  }
  return std::move(marked).take();
}

std::string cut_text(const std::vector<bool>& left_out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < left_out.size(); i += 4) {
    std::size_t digit = 0;
    for (std::size_t bit = 0; bit < 4 && i + bit < left_out.size(); ++bit) {
      digit |= static_cast<std::size_t>(left_out[i + bit]) << bit;
    }
    text += kDigits[digit];
  }
  while (!text.empty() && text.back() == '0') text.pop_back();
  return text.empty() ? "0" : text;
}

std::vector<bool> cut_of(std::string_view text, std::size_t parts) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::vector<bool> left_out(parts);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t digit = kDigits.find(text[i]);
    if (digit == std::string_view::npos) {
      throw std::invalid_argument("--cut: '" + std::string(text) + "' is not hexadecimal");
    }
    for (std::size_t bit = 0; bit < 4; ++bit) {
      if ((digit >> bit & 1U) == 0) continue;
      if (4 * i + bit >= parts) {
        throw std::invalid_argument("--cut: the schedule has only " + std::to_string(parts) +
                                    " parts");
      }
      left_out[4 * i + bit] = true;
    }
  }
  return left_out;
}

std::vector<bool> cut_down(const Parts& parts, const std::function<bool(const Schedule&)>& fails) {
  std::vector<bool> left_out(parts.size());
  for (bool smaller = true; smaller;) {
    smaller = false;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (left_out[i]) continue;
      left_out[i] = true;
      if (fails(parts.without(left_out))) {
        smaller = true;
      } else {
        left_out[i] = false;
      }
    }
  }
  return left_out;
}

}  // namespace tailrace::simulation
