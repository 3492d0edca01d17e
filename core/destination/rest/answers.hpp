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

  /// What an answer means that is of no operation: by the declared rules, then the usual ones.
  [[nodiscard]] Judgement judge(const wire::Reply& reply) const;

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
  [[nodiscard]] Judgement judge_by(const std::vector<AnswerRule>& rules,
                                   const wire::Reply& reply) const;
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
