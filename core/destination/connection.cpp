#include "destination/connection.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <stdexcept>

#include "wire/json_reader.hpp"

namespace tailrace {
namespace {

constexpr std::size_t kMostInFlight = 1024;

/// The member, or nullptr where it is null or left out.
[[nodiscard]] const nlohmann::json* given(const nlohmann::json& settings, std::string_view key) {
  const nlohmann::json* value = wire::member(settings, key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

[[nodiscard]] double positive(const nlohmann::json& limit, std::string_view key,
                              const std::string& where) {
  const nlohmann::json* value = given(limit, key);
  if (value == nullptr || !value->is_number() || value->get<double>() <= 0) {
    throw std::invalid_argument(where + "'" + std::string(key) + "' must be a number above 0");
  }
  return value->get<double>();
}

/// Capitals count as what they are capitals of.
[[nodiscard]] char letter(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Levenshtein's distance, on names of a few letters.
[[nodiscard]] std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min(
          {above + 1, row[j - 1] + 1, diagonal + (letter(a[i - 1]) == letter(b[j - 1]) ? 0u : 1u)});
      diagonal = above;
    }
  }
  return row.back();
}

}  // namespace

std::vector<wire::RateRule> limits_of(const nlohmann::json& connection, const std::string& owner) {
  std::vector<wire::RateRule> rules;
  const nlohmann::json* limits = given(connection, "limits");
  if (limits == nullptr) return rules;
  if (!limits->is_array()) throw std::invalid_argument(owner + ": 'limits' must be a list");
  const std::string where = owner + ": limits: ";
  for (const nlohmann::json& limit : *limits) {
    refuse_unknown_keys(limit, {"requests", "per_s", "name", "concurrent"}, owner + ": limits");
    wire::RateRule rule;
    rule.chosen = true;
    rule.name = text_of(limit, "name", "limit " + std::to_string(rules.size() + 1));
    if (given(limit, "concurrent") != nullptr) {
      const double most = positive(limit, "concurrent", where);
      if (most < 1 || most > static_cast<double>(kMostInFlight)) {
        throw std::invalid_argument(where + "'concurrent' must be between 1 and " +
                                    std::to_string(kMostInFlight));
      }
      rule.max_concurrent = static_cast<std::size_t>(most);
      if (given(limit, "requests") == nullptr && given(limit, "per_s") == nullptr) {
        rules.push_back(std::move(rule));
        continue;
      }
    }
    rule.requests = positive(limit, "requests", where);
    const double per_ms = positive(limit, "per_s", where) * 1000;
    if (per_ms < 1 || per_ms > 366.0 * 86'400'000) {
      throw std::invalid_argument(where + "'per_s' must be between 0.001 and a year");
    }
    rule.window = wire::Milliseconds(static_cast<std::int64_t>(per_ms));
    rules.push_back(std::move(rule));
  }
  return rules;
}

std::optional<DailyCalls> daily_calls_of(const nlohmann::json& connection) {
  const nlohmann::json* daily = given(connection, "daily_calls");
  if (daily == nullptr) return std::nullopt;
  refuse_unknown_keys(*daily, {"value", "percent"}, "connection: daily_calls");
  const nlohmann::json* value = given(*daily, "value");
  const nlohmann::json* percent = given(*daily, "percent");
  const bool in_percent = percent != nullptr && percent->is_boolean() && percent->get<bool>();
  const double amount = value != nullptr && value->is_number() ? value->get<double>() : 0;
  if (amount <= 0 || (in_percent && amount > 100) || (!in_percent && amount < 1)) {
    throw std::invalid_argument(
        "connection: 'daily_calls' must be a number of calls from 1, or a percentage above 0");
  }
  if (in_percent) return DailyCalls{amount / 100, std::nullopt};
  return DailyCalls{std::nullopt, amount};
}

std::size_t count_of(const nlohmann::json& connection, std::string_view key, std::size_t fallback,
                     std::size_t most) {
  const nlohmann::json* value = given(connection, key);
  if (value == nullptr) return fallback;
  if (!value->is_number_integer() || value->get<std::int64_t>() < 1 ||
      value->get<std::uint64_t>() > most) {
    throw std::invalid_argument("connection: '" + std::string(key) + "' must be between 1 and " +
                                std::to_string(most));
  }
  return value->get<std::size_t>();
}

std::size_t max_in_flight_of(const nlohmann::json& connection, std::size_t fallback) {
  return count_of(connection, "max_in_flight", fallback, kMostInFlight);
}

std::string text_of(const nlohmann::json& settings, std::string_view key,
                    std::string_view fallback) {
  const nlohmann::json* value = given(settings, key);
  if (value == nullptr) return std::string(fallback);
  if (!value->is_string()) {
    throw std::invalid_argument("'" + std::string(key) + "' must be text");
  }
  return value->get<std::string>();
}

std::string_view nearest(std::string_view name, const std::vector<std::string_view>& known) {
  const auto closest =
      std::min_element(known.begin(), known.end(), [&](std::string_view a, std::string_view b) {
        return distance(name, a) < distance(name, b);
      });
  return closest == known.end() ? std::string_view() : *closest;
}

std::string meant_of(std::string_view name, const std::vector<std::string_view>& known) {
  const std::string_view near = nearest(name, known);
  // What changes every second letter is another word.
  const bool alike = 2 * distance(name, near) <= std::max(name.size(), near.size());
  return alike && !near.empty() ? "; did you mean '" + std::string(near) + "'?" : std::string();
}

std::string hint_of(std::string_view name, std::vector<std::string_view> known) {
  constexpr std::size_t kShown = 12;
  if (known.empty()) return "; there are none";
  if (std::string meant = meant_of(name, known); !meant.empty()) return meant;
  std::sort(known.begin(), known.end());
  std::string all;
  for (std::size_t i = 0; i < std::min(kShown, known.size()); ++i) {
    all.append(i == 0 ? "; there are: " : ", ").append(known[i]);
  }
  return known.size() > kShown ? all + ", …" : all;
}

void refuse_unknown_keys(const nlohmann::json& settings, const std::vector<std::string_view>& known,
                         std::string_view where) {
  if (!settings.is_object()) {
    throw std::invalid_argument(std::string(where) + ": must be a mapping");
  }
  for (const auto& [key, value] : settings.items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    throw std::invalid_argument(std::string(where) + ": unknown key '" + key +
                                "'; the nearest known one is '" + std::string(nearest(key, known)) +
                                "'");
  }
}

}  // namespace tailrace
