#pragma once

#include <cstddef>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace tailrace::rest {

/// What stands in a row's place of a path or a body.
struct RowValues {
  std::string_view key;  // as key_form gives it
  std::string_view match;
};

/// The sync's key as it stands in paths and answers: its columns joined by commas.
[[nodiscard]] std::string key_form(std::string_view key);

/// A path or a JSON shape with holes, cut at the holes once.
///
/// Paths: `{key}` and `{match}`, percent-encoded, in the path and in its query.
/// Shapes: a value "$rows" or "$row" where the rows go, "$key" and "$match" as text, and
/// `{key}` and `{match}` within other texts, percent-encoded (paths of sub-requests).
class Template {
 public:
  /// Throws std::invalid_argument for other placeholders and for what is no path on this host.
  [[nodiscard]] static Template of_path(std::string_view path, std::string_view where);
  /// `rows` is "$rows" or "$row": the hole that must be there once. `per_row`: whether key and
  /// match have a meaning. Throws std::invalid_argument.
  [[nodiscard]] static Template of_shape(const nlohmann::json& shape, std::string_view rows,
                                         bool per_row, std::string_view where);

  /// A shape without rows, in which "$key" and "$match" may stand. Throws std::invalid_argument.
  [[nodiscard]] static Template of_values(const nlohmann::json& shape, std::string_view where);

  /// `rows` appends what stands in the hole for rows; of a path it is never called.
  void append(std::string& out, const RowValues& values,
              const std::function<void(std::string&)>& rows) const;

  [[nodiscard]] bool has_placeholder() const;
  /// Why a row's values cannot be put into this path: a part would be empty, or a segment "." or
  /// "..", and the address that of another resource. Empty where they can.
  [[nodiscard]] std::string_view refuses(const RowValues& values) const;
  /// Bytes of everything but the rows, for values of these lengths.
  [[nodiscard]] std::size_t bound(std::size_t key_bytes, std::size_t match_bytes) const;

 private:
  class ShapeCutter;
  struct Piece {
    enum class Kind : std::uint8_t { text, rows, key_json, match_json, key_path, match_path };
    Kind kind = Kind::text;
    std::string text;
  };
  void add_text(std::string_view text);
  void add_pattern(std::string_view text, std::string_view where, bool json_text);

  std::vector<Piece> pieces_;
};

}  // namespace tailrace::rest
