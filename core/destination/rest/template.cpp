#include "destination/rest/template.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "row/ascii.hpp"
#include "wire/json_writer.hpp"
#include "wire/request.hpp"

namespace tailrace::rest {
namespace {

using nlohmann::json;

constexpr std::string_view kKeyHole = "{key}";
constexpr std::string_view kMatchHole = "{match}";
constexpr std::string_view kIdHole = "{id}";
constexpr std::string_view kRow = "$row";
constexpr std::string_view kFields = "$fields";
constexpr std::string_view kBeside = "...";  // the row's members among those of the shape

[[noreturn]] void refuse(std::string_view where, const std::string& what) {
  throw std::invalid_argument(std::string(where) + ": " + what);
}

void check_path(std::string_view path, std::string_view where) {
  constexpr std::string_view kNever = "\\\"<>^`|#";
  const bool odd = std::any_of(path.begin(), path.end(), [&](char c) {
    return c <= ' ' || c > '~' || kNever.find(c) != std::string_view::npos;
  });
  if (!path.starts_with('/') || path.starts_with("//") || odd) {
    refuse(where, "'" + std::string(path) + "' must begin with one slash and be printable ASCII");
  }
  std::string_view rest = path.substr(0, path.find('?'));
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const std::string_view segment = rest.substr(0, rest.find('/'));
    if (segment == "." || segment == "..") refuse(where, "'.' and '..' have no place in a path");
    rest.remove_prefix(segment.size());
  }
}

/// "$name" and nothing else: what is taken for a placeholder.
[[nodiscard]] bool looks_like_hole(std::string_view text) {
  return text.size() > 1 && text.front() == '$' &&
         std::all_of(text.begin() + 1, text.end(), is_letter);
}

}  // namespace

std::string key_form(std::string_view key) {
  std::string form(key);
  std::replace(form.begin(), form.end(), '\x1F', ',');
  return form;
}

void Template::add_text(std::string_view text) {
  if (text.empty()) return;
  if (pieces_.empty() || pieces_.back().kind != Piece::Kind::text) pieces_.emplace_back();
  pieces_.back().text.append(text);
}

/// Text with {key} and {match} in it. `json_text`: within a JSON string, where other braces are
/// only braces.
void Template::add_pattern(std::string_view text, std::string_view where, bool json_text) {
  const auto add = [this, json_text](std::string_view plain) {
    std::string escaped;
    if (json_text) {
      wire::append_json_string(escaped, plain);
      plain = std::string_view(escaped).substr(1, escaped.size() - 2);
    }
    add_text(plain);
  };
  while (!text.empty()) {
    const std::size_t brace = text.find('{');
    add(text.substr(0, brace));
    if (brace == std::string_view::npos) break;
    text.remove_prefix(brace);
    if (text.starts_with(kKeyHole)) {
      pieces_.push_back({Piece::Kind::key_path, {}});
      text.remove_prefix(kKeyHole.size());
    } else if (text.starts_with(kMatchHole)) {
      pieces_.push_back({Piece::Kind::match_path, {}});
      text.remove_prefix(kMatchHole.size());
    } else if (!json_text && text.starts_with(kIdHole)) {
      pieces_.push_back({Piece::Kind::id_path, {}});
      text.remove_prefix(kIdHole.size());
    } else if (json_text) {
      add("{");
      text.remove_prefix(1);
    } else {
      const std::string hole(text.substr(0, text.find('}') + 1));
      refuse(where, "unknown placeholder '" + hole + "'; there are {key}, {match} and {id}");
    }
  }
}

Template Template::of_path(std::string_view path, std::string_view where) {
  check_path(path, where);
  Template made;
  made.add_pattern(path, where, false);
  const bool stray = std::any_of(made.pieces_.begin(), made.pieces_.end(), [](const Piece& piece) {
    return piece.text.find('}') != std::string::npos;
  });
  if (stray) refuse(where, "a '}' without a placeholder before it");
  return made;
}

/// Writes a shape as JSON into the template, and leaves its holes open.
class Template::ShapeCutter {
 public:
  ShapeCutter(Template& into, std::string_view rows, bool per_row, std::string_view where)
      : into_(into), rows_(rows), per_row_(per_row), where_(where) {}

  void cut(const json& value, int depth = 0) {
    constexpr int kDeepest = 32;
    if (depth > kDeepest) refuse(where_, "nested too deep");
    if (value.is_string()) {
      cut_text(value.get_ref<const std::string&>());
    } else if (value.is_structured()) {
      cut_members(value, depth);
    } else {
      into_.add_text(value.dump());
    }
  }

  [[nodiscard]] std::size_t holes() const { return holes_; }

 private:
  void cut_members(const json& container, int depth) {
    const bool object = container.is_object();
    std::string before = object ? "{" : "[";
    for (const auto& [name, value] : container.items()) {
      if (object && name == kBeside) continue;
      if (object) {
        wire::append_json_string(before, name);
        before.push_back(':');
      }
      into_.add_text(before);
      cut(value, depth + 1);
      before = ",";
    }
    if (before != ",") into_.add_text(before);
    if (object && container.contains(kBeside)) cut_beside(container);
    into_.add_text(object ? "}" : "]");
  }

  /// After the others, so that no comma depends on whether the row has members.
  void cut_beside(const json& object) {
    const json& value = object.at(std::string(kBeside));
    if (!value.is_string() || !is_rows(value.get_ref<const std::string&>()) || rows_ != kRow) {
      refuse(where_, "'...' stands for $row or $fields, where the body holds one row");
    }
    take_rows(value.get_ref<const std::string&>(), Piece::Kind::members);
    for (const auto& [name, unused] : object.items()) {
      if (name != kBeside) into_.beside_.push_back(name);
    }
  }

  [[nodiscard]] bool is_rows(const std::string& text) const {
    return !rows_.empty() && (text == rows_ || (rows_ == kRow && text == kFields));
  }

  void take_rows(const std::string& text, Piece::Kind kind) {
    ++holes_;
    into_.wants_fields_ = text == kFields;
    into_.pieces_.push_back({kind, {}});
  }

  void cut_text(const std::string& text) {
    if (is_rows(text)) {
      take_rows(text, Piece::Kind::rows);
    } else if (per_row_ && (text == "$key" || text == "$match")) {
      const bool is_key = text == "$key";
      into_.pieces_.push_back({is_key ? Piece::Kind::key_json : Piece::Kind::match_json, {}});
    } else if (looks_like_hole(text)) {
      refuse(where_, "'" + text + "' has no meaning here");
    } else if (per_row_) {
      into_.add_text("\"");
      into_.add_pattern(text, where_, true);
      into_.add_text("\"");
    } else {
      std::string quoted;
      wire::append_json_string(quoted, text);
      into_.add_text(quoted);
    }
  }

  Template& into_;
  std::string_view rows_;
  bool per_row_;
  std::string_view where_;
  std::size_t holes_ = 0;
};

Template Template::of_shape(const json& shape, std::string_view rows, bool per_row,
                            std::string_view where) {
  Template made;
  ShapeCutter cutter(made, rows, per_row, where);
  cutter.cut(shape);
  if (cutter.holes() != 1) {
    refuse(where, "must hold '" + std::string(rows) + "' as a value, once");
  }
  return made;
}

Template Template::of_values(const json& shape, std::string_view where) {
  Template made;
  ShapeCutter cutter(made, {}, true, where);
  cutter.cut(shape);
  return made;
}

void Template::append(std::string& out, const RowValues& values,
                      const std::function<void(std::string&)>& rows) const {
  for (const Piece& piece : pieces_) {
    switch (piece.kind) {
      case Piece::Kind::text: out.append(piece.text); break;
      case Piece::Kind::rows: rows(out); break;
      case Piece::Kind::members: append_members(out, rows); break;
      case Piece::Kind::key_json: wire::append_json_string(out, values.key); break;
      case Piece::Kind::match_json: wire::append_json_string(out, values.match); break;
      case Piece::Kind::key_path: wire::append_percent_encoded(out, values.key); break;
      case Piece::Kind::match_path: wire::append_percent_encoded(out, values.match); break;
      case Piece::Kind::id_path: wire::append_percent_encoded(out, values.id); break;
    }
  }
}

void Template::append_address(wire::Request& request, const RowValues& values) const {
  std::string address;
  append(address, values, [](std::string&) {});
  const std::size_t query = address.find('?');  // of the declaration: a row's are encoded
  if (query != std::string::npos) {
    request.query = address.substr(query + 1);
    address.resize(query);
  }
  request.path = std::move(address);
}

/// A whole object without its braces, after a comma where something stands before it.
void Template::append_members(std::string& out, const std::function<void(std::string&)>& rows) {
  const std::size_t start = out.size();
  const bool first = out.back() == '{';
  rows(out);
  out.pop_back();
  if (out.size() == start + 1 || first) {
    out.erase(start, 1);
  } else {
    out[start] = ',';
  }
}

bool Template::has_id() const {
  return std::any_of(pieces_.begin(), pieces_.end(),
                     [](const Piece& piece) { return piece.kind == Piece::Kind::id_path; });
}

bool Template::has_placeholder() const {
  return std::any_of(pieces_.begin(), pieces_.end(),
                     [](const Piece& piece) { return piece.kind != Piece::Kind::text; });
}

std::string_view Template::refuses(const RowValues& values) const {
  std::string segment;  // of the path, with the row's values as they are
  bool filled = false;
  bool in_query = false;
  const auto misleads = [&] { return filled && !in_query && (segment == "." || segment == ".."); };
  for (const Piece& piece : pieces_) {
    if (piece.kind == Piece::Kind::text) {
      for (const char c : piece.text) {
        const bool ends = c == '/' || c == '?';
        if (ends && misleads()) return "would be '.' or '..' in the path";
        if (c == '?') in_query = true;
        if (ends) {
          segment.clear();
          filled = false;
        } else {
          segment.push_back(c);
        }
      }
      continue;
    }
    const std::string_view value = piece.kind == Piece::Kind::key_path  ? values.key
                                   : piece.kind == Piece::Kind::id_path ? values.id
                                                                        : values.match;
    if (value.empty()) return "is empty, and stands in the path";
    segment.append(value);
    filled = true;
  }
  return misleads() ? "would be '.' or '..' in the path" : "";
}

std::size_t Template::bound(std::size_t key_bytes, std::size_t match_bytes) const {
  constexpr std::size_t kGrowth = 6;  // \u0000 in JSON; three for %00
  std::size_t bytes = 0;
  for (const Piece& piece : pieces_) {
    const bool of_key = piece.kind == Piece::Kind::key_json || piece.kind == Piece::Kind::key_path;
    const bool of_row = piece.kind != Piece::Kind::text && piece.kind != Piece::Kind::rows &&
                        piece.kind != Piece::Kind::members;
    bytes += piece.text.size();
    if (of_row) bytes += 2 + kGrowth * (of_key ? key_bytes : match_bytes);
  }
  return bytes;
}

}  // namespace tailrace::rest
