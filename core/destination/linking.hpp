#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "destination/destination.hpp"
#include "destination/records.hpp"

namespace tailrace {

/// Code of a row that names a record which is not there, and is not written. It waits as long as
/// that takes: such a refusal is no attempt that failed.
inline constexpr std::string_view kParentMissing = "parent_missing";

/// The link of a sync whose records are linked to others: what the rows of a batch name, and what
/// is said of those that name nothing which the tool has.
class Linking {
 public:
  /// The schema's link, if it has one. Throws std::invalid_argument for a column whose values can
  /// be no record's name.
  explicit Linking(const Schema& schema);

  [[nodiscard]] bool is_there() const { return link_.has_value(); }
  /// Call only where is_there().
  [[nodiscard]] const Link& link() const { return *link_; }
  /// Its column, as a reason's field.
  [[nodiscard]] const std::string& field() const { return column_.name; }

  /// Rows and the values that they name the other record by. Not among them: rows of NULL or
  /// blank, and rows of which the link is not to be sent.
  [[nodiscard]] KnownRows values(const Batch& batch) const;

  /// The other record is not there. It may come, so that the row goes again.
  [[nodiscard]] Reason missing(std::string_view value) const;

 private:
  std::optional<Link> link_;
  Column column_;
  std::size_t index_ = 0;
};

}  // namespace tailrace
