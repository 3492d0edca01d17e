#include "destination/destination.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "destination/settle.hpp"

namespace tailrace {

std::string_view to_text(Operation operation) {
  switch (operation) {
    case Operation::upsert: return "upsert";
    case Operation::update: return "update";
    case Operation::insert: return "insert";
    case Operation::delete_: return "delete";
    case Operation::archive: return "archive";
    case Operation::clear: return "clear";
  }
  return "";
}

std::string_view to_text(Takes takes) {
  switch (takes) {
    case Takes::anything: return "anything";
    case Takes::number: return "number";
    case Takes::whole_number: return "whole_number";
    case Takes::yes_or_no: return "yes_or_no";
    case Takes::date: return "date";
    case Takes::moment: return "moment";
    case Takes::one_of: return "one_of";
    case Takes::some_of: return "some_of";
  }
  return "";
}

std::size_t Capabilities::rows_of(Operation operation) const {
  const auto found = std::find_if(fewer_rows.begin(), fewer_rows.end(),
                                  [operation](const auto& one) { return one.first == operation; });
  return found == fewer_rows.end() ? max_rows : found->second;
}

bool Capabilities::answers(ReadAsk::Kind kind) const {
  return std::find(reads.begin(), reads.end(), kind) != reads.end();
}

std::string_view to_text(Outcome outcome) {
  switch (outcome) {
    case Outcome::accepted: return "accepted";
    case Outcome::rejected: return "rejected";
    case Outcome::skipped: return "skipped";
    case Outcome::pending: return "pending";
    case Outcome::unknown: return "unknown";
    case Outcome::retryable: return "retryable";
  }
  return "";
}

std::optional<std::string> Destination::identity(std::string_view match) const {
  std::string found;
  if (!identity_into(match, found)) return std::nullopt;
  return found;
}

std::uint64_t Destination::requests_for(Operation operation, std::uint64_t rows) const {
  const std::size_t most = capabilities().rows_of(operation);
  return (rows + most - 1) / most;
}

Step Destination::resume(const Batch& batch, const Memo& /*memo*/) const {
  Step step;
  give_all(step, all_rows(batch), Outcome::unknown,
           reason_of("interrupted", "the run ended before the answer was read"));
  return step;
}

Call Destination::poll(std::span<const JobBatch> /*batches*/) const {
  throw std::logic_error("destination: asked for jobs that it does not have");
}

Polled Destination::polled(std::span<const JobBatch> /*batches*/,
                           const wire::Reply& /*reply*/) const {
  throw std::logic_error("destination: asked for jobs that it does not have");
}

ReadStep Destination::read(const ReadAsk& /*ask*/, const Call* /*call*/,
                           const wire::Reply* /*reply*/) const {
  throw std::logic_error("destination: asked a question that it does not answer");
}

std::optional<FieldFact> Destination::new_field(const Column& /*column*/) const {
  return std::nullopt;
}

bool Destination::equal_value(std::size_t /*column*/, std::string_view ours,
                              const std::optional<std::string>& theirs) const {
  return theirs && ours == *theirs;
}

}  // namespace tailrace
