#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "destination/destination.hpp"
#include "wire/json_row.hpp"

namespace tailrace {

/// Rows of a batch and the tool's ids of them, empty where a row is not sent by id.
using KnownRows = std::vector<std::pair<RowIndex, std::string>>;

/// The ids, with commas between them.
[[nodiscard]] std::string ids_of(const KnownRows& rows);

/// "5:123 7:456", for memos and notes.
[[nodiscard]] std::string to_note(const KnownRows& rows);
/// What that says of a batch of so many rows; what makes no sense in it is left out.
[[nodiscard]] KnownRows known_rows(std::string_view text, std::size_t rows);

/// A question that changes nothing.
[[nodiscard]] Call question(std::string path);

/// What a tool's record holds in these fields, by dotted names; nothing where it is null or absent.
[[nodiscard]] std::vector<std::pair<std::string, std::optional<std::string>>> values_of(
    const nlohmann::json& record, const std::vector<Column>& fields);

/// The schema of the fields that a row which is cleared empties, and of the match field.
[[nodiscard]] Schema clearable(const Schema& schema,
                               const std::function<bool(const Column&)>& is_kept);

/// The schema for a tool that finds records by their match value without space around it: so it is
/// written.
[[nodiscard]] Schema with_trimmed_match(const Schema& schema);

/// The schema for a tool that has no fields of JSON: what is one in the model is its text.
[[nodiscard]] Schema as_texts(const Schema& schema);

/// Writes the rows of a batch as the JSON objects of a tool's records: whole ones, or the emptied
/// ones of an operation that clears.
class RecordWriter {
 public:
  /// `cleared` is what clearable() left of `rows`.
  RecordWriter(const Schema& rows, const Schema& cleared, wire::RowForm form);

  /// Appends the object; `more` are members that come before the row's own, each with its comma.
  void write(std::string& out, const Batch& batch, RowIndex row, std::string_view more,
             wire::RowScratch& scratch) const;
  /// As wire::RowWriter::bound, of the row's own members.
  [[nodiscard]] std::size_t bound(std::string_view line, std::size_t enough) const;

 private:
  wire::RowWriter rows_;
  wire::RowWriter cleared_;
};

}  // namespace tailrace
