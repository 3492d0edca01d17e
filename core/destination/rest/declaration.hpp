#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "destination/classify.hpp"
#include "destination/destination.hpp"
#include "destination/rest/endpoint.hpp"
#include "destination/rest/finding.hpp"
#include "destination/rest/knowing.hpp"
#include "destination/rest/reading.hpp"
#include "wire/json_row.hpp"

namespace tailrace::rest {

inline constexpr std::array kAllOperations{Operation::upsert,  Operation::update,
                                           Operation::insert,  Operation::delete_,
                                           Operation::archive, Operation::clear};

/// Where what is kept for each operation has this one's.
[[nodiscard]] constexpr std::size_t place_of(Operation operation) {
  return static_cast<std::size_t>(operation);
}

/// What a success must look like where no results are declared.
enum class AnswerForm : std::uint8_t {
  plausible,  // 201, 202, 204 and 205 may be empty, a 200 not; no page for people; no report of
              // failure
  json,       // a JSON document
  any,        // the status is enough
};

/// A header under which the API takes a request once, however often it comes.
struct Idempotency {
  std::string header;
  wire::Milliseconds ttl{0};  // how long the API remembers
  std::vector<std::string> busy;  // statuses and codes of a request that is still worked on
};

/// A member that a success has: {path: ok, is: true}. One without it is no success.
struct SuccessMark {
  std::string path;  // dotted
  std::string value;  // as text
};

/// An object of a `rest` connection. What is sent for upsert stands at its top (`method`, `path`,
/// `batch_rows`, `body`, `row`, `results`), the other operations under `update`, `insert`,
/// `delete`, `archive` and `clear`, questions under `read` and `describe`; an operation that is not
/// declared is not offered. `batch_bytes`, `row_bytes`, `idempotent`, `idempotency`, `partial`,
/// `numbers`, `clear_as`, `encode`, `answer`, `success`, `statuses`, `code`, `codes` and `find`
/// hold for all of them.
///
/// An operation whose path holds {id} needs `find`: the API's own id is looked up first. An upsert
/// of which there is no record then goes the way of `insert`.
struct Declaration {
  /// Throws std::invalid_argument that names the key.
  explicit Declaration(const nlohmann::json& object);

  /// How the operation is sent; nullptr where it is not declared.
  [[nodiscard]] const Endpoint* find(Operation operation) const;
  /// The same. Throws std::logic_error where it is not declared.
  [[nodiscard]] const Endpoint& at(Operation operation) const;

  /// Whether a batch goes under an idempotency key.
  [[nodiscard]] bool keyed(const Batch& batch) const {
    return idempotency && batch.operation == Operation::insert && !batch.idempotency_key.empty();
  }

  std::string name;
  std::size_t batch_bytes = 1 << 20;
  std::optional<std::size_t> row_bytes;  // the most that one row may take
  std::optional<bool> idempotent;
  std::optional<Idempotency> idempotency;
  bool partial = true;  // a write leaves fields alone that it does not name
  wire::RowForm form;
  bool as_form = false;  // bodies are name=value pairs
  AnswerForm answer = AnswerForm::plausible;
  std::optional<SuccessMark> success;
  std::vector<std::string> code;  // dotted paths, of which the first that is there is the code
  std::vector<AnswerRule> codes;  // before all other reading
  std::vector<AnswerRule> statuses;  // before the default reading
  std::optional<FindForm> find_form;
  std::optional<ReadForm> read;
  std::optional<ListForm> list;
  std::optional<DescribeForm> describe;

 private:
  void check_ids(const std::string& where) const;
  void check_form(const std::string& where) const;

  std::shared_ptr<const nlohmann::json> code_words_;  // what the rules of `codes` are views of
  std::array<std::optional<Endpoint>, kAllOperations.size()> endpoints_;
};

}  // namespace tailrace::rest
