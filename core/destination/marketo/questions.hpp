#pragma once

#include <vector>

#include "destination/destination.hpp"
#include "destination/marketo/target.hpp"

namespace tailrace::marketo {

/// What read() asks first. `daily_calls`: of the instance's subscription.
[[nodiscard]] ReadStep first_questions(const Target& target, const std::vector<Column>& fields,
                                       const ReadAsk& ask);
[[nodiscard]] ReadStep read_answer_to(const Target& target, const std::vector<Column>& fields,
                                      const ReadAsk& ask, double daily_calls, const Call& call,
                                      const wire::Reply& reply);

}  // namespace tailrace::marketo
