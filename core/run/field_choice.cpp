#include "run/field_choice.hpp"

#include <cstring>
#include <optional>
#include <unordered_map>

#include "row/mutant.hpp"
#include "row/number.hpp"

namespace tailrace {
namespace {

constexpr std::size_t kEntryBytes = 16;
constexpr std::size_t kVersionBytes = 8;

void append(std::string& out, std::uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8) {
    out.push_back(static_cast<char>((value >> shift) & 0xFF));
  }
}

std::uint64_t number_at(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 8; i-- > 0;) value = value << 8 | static_cast<std::uint8_t>(bytes[i]);
  return value;
}

}  // namespace

std::string fields_of_version(Version version, std::string_view hashes) {
  std::string kept;
  kept.reserve(kVersionBytes + hashes.size());
  append(kept, version);
  return kept.append(hashes);
}

std::string_view fields_at(Version version, std::string_view kept) {
  if (kept.size() % kEntryBytes != kVersionBytes) return {};
  if (number_at(kept) != version && !mutant(29)) return {};
  return kept.substr(kVersionBytes);
}

FieldChoice::FieldChoice(const Schema& schema, const Hasher& hasher)
    : schema_(schema), hasher_(hasher) {
  for (std::size_t i = 0; i < schema.field_count; ++i) {
    names_.push_back(hasher.identity(schema.columns[i].name).low);
  }
}

void FieldChoice::hashes_of(const RowView& row, std::string& out) {
  CellCursor cells(row.line());
  for (std::size_t i = 0; i < schema_.field_count; ++i) {
    const std::optional<Cell> cell = cells.next();
    if (!cell) return;
    const Column& column = schema_.columns[i];
    std::string_view bytes = cell->raw();
    if (column.type == Type::floating && !cell->is_null()) {
      scratch_.clear();
      append_compared_float(scratch_, bytes, column.digits);
      bytes = scratch_;
    }
    append(out, names_[i]);
    append(out, hasher_.identity(bytes).low);
  }
}

bool FieldChoice::same(std::string_view before, const RowView& row) {
  if (before.empty()) return false;
  hashes_.clear();
  hashes_of(row, hashes_);
  return differing(before, hashes_).empty();
}

KnownFields::KnownFields(StateStore& store, const Holder& holder, const StateTable& table) {
  constexpr std::size_t kAtOnce = 1000;
  std::vector<IdentityHash> asked;
  const auto read = [&] {
    const std::vector<std::string> found = store.read_fields(holder, asked);
    for (std::size_t i = 0; i < asked.size(); ++i) {
      const Version version = table.version(table.find(asked[i]));
      const std::string_view fields = fields_at(version, found[i]);
      if (!fields.empty()) fields_.emplace(asked[i], fields);
    }
    asked.clear();
  };
  for (StateTable::Slot slot = 0; slot < table.capacity(); ++slot) {
    const StateTable::Marks& marks = table.marks(slot);
    if (!marks.used || !marks.acknowledged) continue;
    asked.push_back(table.identity(slot));
    if (asked.size() == kAtOnce) read();
  }
  if (!asked.empty()) read();
}

std::string_view KnownFields::of(const IdentityHash& identity) const {
  const auto found = fields_.find(identity);
  return found == fields_.end() ? std::string_view() : std::string_view(found->second);
}

std::string FieldChoice::differing(std::string_view before, std::string_view now) const {
  std::unordered_map<std::uint64_t, std::uint64_t> known;
  for (; before.size() >= kEntryBytes; before.remove_prefix(kEntryBytes)) {
    known[number_at(before)] = number_at(before.substr(8));
  }
  std::string send(names_.size(), '\0');
  bool any = false;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    const auto found = known.find(names_[i]);
    const std::uint64_t value = number_at(now.substr(i * kEntryBytes + 8));
    if (found != known.end() && found->second == value) continue;
    if (mutant(26) && any) continue;
    send[i] = '\1';
    any = true;
  }
  return any ? send : std::string();
}

}  // namespace tailrace
