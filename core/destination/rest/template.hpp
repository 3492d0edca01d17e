#pragma once

#include <cstddef>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "wire/request.hpp"

namespace tailrace::rest {

/// What stands in a row's place of a path or a body.
struct RowValues {
  std::string_view key;  // as key_form gives it
  std::string_view match;
  std::string_view id = {};  // the API's own, in paths that have {id}
};

/// The sync's key as it stands in paths and answers: its columns joined by commas.
[[nodiscard]] std::string key_form(std::string_view key);

/// A path or a JSON shape with holes, cut at the holes once.
///
/// Paths: `{key}`, `{match}` and `{id}`, percent-encoded, in the path and in its query.
/// Shapes: a value "$rows" or "$row" where the rows go ("$fields": the row without its match
/// field), "$key" and "$match" as text, and `{key}` and `{match}` within other texts,
/// percent-encoded (paths of sub-requests). A member "..." has the row's own members stand beside
/// the shape's.
class Template {
 public:
  /// Throws std::invalid_argument for other placeholders and for what is no path on this host.
  [[nodiscard]] static Template of_path(std::string_view path, std::string_view where);
  /// `rows` is "$rows" or "$row" (or "$fields"): the hole that must be there once. `per_row`:
  /// whether key and match have a meaning. Throws std::invalid_argument.
  [[nodiscard]] static Template of_shape(const nlohmann::json& shape, std::string_view rows,
                                         bool per_row, std::string_view where);

  /// A shape or a single text without rows, in which "$key" and "$match" may stand. Throws
  /// std::invalid_argument.
  [[nodiscard]] static Template of_values(const nlohmann::json& shape, std::string_view where);

  /// `rows` appends what stands in the hole for rows; of a path it is never called.
  void append(std::string& out, const RowValues& values,
              const std::function<void(std::string&)>& rows) const;

  /// The same of a path, as a request's path and query.
  void append_address(wire::Request& request, const RowValues& values) const;

  [[nodiscard]] bool has_placeholder() const;
  /// Whether the API's own id stands in this path.
  [[nodiscard]] bool has_id() const;
  /// Whether the row goes without its match field.
  [[nodiscard]] bool wants_fields() const { return wants_fields_; }
  /// Names of the members that stand beside the row's own; empty where none of its own do.
  [[nodiscard]] const std::vector<std::string>& beside() const { return beside_; }
  /// Why a row's values cannot be put into this path: a part would be empty, or a segment "." or
  /// "..", and the address that of another resource. Empty where they can.
  [[nodiscard]] std::string_view refuses(const RowValues& values) const;
  /// Bytes of everything but the rows, for values of these lengths.
  [[nodiscard]] std::size_t bound(std::size_t key_bytes, std::size_t match_bytes) const;

 private:
  class ShapeCutter;
  struct Piece {
    enum class Kind : std::uint8_t {
      text,
      rows,
      members,
      key_json,
      match_json,
      key_path,
      match_path,
      id_path
    };
    Kind kind = Kind::text;
    std::string text;
  };
  static void append_members(std::string& out, const std::function<void(std::string&)>& rows);
  void add_text(std::string_view text);
  void add_pattern(std::string_view text, std::string_view where, bool json_text);

  std::vector<Piece> pieces_;
  bool wants_fields_ = false;
  std::vector<std::string> beside_;
};

}  // namespace tailrace::rest
