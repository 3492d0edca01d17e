#include "destination/rest/template.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "wire/json_writer.hpp"
#include "wire/request.hpp"

namespace tailrace::rest {
namespace {

using nlohmann::json;

constexpr std::string_view kKeyHole = "{key}";
constexpr std::string_view kMatchHole = "{match}";

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
         std::all_of(text.begin() + 1, text.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
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
    } else if (json_text) {
      add("{");
      text.remove_prefix(1);
    } else {
      const std::string hole(text.substr(0, text.find('}') + 1));
      refuse(where, "unknown placeholder '" + hole + "'; there are {key} and {match}");
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

Template Template::of_shape(const json& shape, std::string_view rows, bool per_row,
                            std::string_view where) {
  Template made;
  std::size_t holes = 0;
  const auto add_string = [&](const std::string& text) {
    if (text == rows) {
      ++holes;
      made.pieces_.push_back({Piece::Kind::rows, {}});
    } else if (per_row && (text == "$key" || text == "$match")) {
      made.pieces_.push_back(
          {text == "$key" ? Piece::Kind::key_json : Piece::Kind::match_json, {}});
    } else if (looks_like_hole(text)) {
      refuse(where, "'" + text + "' has no meaning here");
    } else {
      std::string quoted;
      wire::append_json_string(quoted, text);
      if (per_row) {
        made.add_text("\"");
        made.add_pattern(text, where, true);
        made.add_text("\"");
      } else {
        made.add_text(quoted);
      }
    }
  };
  const std::function<void(const json&, int)> walk = [&](const json& value, int depth) {
    constexpr int kDeepest = 32;
    if (depth > kDeepest) refuse(where, "nested too deep");
    bool first = true;
    const auto separate = [&] {
      if (!first) made.add_text(",");
      first = false;
    };
    if (value.is_string()) {
      add_string(value.get_ref<const std::string&>());
    } else if (value.is_array()) {
      made.add_text("[");
      for (const json& one : value) {
        separate();
        walk(one, depth + 1);
      }
      made.add_text("]");
    } else if (value.is_object()) {
      made.add_text("{");
      for (const auto& [name, one] : value.items()) {
        separate();
        std::string key;
        wire::append_json_string(key, name);
        made.add_text(key + ":");
        walk(one, depth + 1);
      }
      made.add_text("}");
    } else {
      made.add_text(value.dump());
    }
  };
  walk(shape, 0);
  if (holes != 1) refuse(where, "must hold '" + std::string(rows) + "' as a value, once");
  return made;
}

void Template::append(std::string& out, const RowValues& values,
                      const std::function<void(std::string&)>& rows) const {
  for (const Piece& piece : pieces_) {
    switch (piece.kind) {
      case Piece::Kind::text: out.append(piece.text); break;
      case Piece::Kind::rows: rows(out); break;
      case Piece::Kind::key_json: wire::append_json_string(out, values.key); break;
      case Piece::Kind::match_json: wire::append_json_string(out, values.match); break;
      case Piece::Kind::key_path: wire::append_percent_encoded(out, values.key); break;
      case Piece::Kind::match_path: wire::append_percent_encoded(out, values.match); break;
    }
  }
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
    const bool is_key = piece.kind == Piece::Kind::key_path;
    const std::string_view value = is_key ? values.key : values.match;
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
    const bool of_row = piece.kind != Piece::Kind::text && piece.kind != Piece::Kind::rows;
    bytes += piece.text.size();
    if (of_row) bytes += 2 + kGrowth * (of_key ? key_bytes : match_bytes);
  }
  return bytes;
}

}  // namespace tailrace::rest
