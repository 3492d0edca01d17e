// What the diff of an unchanged model costs by itself: nanoseconds of CPU and bytes of memory a
// row.
//
//   g++ -std=c++20 -O2 -Icore benchmarks/diff_bench.cpp core/row/*.cpp core/diff/*.cpp
//       core/state/{table,snapshot,packing,journal,replay}.cpp -lcrypto -lxxhash -o diff_bench
//   ./diff_bench [rows] [match|key|float]
//
// match: the key is the match field; key: the key is a column of its own, so keys are compared too;
// float: two of the eight columns are floats compared at 12 digits.
#include <charconv>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <iostream>
#include <string>

#include "diff/differ.hpp"

namespace {

using namespace tailrace;

void append_number(std::string& out, std::uint64_t value) {
  char text[24];
  out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

/// Eight columns of about 90 bytes, as a customer table has them.
void append_row(std::string& out, std::uint64_t i) {
  out += "user";
  append_number(out, i);
  out += "@example.com\tFirstname\tLastname ";
  append_number(out, i % 977);
  out += "\t";
  append_number(out, i * 7919 % 1000003);
  out += ".25\t2026-01-15 10:20:30+00\tsilver\t";
  append_number(out, i % 90);
  out += ".5\t";
  append_number(out, i);
}

Schema schema_of(const std::string& kind) {
  Schema schema;
  schema.columns.assign(8, {"c", Type::text, Nulls::clear, kDefaultDigits});
  schema.field_count = kind == "key" ? 7 : 8;
  schema.key = {kind == "key" ? std::size_t{7} : std::size_t{0}};
  if (kind == "float") schema.columns[3].type = schema.columns[6].type = Type::floating;
  return schema;
}

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t pages = 0;
  statm >> pages >> pages;
  return pages * 4096;
}

void acknowledge_all(StateTable& table, const Schema& schema, const Hasher& hasher,
                     std::uint64_t rows) {
  std::string line;
  std::string scratch;
  for (std::uint64_t i = 0; i < rows; ++i) {
    line.clear();
    append_row(line, i);
    const RowView row(line, schema);
    const StateTable::Slot slot = table.insert(hasher.identity(row.cell(0).raw()));
    table.version(slot) = hasher.version(row, scratch);
    table.marks(slot).acknowledged = true;
  }
}

/// Of this process: steadier than the clock on a machine that others use.
double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

double consume_all(Differ& differ, std::uint64_t rows) {
  double seconds = 0;
  Chunk chunk;
  for (std::uint64_t i = 0; i < rows;) {
    chunk.clear();
    for (; i < rows && !chunk.full(); ++i) {
      append_row(chunk.bytes(), i);
      chunk.end_line();
    }
    const double begin = cpu_seconds();
    differ.consume(chunk);
    seconds += cpu_seconds() - begin;
  }
  return seconds;
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t rows = argc > 1 ? std::stoull(argv[1]) : 5'000'000;
  const std::string kind = argc > 2 ? argv[2] : "match";
  const Schema schema = schema_of(kind);
  const Hasher hasher(Hasher::Secret{}, "benchmark");
  const std::uint64_t resident_before = resident_bytes();
  StateView state;
  state.table = StateTable(rows + rows / 16);
  acknowledge_all(state.table, schema, hasher, rows);
  Changeset changeset("/tmp");
  Differ differ(schema, hasher, state, {}, changeset);
  const double consumed = consume_all(differ, rows);
  const double begin = cpu_seconds();
  differ.finish({});
  const double finished = cpu_seconds() - begin;
  const auto count = static_cast<double>(rows);
  std::cout << kind << ": " << rows << " rows, unchanged " << differ.counts().unchanged
            << ", consume " << consumed * 1e9 / count << " ns of CPU a row, finish "
            << finished * 1e9 / count << " ns, resident "
            << static_cast<double>(resident_bytes() - resident_before) / count << " B a row\n";
  return differ.counts().unchanged == rows ? 0 : 1;
}
