#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "destination/classify.hpp"
#include "destination/destination.hpp"
#include "destination/rest/template.hpp"
#include "wire/json_row.hpp"

namespace tailrace::rest {

/// Where an answer says what became of each row.
struct ResultsForm {
  enum class Kind : std::uint8_t {
    errors_only,  // the list names refused rows; a row that it does not name was accepted
    list,         // the list has an entry for every row
  } kind = Kind::errors_only;
  std::string path;     // dotted, to the list; empty: the body is the list
  std::string key;      // member with the row's match value or key
  std::string index;    // member with the row's place in the request, from 0
  std::string status;   // member with an HTTP status, a boolean or a word
  std::string code;
  std::string message;
  std::string field;
  std::string id;       // the tool's own id of the record
  std::string count;    // errors_only: dotted path to the number of accepted rows
  bool optional = false;  // errors_only: the list may be left out where nothing was refused
};

/// What a success must look like where no results are declared.
enum class AnswerForm : std::uint8_t {
  plausible,  // 201, 202, 204 and 205 may be empty, a 200 not; no page for people; no report of
              // failure
  json,       // a JSON document
  any,        // the status is enough
};

/// An object of a `rest` connection, as design and documentation describe it:
/// `method`, `path`, `batch_rows`, `batch_bytes`, `body`, `row`, `results`, `delete`, `idempotent`,
/// `numbers`, `clear_as`, `answer`, `statuses`.
struct Declaration {
  /// Throws std::invalid_argument that names the key.
  explicit Declaration(const nlohmann::json& object);

  std::string name;
  wire::Method method = wire::Method::post;
  Template path;  // with its query
  std::size_t batch_rows = 1;
  std::size_t batch_bytes = 1 << 20;
  bool object_body = false;       // one row a request, and its body is that row
  Template body;                  // around the rows; of object_body around the row
  Template row;                   // around each row
  std::optional<ResultsForm> results;
  std::optional<wire::Method> delete_method;
  Template delete_path;
  std::optional<bool> idempotent;
  wire::RowForm form;
  AnswerForm answer = AnswerForm::plausible;
  std::vector<AnswerRule> statuses;  // before the default reading
};

}  // namespace tailrace::rest
