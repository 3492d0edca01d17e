#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tailrace::simulation {

struct Mutant {
  int number;
  std::string_view what;
};

/// The mistakes that the simulator must notice.
[[nodiscard]] const std::vector<Mutant>& all_mutants();

/// From now on the engine makes that mistake; 0: none.
void choose_mutant(int number);

}  // namespace tailrace::simulation
