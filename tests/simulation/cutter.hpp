#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "schedule.hpp"

namespace tailrace::simulation {

/// Parts of a schedule that can be left out, by number: rules, rounds, runs, edits, crashes and the
/// other mishaps of a run. The numbers hold for one schedule, whatever else is left out of it.
class Parts {
 public:
  explicit Parts(const Schedule& whole);

  [[nodiscard]] std::size_t size() const { return takers_.size(); }
  /// What is left where `left_out[i]` leaves out part i.
  [[nodiscard]] Schedule without(const std::vector<bool>& left_out) const;

 private:
  /// A part leaves by marking; what is marked goes at the end, so that places stay.
  struct Marked;
  using Taker = std::function<void(Marked&)>;
  void add_run(std::size_t round, std::size_t run);

  Schedule whole_;
  std::vector<Taker> takers_;
};

/// A set of parts as text, four to a hexadecimal digit.
[[nodiscard]] std::string cut_text(const std::vector<bool>& left_out);
/// Throws std::invalid_argument for what is no such text.
[[nodiscard]] std::vector<bool> cut_of(std::string_view text, std::size_t parts);

/// Leaves out of a schedule that fails all that it fails without. `fails` is asked many times.
[[nodiscard]] std::vector<bool> cut_down(const Parts& parts,
                                         const std::function<bool(const Schedule&)>& fails);

}  // namespace tailrace::simulation
