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

std::size_t Capabilities::rows_of(Operation operation) const {
  const auto found = std::find_if(fewer_rows.begin(), fewer_rows.end(),
                                  [operation](const auto& one) { return one.first == operation; });
  return found == fewer_rows.end() ? max_rows : found->second;
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

bool Destination::identity_into(std::string_view match, std::string& out) const {
  std::optional<std::string> found = identity(match);
  if (found) out = std::move(*found);
  return found.has_value();
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

bool Destination::equal_value(std::size_t /*column*/, std::string_view ours,
                              const std::optional<std::string>& theirs) const {
  return theirs && ours == *theirs;
}

}  // namespace tailrace
