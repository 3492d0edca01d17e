#include "wire/json_reader.hpp"

#include <algorithm>

#include "row/ascii.hpp"
#include "wire/json_scan.hpp"
#include "wire/utf8.hpp"

namespace tailrace::wire {
namespace {

/// Value of the charset parameter in lower case without quotes; empty where there is none.
[[nodiscard]] std::string charset_of(std::string_view content_type) {
  const std::string type = lowered(content_type);
  const std::size_t at = type.find("charset=");
  if (at == std::string::npos) return {};
  std::string_view value = std::string_view(type).substr(at + 8);
  value = trimmed(value.substr(0, value.find(';')));
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    value = value.substr(1, value.size() - 2);
  }
  return std::string(value);
}

[[nodiscard]] bool is_readable(const Reply& reply) {
  const std::string charset = charset_of(reply.header("content-type"));
  return charset.empty() || charset == "utf-8" || charset == "utf8" || charset == "us-ascii";
}

}  // namespace

std::optional<nlohmann::json> read_json(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) return std::nullopt;
  const JsonScan scan = scan_json(text, limits.max_depth);
  if (!scan.valid || !scan.finite || scan.values > limits.max_values) return std::nullopt;
  nlohmann::json parsed = nlohmann::json::parse(text, nullptr, false);
  if (parsed.is_discarded()) return std::nullopt;
  return parsed;
}

std::optional<nlohmann::json> read_json(const Reply& reply, const JsonLimits& limits) {
  if (!is_readable(reply)) return std::nullopt;
  return read_json(reply.body, limits);
}

const nlohmann::json* member(const nlohmann::json& value, std::string_view name) {
  if (!value.is_object()) return nullptr;
  const auto found = value.find(name);
  return found == value.end() ? nullptr : &*found;
}

const nlohmann::json* at_path(const nlohmann::json& value, std::string_view path) {
  const nlohmann::json* here = &value;
  while (here != nullptr && !path.empty()) {
    const std::size_t dot = path.find('.');
    here = member(*here, path.substr(0, dot));
    path.remove_prefix(dot == std::string_view::npos ? path.size() : dot + 1);
  }
  return here;
}

std::string scalar_text(const nlohmann::json& value) {
  if (value.is_string()) return value.get_ref<const std::string&>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  return {};
}

std::string text_at(const nlohmann::json& value, std::string_view path) {
  const nlohmann::json* found = at_path(value, path);
  return found == nullptr ? std::string() : scalar_text(*found);
}

bool looks_like_html(const Reply& reply) {
  const std::string type = lowered(reply.header("content-type"));
  if (type.find("html") != std::string::npos) return true;
  std::string_view body = reply.body;
  if (body.starts_with("\xEF\xBB\xBF")) body.remove_prefix(3);
  return trimmed(body).starts_with('<');
}

}  // namespace tailrace::wire
