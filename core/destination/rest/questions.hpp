#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "destination/destination.hpp"
#include "destination/rest/answers.hpp"
#include "destination/rest/declaration.hpp"
#include "row/schema.hpp"

namespace tailrace::rest {

/// Asks an API for its records, for the fields that they have and for whose the login is. Nothing
/// is said of a match value whose answer does not speak of it in the very form in which it was
/// asked for: an API may keep it in another. What is passed is referred to.
class Questions {
 public:
  Questions(const Declaration& declared, const Answers& answers, const std::vector<Column>& fields,
            const std::string& match_field, std::optional<OwnerForm> owner)
      : declared_(declared),
        answers_(answers),
        fields_(fields),
        match_field_(match_field),
        owner_(std::move(owner)) {}

  [[nodiscard]] std::vector<ReadAsk::Kind> kinds() const;
  [[nodiscard]] ReadStep first(const ReadAsk& ask) const;
  [[nodiscard]] ReadStep next(const ReadAsk& ask, const Call& call, const wire::Reply& reply) const;

 private:
  [[nodiscard]] ReadStep ask_by_match(const ReadAsk& ask) const;
  [[nodiscard]] const std::string& path_of(ReadAsk::Kind kind) const;
  [[nodiscard]] ReadStep read_records(std::span<const std::string> asked,
                                      const nlohmann::json& body) const;
  [[nodiscard]] ReadStep read_fields(const nlohmann::json& body) const;
  [[nodiscard]] ReadStep read_account(const nlohmann::json& body) const;
  [[nodiscard]] ReadStep read_one(const std::string& asked, const nlohmann::json& body) const;
  [[nodiscard]] ReadStep read_several(std::span<const std::string> asked,
                                      const nlohmann::json& body) const;
  [[nodiscard]] ReadStep read_page(const Call& call, const nlohmann::json& body) const;
  /// Address of the page after this one; empty at the end, nullopt where it makes no sense.
  [[nodiscard]] std::optional<std::string> next_page(const nlohmann::json& body) const;

  const Declaration& declared_;
  const Answers& answers_;
  const std::vector<Column>& fields_;
  const std::string& match_field_;
  std::optional<OwnerForm> owner_;
};

}  // namespace tailrace::rest
