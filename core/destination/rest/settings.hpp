#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "destination/connection.hpp"
#include "wire/json_reader.hpp"

namespace tailrace::rest {

/// A word of a declaration and what it stands for.
template <typename Value>
struct Word {
  std::string_view word;
  Value value;
};

/// Reads one mapping of a declaration. Throws std::invalid_argument that names place and key.
class Settings {
 public:
  Settings(const nlohmann::json& settings, std::string where,
           const std::vector<std::string_view>& known)
      : settings_(settings), where_(std::move(where)) {
    refuse_unknown_keys(settings_, known, where_);
  }

  [[noreturn]] void refuse(std::string_view key, const std::string& what) const {
    throw std::invalid_argument(place(key) + ": " + what);
  }
  [[nodiscard]] std::string place(std::string_view key) const {
    return where_ + ": " + std::string(key);
  }
  /// The member, or nullptr where it is null or left out.
  [[nodiscard]] const nlohmann::json* given(std::string_view key) const {
    const nlohmann::json* value = wire::member(settings_, key);
    return value == nullptr || value->is_null() ? nullptr : value;
  }
  [[nodiscard]] std::string text(std::string_view key, std::string_view fallback) const {
    const nlohmann::json* value = given(key);
    if (value == nullptr) return std::string(fallback);
    if (!value->is_string()) refuse(key, "must be text");
    return value->get<std::string>();
  }
  /// Texts, and numbers as their digits. `what` they are, for messages.
  [[nodiscard]] std::vector<std::string> texts(std::string_view key,
                                               const char* what = "statuses and codes") const {
    std::vector<std::string> found;
    const nlohmann::json* value = given(key);
    if (value == nullptr) return found;
    if (!value->is_array()) refuse(key, std::string("must be a list of ") + what);
    for (const nlohmann::json& one : *value) {
      found.push_back(one.is_boolean() ? std::string() : wire::scalar_text(one));
      if (found.back().empty()) refuse(key, std::string("holds what is none of ") + what);
    }
    return found;
  }
  [[nodiscard]] std::optional<bool> flag(std::string_view key) const {
    const nlohmann::json* value = given(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_boolean()) refuse(key, "must be true or false");
    return value->get<bool>();
  }
  [[nodiscard]] std::size_t count(std::string_view key, std::size_t fallback,
                                  std::size_t most) const {
    const nlohmann::json* value = given(key);
    if (value == nullptr) return fallback;
    const bool whole = value->is_number_integer() && value->get<std::int64_t>() >= 1 &&
                       value->get<std::uint64_t>() <= most;
    if (!whole) refuse(key, "must be a whole number from 1 to " + std::to_string(most));
    return value->get<std::size_t>();
  }
  template <typename Value, std::size_t n>
  [[nodiscard]] Value word(std::string_view key, const std::array<Word<Value>, n>& words,
                           std::string_view fallback) const {
    const std::string given_word = text(key, fallback);
    std::string known;
    for (const Word<Value>& one : words) {
      if (one.word == given_word) return one.value;
      known.append(known.empty() ? "" : ", ").append(one.word);
    }
    refuse(key, "'" + given_word + "' is not one of " + known);
  }

 private:
  const nlohmann::json& settings_;
  std::string where_;
};

}  // namespace tailrace::rest
