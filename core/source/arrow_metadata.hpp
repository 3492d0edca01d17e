#pragma once

#include <cstdint>
#include <string>

#include "source/arrow_abi.hpp"

namespace tailrace {

/// What a field's metadata says about values that its storage type alone does not tell.
enum class ArrowMeaning : std::uint8_t {
  storage,   // no extension, or one that changes nothing for us
  uuid,      // 16 raw bytes
  json,      // JSON text
  boolean,   // an int8, 0 is false
  decimal,   // exact decimal text
  foreign,   // a value in a warehouse's own binary form: cannot be read
};

struct ArrowExtension {
  ArrowMeaning meaning = ArrowMeaning::storage;
  std::string name;  // the warehouse's word, for messages; may be empty
};

/// Reads ARROW:extension:name and ARROW:extension:metadata (arrow.uuid, arrow.json, arrow.bool8,
/// arrow.opaque with its type_name) and ADBC:postgresql:typname of older ADBC drivers.
/// Other extensions are read as their storage type, as the Arrow specification advises.
[[nodiscard]] ArrowExtension extension_of(const ArrowSchema& schema);

}  // namespace tailrace
