#pragma once

#include <string>
#include <vector>

#include "destination/postgres/script.hpp"

namespace tailrace::postgres {

[[nodiscard]] ReadStep first_questions(const Script& script, const ReadAsk& ask);

/// `table`: as the sync says it. `fields`: of the schema, in its order.
[[nodiscard]] ReadStep read_answer(const Script& script, std::string_view table,
                                   const std::vector<Column>& fields, const ReadAsk& ask,
                                   const Call& call, const wire::Reply& reply);

}  // namespace tailrace::postgres
