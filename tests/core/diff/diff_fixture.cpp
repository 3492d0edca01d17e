#include "diff/diff_fixture.hpp"

#include <algorithm>

namespace tailrace::test {
namespace {

Hasher::Secret secret() {
  Hasher::Secret bytes{};
  bytes.fill(0x5a);
  return bytes;
}

Column column(const char* name) { return {name, Type::text, Nulls::clear, kDefaultDigits}; }

}  // namespace

Schema keyed_by_match() {
  Schema schema;
  schema.columns = {column("email"), column("name")};
  schema.field_count = 2;
  schema.key = {0};
  schema.match = 0;
  return schema;
}

Schema keyed_by_id() {
  Schema schema;
  schema.columns = {column("email"), column("name"), column("id")};
  schema.field_count = 2;
  schema.key = {2};
  schema.match = 0;
  return schema;
}

Schema keyed_by_two() {
  Schema schema;
  schema.columns = {column("name"), column("email"), column("tenant"), column("id")};
  schema.field_count = 2;
  schema.key = {2, 3};
  schema.match = 1;
  return schema;
}

Diff::Diff(Schema of) : schema(std::move(of)), hasher(secret(), "mapping") {}

IdentityHash Diff::identity(const std::string& text) const { return hasher.identity(text); }

Version Diff::version(const std::string& line) const {
  std::string scratch;
  return hasher.version(RowView(line, schema), scratch);
}

StateTable::Slot Diff::acknowledge(const std::string& text, const std::string& line,
                                   EntryKeys keys) {
  const IdentityHash id = identity(text);
  const StateTable::Slot slot = state.table.insert(id);
  state.table.marks(slot).acknowledged = true;
  state.table.version(slot) = version(line);
  snapshot_[id] = {version(line), std::move(keys)};
  return slot;
}

void Diff::leave_absent(const std::string& text) {
  state.table.marks(state.table.insert(identity(text))).absent = true;
}

void Diff::doubt(const std::string& text, Doubt doubt) {
  state.table.marks(state.table.insert(identity(text))).in_doubt = true;
  state.doubts[identity(text)] = std::move(doubt);
}

void Diff::reject(const std::string& text) {
  state.table.marks(state.table.insert(identity(text))).rejected = true;
  state.rejected[identity(text)].identity = identity(text);
}

KeyReader Diff::reader() const {
  KeyReader reader;
  reader.bucket_bits = kBucketBits;
  reader.read_bucket = [this](std::uint32_t number) {
    std::vector<SnapshotEntry> entries;
    std::vector<EntryKeys> keys;
    for (const auto& [id, entry] : snapshot_) {
      if (bucket_of(id, kBucketBits) != number) continue;
      entries.push_back({id, entry.first});
      keys.push_back(entry.second);
    }
    if (entries.empty()) return SnapshotBucket{number, {}, {}, {}};
    return SnapshotBucket{number, pack_entries(entries), {}, pack_keys(keys)};
  };
  reader.read_accepted = [this](const KeyReader::Accepted& visit) {
    for (const EntryKeys& keys : journal) {
      const std::string& match = keys.match.empty() ? keys.key : keys.match;
      visit(StateOp::write, {identity(match), 1, keys.key, keys.match}, keys.destination_id);
    }
  };
  return reader;
}

Differ& Diff::read(const std::vector<std::string>& model) {
  changeset_ = std::make_unique<Changeset>("/nowhere");
  differ_ = std::make_unique<Differ>(schema, hasher, state, options, *changeset_);
  Chunk chunk;
  for (const std::string& line : model) chunk.append(line);
  differ_->consume(chunk);
  return *differ_;
}

void Diff::finish() {
  differ_->finish(reader());
  sent_.clear();
  ChangeRow row;
  while (changeset_->next(row)) {
    if (row.change != Change::removed && differ_->is_duplicate(row.identity)) continue;
    sent_.push_back({row.change, row.line, row.keys});
  }
}

void Diff::run(const std::vector<std::string>& model) {
  read(model);
  finish();
}

std::vector<std::string> Diff::sent_lines(Change change) const {
  std::vector<std::string> lines;
  for (const Sent& row : sent_) {
    if (row.change == change) lines.push_back(row.line);
  }
  return lines;
}

std::vector<std::string> Diff::removed_keys() const {
  std::vector<std::string> keys;
  for (const Sent& row : sent_) {
    if (row.change == Change::removed) keys.push_back(row.keys.key);
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

std::vector<std::string> Diff::codes() const {
  std::vector<std::string> codes;
  for (const InvalidRow& row : differ_->invalid_sample()) codes.push_back(row.code);
  return codes;
}

}  // namespace tailrace::test
