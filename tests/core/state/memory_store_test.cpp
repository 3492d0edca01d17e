#include "state/memory_store.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "journal_script.hpp"
#include "store_contract.hpp"

namespace tailrace::test {
namespace {

INSTANTIATE_TEST_SUITE_P(Memory, StoreContract, ::testing::Values(memory_backend()),
                         [](const auto& kind) { return kind.param.name; });

TEST(MemoryStore, KeepsTheLastThousandRuns) {
  MemoryStore store(std::make_shared<MemoryDisk>());
  for (int i = 0; i < 1100; ++i) {
    const std::string id = "r" + std::to_string(i);
    const std::optional<Claim> claim = store.claim(kAccounts, run_row(id), kLeaseMs);
    ASSERT_TRUE(claim);
    finish_plain(store, *claim, run_row(id));
  }
  EXPECT_EQ(store.runs("", 5000).size(), 1000U);
  EXPECT_EQ(store.runs("", 1).at(0).run_id, "r1099");
}

TEST(OpenStore, GivesAFreshStoreInMemory) {
  const auto store = open_store("memory:", true);
  EXPECT_TRUE(store->claim(kAccounts, run_row("r1"), kLeaseMs));
  EXPECT_NE(open_store("memory:", true)->identity().id, store->identity().id);
}

TEST(OpenStore, RefusesOtherUrls) {
  for (const char* url : {"", "state.db", "sqlite:", "sqlite://", "sqlite:///", "sqlite:///dir/",
                          "mysql://host/db", "SQLITE:///x", "memory:x"}) {
    EXPECT_THROW(static_cast<void>(open_store(url, true)), std::invalid_argument) << url;
  }
}

}  // namespace
}  // namespace tailrace::test
