#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "destination/destination.hpp"
#include "destination/klaviyo/target.hpp"
#include "wire/json_row.hpp"

namespace tailrace::klaviyo {

/// Writes a row as the document of one event.
class EventWriter {
 public:
  /// Throws std::invalid_argument for names that events do not have.
  EventWriter(const Target& target, const Schema& schema);

  /// Appends the document. `unique_id` is what the event goes by where the row has no such value of
  /// its own: without one Klaviyo records no second event of a profile within a second.
  void write(std::string& out, const Batch& batch, RowIndex row, std::string_view unique_id) const;
  [[nodiscard]] std::size_t bound(std::string_view line) const;

 private:
  void write_profile(std::string& out, std::string_view line, wire::RowScratch& scratch) const;
  void write_members(std::string& out, std::string_view line, wire::RowScratch& scratch,
                     std::string_view marks) const;

  EventWriter(const Target& target, const Schema& schema, const Schema& document);

  std::string head_;  // the document up to the profile
  bool by_id_;
  std::optional<std::size_t> unique_id_;  // its column, where it is mapped
  wire::RowWriter profile_;
  wire::RowWriter event_;
  // A byte for each field, as RowWriter takes them.
  std::string of_profile_;
  std::string of_event_;
  std::string of_properties_;
};

}  // namespace tailrace::klaviyo
