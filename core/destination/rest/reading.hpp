#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "destination/classify.hpp"
#include "destination/destination.hpp"
#include "destination/rest/template.hpp"
#include "row/schema.hpp"

namespace tailrace::rest {

/// How the record of one match value is asked for: a GET whose path holds {match}. Members are
/// dotted paths.
struct ReadForm {
  Template path;
  /// The list of records in an answer that may hold several, none of them where there is no such
  /// record. Not set: the answer is the record, and 404 says that there is none.
  std::optional<std::string> results;
  std::string record;  // where the record stands in the answer, or in an entry of the list
  std::string match;   // member with the match value; empty: that of the match field
  std::string id;      // member with the API's own id
};

/// How all records are listed, page by page. At most one of `cursor` and `link`.
struct ListForm {
  std::string path;  // with its query, nothing put into it
  std::string results;
  std::string record;
  std::string match;
  std::string id;
  std::string cursor;     // member with what `parameter` is set to for the next page; null ends
  std::string parameter;
  std::string link;       // member with the next page's path and query; null ends
};

/// `read` of a declaration; nothing where it has no path, or no `all`. Throws
/// std::invalid_argument that names the key.
[[nodiscard]] std::optional<ReadForm> read_form(const nlohmann::json& settings,
                                                const std::string& where);
[[nodiscard]] std::optional<ListForm> list_form(const nlohmann::json& settings,
                                                const std::string& where);

/// Asks an API for its records. Nothing is said of a match value whose answer does not speak of it
/// in the very form in which it was asked for: an API may keep it in another.
class Questions {
 public:
  Questions(std::optional<ReadForm> one, std::optional<ListForm> all, std::vector<Column> fields,
            std::string match_field, std::vector<AnswerRule> answers)
      : one_(std::move(one)),
        all_(std::move(all)),
        fields_(std::move(fields)),
        match_field_(std::move(match_field)),
        answers_(std::move(answers)) {}

  [[nodiscard]] std::vector<ReadAsk::Kind> kinds() const;
  [[nodiscard]] ReadStep first(const ReadAsk& ask) const;
  [[nodiscard]] ReadStep next(const ReadAsk& ask, const Call& call, const wire::Reply& reply) const;

 private:
  [[nodiscard]] ReadStep read_one(const std::string& asked, const nlohmann::json& body) const;
  [[nodiscard]] ReadStep read_page(const Call& call, const nlohmann::json& body) const;
  /// Address of the page after this one; empty at the end, nullopt where it makes no sense.
  [[nodiscard]] std::optional<std::string> next_page(const nlohmann::json& body) const;
  [[nodiscard]] std::optional<Record> record_of(const nlohmann::json& entry,
                                                const std::string& record, const std::string& match,
                                                const std::string& id) const;

  std::optional<ReadForm> one_;
  std::optional<ListForm> all_;
  std::vector<Column> fields_;
  std::string match_field_;
  std::vector<AnswerRule> answers_;
};

}  // namespace tailrace::rest
