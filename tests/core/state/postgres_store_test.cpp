#include "state/postgres_store.hpp"

#include <gtest/gtest.h>

#include "store_contract.hpp"

namespace tailrace::test {
namespace {

INSTANTIATE_TEST_SUITE_P(Postgres, StoreContract, ::testing::Values(postgres_backend()),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace tailrace::test
