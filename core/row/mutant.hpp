#pragma once

namespace tailrace {

/// A mistake that a test build can make on purpose, to see whether the tests notice: one place in
/// the code for each number. In every other build this is false, and the compiler drops the place.
#ifdef TAILRACE_MUTANTS
inline int chosen_mutant = 0;  // set before the code under test runs
[[nodiscard]] inline bool mutant(int number) { return chosen_mutant == number; }
#else
[[nodiscard]] constexpr bool mutant(int /*number*/) { return false; }
#endif

}  // namespace tailrace
