#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "destination/rest/asking.hpp"
#include "destination/rest/record_form.hpp"
#include "wire/rate.hpp"

namespace tailrace::rest {

/// Questions by match value are counted apart where they have limits of their own.
inline constexpr wire::RateClass kReadClass = 1;

/// How records are asked for by their match values.
struct ReadForm {
  Asking asking;
  RecordForm record;
  /// The list of records in an answer that may hold several, none of them where there is no such
  /// record. Not set: the answer is the record, and 404 says that there is none.
  std::optional<std::string> results;
  std::string cut;  // a member that is there where the list is not whole
  bool empty_is_absent = false;  // `{}` in a record's place says that there is none, too
  bool lags = false;  // may be older than what was written: absence says nothing of a lost insert
  std::vector<std::string> hidden;  // fields that no answer has
  std::vector<wire::RateRule> rates;  // of kReadClass; none: as writes
};

/// How all records are listed, page by page. At most one of `cursor` and `link`.
struct ListForm {
  std::string path;  // with its query, nothing put into it
  std::string results;
  RecordForm record;
  std::string cursor;  // member with what `parameter` is set to for the next page; null ends
  std::string parameter;
  std::string link;  // member with the next page's path and query; null ends
};

/// `read` of a declaration; nothing where it has no path, or no `all`. Throws
/// std::invalid_argument that names the key.
[[nodiscard]] std::optional<ReadForm> read_form(const nlohmann::json& settings,
                                                const std::string& where);
[[nodiscard]] std::optional<ListForm> list_form(const nlohmann::json& settings,
                                                const std::string& where);

}  // namespace tailrace::rest
