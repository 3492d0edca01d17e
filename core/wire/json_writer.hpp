#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "wire/cell.hpp"
#include "wire/utf8.hpp"

namespace tailrace::wire {

/// Writes JSON into one growing string. Numbers are written as the exact text of the source: no
/// double in between. The caller keeps the order of begin/end/key/value legal; commas are ours.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  void begin_object();
  void end_object();
  void begin_array();
  void end_array();
  void key(std::string_view name);
  /// Text is escaped; it must be UTF-8 (see is_utf8): bytes that are not are written as U+FFFD.
  void string(std::string_view text);
  void integer(std::int64_t value);
  void boolean(bool value);
  void null();
  /// Already JSON: numbers in JSON's grammar, or a whole JSON document.
  void raw(std::string_view json);

 private:
  void separate();
  std::string& out_;
  bool first_ = true;
  bool after_key_ = false;
};

/// Appends `text` as a JSON string with its quotes, as JsonWriter::string does.
void append_json_string(std::string& out, std::string_view text);

}  // namespace tailrace::wire
