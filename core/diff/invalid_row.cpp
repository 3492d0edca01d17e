#include "diff/invalid_row.hpp"

namespace tailrace {
namespace {

struct Wording {
  const char* code;
  const char* before;  // the column's name in quotes stands between the two
  const char* after;
};

[[nodiscard]] Wording wording(InvalidCode code) {
  switch (code) {
    case InvalidCode::null_key:
      return {"null_key", "key column ", " is NULL: the row cannot be named"};
    case InvalidCode::blank_key:
      return {"blank_key", "key column ", " is blank: the row cannot be named"};
    case InvalidCode::long_key: return {"long_key", "key column ", " is longer than 4096 bytes"};
    case InvalidCode::float_key:
      return {"float_key", "key column ",
              " is a floating-point number, which names nothing exactly:"
              " cast it to an integer or to text in the model"};
    case InvalidCode::separator_in_key:
      return {"separator_in_key", "key column ",
              " holds the control character U+001F, which joins the columns of a key"};
    case InvalidCode::duplicate_key:
      return {"duplicate_key", "more than one row has this key (", "): none of them is sent"};
    case InvalidCode::null_match:
      return {"null_match", "match field ", " is NULL: it identifies no record"};
    case InvalidCode::blank_match:
      return {"blank_match", "match field ", " is blank: it identifies no record"};
    case InvalidCode::long_match:
      return {"long_match", "match field ", " is longer than 4096 bytes"};
    case InvalidCode::float_match:
      return {"float_match", "match field ",
              " is a floating-point number, which identifies nothing exactly:"
              " cast it to an integer or to text in the model"};
    case InvalidCode::unusable_match:
      return {"unusable_match", "match field ", " has a value that can identify no record"};
    case InvalidCode::duplicate_match:
      return {"duplicate_match", "more than one row identifies the same record by ",
              ": none of them is sent"};
    case InvalidCode::none: break;
  }
  return {"none", "column ", ""};
}

}  // namespace

InvalidRow describe_invalid(InvalidCode code, const Schema& schema, std::size_t column) {
  const Wording words = wording(code);
  const std::string& name = schema.columns.at(column).name;
  return {{}, words.code, std::string(words.before) + '"' + name + '"' + words.after, name};
}

}  // namespace tailrace
