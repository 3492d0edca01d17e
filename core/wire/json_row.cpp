#include "wire/json_row.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>

#include "wire/json_writer.hpp"

namespace tailrace::wire {
namespace {

constexpr std::size_t kMostParts = 32;
// Of one value beside its text: quotes, a comma, and what false is longer than f.
constexpr std::size_t kValueBytes = 8;

[[nodiscard]] std::vector<std::string> parts_of(const std::string& name, bool nested) {
  if (!nested) return {name};
  std::vector<std::string> parts;
  for (std::size_t from = 0;;) {
    const std::size_t dot = name.find('.', from);
    parts.push_back(name.substr(from, dot - from));
    if (parts.back().empty() || parts.size() > kMostParts) {
      throw std::invalid_argument("field '" + name +
                                  "': a dotted name has 1 to 32 parts, none empty");
    }
    if (dot == std::string::npos) return parts;
    from = dot + 1;
  }
}

/// Bytes that escaping may add to a raw line. Pairs of COPY text stay within their two bytes, but
/// for \v and numeric ones: a control character takes six in JSON. Tabs only stand between cells.
[[nodiscard]] std::size_t escape_growth(std::string_view line) {
  std::size_t growth = 0;
  for (const char c : line) {
    const bool control = static_cast<unsigned char>(c) < 0x20 && c != '\t';
    growth += control ? 5u : c == '\\' ? 4u : c == '"' ? 1u : 0u;
  }
  return growth;
}

}  // namespace

struct RowWriter::Node {
  std::string name;
  std::optional<std::size_t> column;
  std::vector<std::unique_ptr<Node>> children;

  Node& child(const std::string& child_name) {
    for (const auto& known : children) {
      if (known->name == child_name) return *known;
    }
    children.push_back(std::make_unique<Node>());
    children.back()->name = child_name;
    return *children.back();
  }
};

RowWriter::RowWriter(const Schema& schema, RowForm form)
    : columns_(schema.fields().begin(), schema.fields().end()), match_(schema.match), form_(form) {
  Node root;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].link) continue;
    Node* node = &root;
    for (const std::string& part : parts_of(columns_[i].name, form_.nested)) {
      if (node->column) node = nullptr;
      if (node == nullptr) break;
      node = &node->child(part);
    }
    if (node == nullptr || node->column || !node->children.empty()) {
      throw std::invalid_argument("field '" + columns_[i].name +
                                  "' is both a value and an object that holds another field");
    }
    node->column = i;
  }
  for (const auto& node : root.children) add_node(*node);
}

void RowWriter::add_node(const Node& node) {
  Piece piece;
  append_json_string(piece.key, node.name);
  piece.key.push_back(':');
  if (node.column) {
    piece.column = *node.column;
    fixed_bytes_ += piece.key.size() + kValueBytes;
    pieces_.push_back(std::move(piece));
    return;
  }
  piece.kind = Piece::Kind::open;
  piece.key.push_back('{');
  fixed_bytes_ += piece.key.size() + 2;
  pieces_.push_back(std::move(piece));
  for (const auto& child : node.children) add_node(*child);
  pieces_.push_back(Piece{Piece::Kind::close, {}, 0});
}

std::string_view RowWriter::clear_value() const {
  return form_.clear == RowForm::Clear::empty_text ? "\"\"" : "null";
}

void RowWriter::append_value(std::string& out, std::string_view text, const Column& column) const {
  if (form_.text_values) {
    append_json_string(out, text);
  } else {
    append_json_value(out, text, column.type, form_.numbers);
  }
}

template <typename Fill>
void RowWriter::write_pieces(std::string& out, RowScratch& scratch, Fill&& fill) const {
  scratch.opened.clear();
  out.push_back('{');
  const auto separate = [&out] {
    if (out.back() != '{') out.push_back(',');
  };
  for (const Piece& piece : pieces_) {
    if (piece.kind == Piece::Kind::close) {
      if (out.back() == '{') {
        out.resize(scratch.opened.back());
      } else {
        out.push_back('}');
      }
      scratch.opened.pop_back();
      continue;
    }
    const std::size_t before = out.size();
    separate();
    out.append(piece.key);
    if (piece.kind == Piece::Kind::open) {
      scratch.opened.push_back(before);
    } else if (!fill(out, piece.column)) {
      out.resize(before);
    }
  }
  out.push_back('}');
}

void RowWriter::write(std::string& out, std::string_view line, RowScratch& scratch,
                      std::string_view send) const {
  check_marks(send, columns_.size());
  split_fields(line, columns_.size(), scratch.cells);
  write_pieces(out, scratch, [&](std::string& to, std::size_t index) {
    if (index == match_ && !form_.with_match) return false;
    if (!send.empty() && send[index] != '\1' && index != match_) return false;
    const Cell cell(scratch.cells[index]);
    const Column& column = columns_[index];
    if (!cell.is_null()) {
      append_value(to, cell_text(cell, column, scratch.text), column);
      return true;
    }
    if (column.nulls == Nulls::keep) return false;
    to.append(clear_value());
    return true;
  });
}

void RowWriter::write_cleared(std::string& out, std::string_view match, RowScratch& scratch) const {
  write_pieces(out, scratch, [&](std::string& to, std::size_t index) {
    if (index == match_ && !form_.with_match) return false;
    if (index == match_) {
      append_value(to, value_text(match, columns_[index], scratch.text), columns_[index]);
    } else {
      to.append(clear_value());
    }
    return true;
  });
}

std::size_t RowWriter::bound(std::string_view line, std::size_t enough) const {
  const std::size_t rough = fixed_bytes_ + 6 * line.size();
  if (rough <= enough) return rough;
  return fixed_bytes_ + line.size() + escape_growth(line);
}

}  // namespace tailrace::wire
