#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "destination/classify.hpp"
#include "destination/destination.hpp"
#include "destination/rest/template.hpp"
#include "wire/request.hpp"

namespace tailrace::rest {

/// Where an answer says what became of each row.
struct ResultsForm {
  enum class Kind : std::uint8_t {
    errors_only,  // the list names refused rows; a row that it does not name was accepted
    list,         // the list has an entry for every row
    names,        // lists of refused rows' match values; the list's name is the reason
  } kind = Kind::errors_only;
  std::string path;     // dotted, to the list; empty: the body is the list
  /// names: dotted paths of the lists, or of objects whose members are such lists.
  std::vector<std::string> lists;
  std::string refused;  // names: dotted path to the number of refused rows
  std::string key;      // member with the row's match value or key
  std::string index;    // member with the row's place in the request, from 0
  /// errors_only: an error that is a text says its row's place after this word.
  std::string index_word;
  std::string status;   // member with an HTTP status, a boolean or a word
  std::string code;
  std::string message;
  std::string field;
  std::string id;       // the tool's own id of the record
  std::string count;    // errors_only: dotted path to the number of accepted rows
  bool optional = false;  // errors_only: the list may be left out where nothing was refused
};

/// How one operation is sent, and how its answers are read.
struct Endpoint {
  wire::Method method = wire::Method::post;
  Template path;  // with its query
  std::size_t batch_rows = 1;
  bool has_body = true;
  bool object_body = false;  // one row a request, and its body is that row
  bool lines = false;  // the body is a row a line
  Template body;  // around the rows; of object_body around the row; of a removal whole
  Template row;  // around each row
  std::optional<ResultsForm> results;
  std::vector<AnswerRule> statuses;  // before those of the object and the default reading
  /// Statuses and codes of a record that is not there, besides 404 and 410 of a path of one row.
  std::vector<std::string> missing;
  /// insert: statuses and codes of a record that is there already, besides 409.
  std::vector<std::string> exists;
};

/// Whether records are taken away: such a request carries no fields.
[[nodiscard]] bool removes(Operation operation);

/// Reads `statuses`. Throws std::invalid_argument that names the status.
[[nodiscard]] std::vector<AnswerRule> read_statuses(const nlohmann::json& settings,
                                                    const std::string& where);
/// Reads `codes`: what an answer of any status means that has this code. The rules' codes are
/// views of the settings' names. Throws std::invalid_argument that names the code.
[[nodiscard]] std::vector<AnswerRule> read_codes(const nlohmann::json& settings,
                                                 const std::string& where);

/// Keys that say how an operation is sent, of which some stand at the top of an object for upsert.
[[nodiscard]] const std::vector<std::string_view>& shape_keys();

/// The object's own way to send, for upsert: members of `object`. nullopt where it has no path.
/// Throws std::invalid_argument that names the key.
[[nodiscard]] std::optional<Endpoint> read_main(const nlohmann::json& object,
                                                const std::vector<std::string_view>& known,
                                                const std::string& where);

/// How one operation is declared beside that. An operation with a path of its own starts from
/// nothing (one that names a row: one object a request); without, it goes to the address of `base`
/// in its shape, with another method. Throws std::invalid_argument that names the key.
[[nodiscard]] Endpoint read_operation(const nlohmann::json& settings, Operation operation,
                                      const Endpoint* base, const std::string& where);

}  // namespace tailrace::rest
