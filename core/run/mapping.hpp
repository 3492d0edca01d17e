#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "destination/destination.hpp"
#include "row/schema.hpp"

namespace tailrace {

/// What is wrong with a mapping, told by the fields that the destination has.
struct MappingFlaw {
  std::string key;      // of the sync: fields, or match
  std::string field;    // of the mapping, where the flaw is one field's
  std::string message;  // without a place
};

/// What a run does where something is not there.
struct MappingRules {
  bool makes_records = true;   // required fields have to be mapped
  bool makes_fields = false;   // a field that is not there is made: it is no flaw
  bool offers_making = false;  // the destination could make it: the message says how
  bool finds_records = true;   // by the match field, which has to be unique
};

/// All of them, in the schema's order: fields that the object has not (with the nearest name), that
/// cannot be written, a match field that is not unique, required fields that are not mapped. A
/// related record's field is known by the relation alone, as in `Owner.*`.
[[nodiscard]] std::vector<MappingFlaw> mapping_flaws(const Schema& schema,
                                                     const std::string& object,
                                                     const std::vector<FieldFact>& known,
                                                     const MappingRules& rules);

/// [{"key": …, "field": …, "message": …}]
[[nodiscard]] nlohmann::json to_json(const std::vector<MappingFlaw>& flaws);

}  // namespace tailrace
