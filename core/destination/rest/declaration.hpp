#pragma once

#include <array>
#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "destination/classify.hpp"
#include "destination/destination.hpp"
#include "destination/rest/endpoint.hpp"
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

/// An object of a `rest` connection. What is sent for upsert stands at its top (`method`, `path`,
/// `batch_rows`, `body`, `row`, `results`), the other operations under `update`, `insert`,
/// `delete`, `archive` and `clear`, questions under `read`; an operation that is not declared is
/// not offered. `batch_bytes`, `idempotent`, `idempotency`, `partial`, `numbers`, `clear_as`,
/// `answer` and `statuses` hold for all of them.
struct Declaration {
  /// Throws std::invalid_argument that names the key.
  explicit Declaration(const nlohmann::json& object);

  /// How the operation is sent; nullptr where it is not declared.
  [[nodiscard]] const Endpoint* find(Operation operation) const;
  /// The same. Throws std::logic_error where it is not declared.
  [[nodiscard]] const Endpoint& at(Operation operation) const;

  std::string name;
  std::size_t batch_bytes = 1 << 20;
  std::optional<bool> idempotent;
  std::optional<Idempotency> idempotency;
  bool partial = true;  // a write leaves fields alone that it does not name
  wire::RowForm form;
  AnswerForm answer = AnswerForm::plausible;
  std::vector<AnswerRule> statuses;  // before the default reading
  std::optional<ReadForm> read;
  std::optional<ListForm> list;

 private:
  std::array<std::optional<Endpoint>, kAllOperations.size()> endpoints_;
};

}  // namespace tailrace::rest
