// What an unchanged row costs: no memory of its own.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "diff/diff_fixture.hpp"

namespace {
std::atomic<std::size_t> allocations{0};
}  // namespace

// NOLINTBEGIN(cppcoreguidelines-no-malloc,cppcoreguidelines-owning-memory): this is the allocator.
// Every allocation of this test program passes here. Kept out of line: gcc takes an inlined free()
// for a mismatch with new.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(bytes == 0 ? 1 : bytes);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
// NOLINTEND(cppcoreguidelines-no-malloc,cppcoreguidelines-owning-memory)

namespace tailrace {
namespace {

std::size_t allocations_for(const Schema& schema, const std::vector<std::string>& model,
                            const std::vector<std::string>& identities) {
  test::Diff diff(schema);
  for (std::size_t i = 0; i < model.size(); ++i) {
    diff.acknowledge(identities[i], model[i], {identities[i], "", ""});
  }
  diff.options.normalise = [](std::string_view match, std::string& out) {
    out.assign(match);
    return true;
  };
  Chunk warm_up;
  Chunk rest;
  warm_up.append(model[0]);
  for (std::size_t i = 1; i < model.size(); ++i) rest.append(model[i]);
  Changeset changeset("/nowhere");
  Differ differ(diff.schema, diff.hasher, diff.state, diff.options, changeset);
  differ.consume(warm_up);  // scratch buffers grow once
  const std::size_t before = allocations;
  differ.consume(rest);
  const std::size_t made = allocations - before;
  differ.finish({});
  EXPECT_EQ(differ.counts().unchanged, model.size());
  return made;
}

TEST(UnchangedRows, AllocateNothing) {
  std::vector<std::string> model;
  std::vector<std::string> identities;
  for (int i = 0; i < 1000; ++i) {
    identities.push_back("somebody." + std::to_string(1000 + i) + "@a-long-domain.example");
    model.push_back(identities.back() + "\t" + std::to_string(1000 + i) + ".25");
  }
  EXPECT_EQ(allocations_for(test::keyed_by_match(), model, identities), 0U);
  Schema with_float = test::keyed_by_match();
  with_float.columns[1].type = Type::floating;
  EXPECT_EQ(allocations_for(with_float, model, identities), 0U);
}

}  // namespace
}  // namespace tailrace
