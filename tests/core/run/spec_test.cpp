// What a run spec means where it leaves something out.
#include "run/spec.hpp"

#include <gtest/gtest.h>

#include "world.hpp"

namespace tailrace {
namespace {

using namespace std::chrono_literals;

TEST(RunSpec, QuietTimeIsTwiceALongTimeout) {
  testing::World world;
  const auto quiet = [&world] { return parse_run_spec(world.spec().dump()).timing.quiet; };
  EXPECT_EQ(quiet(), 120s) << "at least";
  world.changes["connection"]["timeout_s"] = 5;
  EXPECT_EQ(quiet(), 120s);
  world.changes["connection"]["timeout_s"] = 300;
  EXPECT_EQ(quiet(), 600s) << "a request that timed out may land for as long again";
  world.changes["timing"]["quiet_s"] = 1;
  EXPECT_EQ(quiet(), 1s) << "where somebody knows better";
}

}  // namespace
}  // namespace tailrace
