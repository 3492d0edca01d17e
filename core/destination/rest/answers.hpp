#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "destination/classify.hpp"
#include "destination/destination.hpp"
#include "destination/rest/declaration.hpp"
#include "wire/request.hpp"

namespace tailrace::rest {

/// Reads the answers to requests of rows, as they are declared. The declaration is referred to.
class Answers {
 public:
  explicit Answers(const Declaration& declared);

  /// How answers are read that are of no operation: the declared rules, then the usual ones.
  [[nodiscard]] const std::vector<AnswerRule>& common() const { return common_; }

  /// The verdicts on the rows of a request of `operation`'s endpoint, from `first` on. The batch
  /// may be of another one: an upsert that goes the way of an insert.
  [[nodiscard]] Step read(const Batch& batch, Operation operation, RowIndex first,
                          const wire::Reply& reply) const;
  /// Whether the answer to an insert says that the record is there.
  [[nodiscard]] bool say_exists(const Batch& batch, const wire::Reply& reply) const;

 private:
  /// What the declared words of an answer say of the request as a whole.
  enum class Said : std::uint8_t { nothing, missing, exists, busy };

  [[nodiscard]] Judgement judge(Operation operation, const wire::Reply& reply) const;
  [[nodiscard]] Said said_of(const Batch& batch, Operation operation, const Endpoint& endpoint,
                             const Judgement& judgement, const wire::Reply& reply) const;
  [[nodiscard]] Step read_success(const Batch& batch, const Endpoint& endpoint,
                                  const std::vector<RowIndex>& rows,
                                  const wire::Reply& reply) const;

  const Declaration& declared_;
  std::vector<AnswerRule> common_;
  std::array<std::vector<AnswerRule>, kAllOperations.size()> rules_;
};

}  // namespace tailrace::rest
