#pragma once

#include <chrono>
#include <cstddef>

namespace tailrace::http {

/// How many requests may be under way at once, found by looking: grows while answers take no
/// longer for it, shrinks when they take more than twice as long as the tool needs by itself, or
/// when it refuses. What the tool needs by itself is measured anew, with few requests under way,
/// as long as answers are slow. The same answers at the same times give the same numbers.
class Concurrency {
 public:
  using Duration = std::chrono::duration<double>;

  explicit Concurrency(std::size_t most);

  /// From 1 to `most`.
  [[nodiscard]] std::size_t limit() const;
  /// An answer that came `took` after its start; `under_way`: requests when it started, with it.
  void answered(Duration took, std::size_t under_way);
  /// The tool refused a request for the rate.
  void refused(std::size_t under_way);

 private:
  struct Round {
    std::size_t answers = 0;
    std::size_t most_under_way = 0;
    Duration total{0};
  };
  void end_round();
  void adapt(Duration took);
  void measure(Duration took);
  void raise_ceiling();
  [[nodiscard]] std::size_t round_length() const;

  double most_;
  double ceiling_;  // below what was refused, raised slowly
  double limit_;
  Duration alone_{0};  // what an answer takes where none waits for another; zero: not known
  Round round_;
  int rounds_since_refusal_ = 0;
  int slow_rounds_ = 0;
  bool measures_ = false;
};

}  // namespace tailrace::http
