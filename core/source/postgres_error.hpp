#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace tailrace {

/// True where the SQLSTATE says that the query, the rights or the login are wrong and that trying
/// again will not help. Classes: PostgreSQL documentation, appendix A.
[[nodiscard]] bool is_configuration(std::string_view sqlstate);

/// The SQLSTATE of what libpqxx threw; 08006 (connection failure) where the server sent none.
[[nodiscard]] std::string sqlstate_of(const std::exception& thrown);

/// libpq has no function that tells the SQLSTATE of a failed connection; its verbose message does
/// ("FATAL:  28P01: password …"). Takes the state out of `message` and drops the line that names
/// the server's source file. Empty where the message has none.
[[nodiscard]] std::string take_sqlstate(std::string& message);

}  // namespace tailrace
