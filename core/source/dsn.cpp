#include "source/dsn.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <map>
#include <memory>
#include <utility>

#include <libpq-fe.h>

#include "source/source.hpp"

namespace tailrace {
namespace {

using Options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

Options parse(const std::string& text) {
  char* complaint = nullptr;
  Options options(PQconninfoParse(text.c_str(), &complaint), PQconninfoFree);
  if (complaint != nullptr) PQfreemem(complaint);
  // A NUL would make libpq read another string than the one that was checked and scrubbed.
  if (!options || text.find('\0') != std::string::npos) {
    throw SourceError(
        "source: the warehouse's dsn is not a valid PostgreSQL connection string (expected "
        "postgresql://user@host:5432/database or host=… dbname=…; in a URI, special characters "
        "of a password are written as %XX)",
        true);
  }
  return options;
}

std::chrono::seconds timeout_from(std::string_view text) {
  int seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{} || end != text.data() + text.size()) return Dsn::kDefaultConnectTimeout;
  return std::chrono::seconds(std::max(seconds, 0));
}

void replace_all(std::string& message, std::string_view secret) {
  constexpr std::string_view kMask = "***";
  for (auto at = message.find(secret); at != std::string::npos;
       at = message.find(secret, at + kMask.size())) {
    message.replace(at, secret.size(), kMask);
  }
}

}  // namespace

Dsn::Dsn(std::string text) : text_(std::move(text)) {
  const Options options = parse(text_);
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing in the core changes the environment
  if (const char* limit = std::getenv("PGCONNECT_TIMEOUT")) connect_timeout_ = timeout_from(limit);
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val == nullptr || *option->val == '\0') continue;
    const std::string_view keyword = option->keyword;
    const std::string_view value = option->val;
    if (keyword == "password" || keyword == "sslpassword") secrets_.emplace_back(value);
    if (keyword == "connect_timeout") connect_timeout_ = timeout_from(value);
    if (keyword == "host" || keyword == "hostaddr") {
      const auto commas = std::count(value.begin(), value.end(), ',');
      hosts_ = std::max(hosts_, static_cast<std::size_t>(commas) + 1);
    }
  }
}

std::string Dsn::address() const {
  std::map<std::string_view, std::string> words;
  const Options given = parse(text_);
  const Options usual(PQconndefaults(), PQconninfoFree);
  for (const Options* options : {&usual, &given}) {
    const PQconninfoOption* option = options->get();
    for (; option != nullptr && option->keyword != nullptr; ++option) {
      if (option->val != nullptr && *option->val != '\0') words[option->keyword] = option->val;
    }
  }
  const std::string& host = words.contains("host") ? words["host"] : words["hostaddr"];
  const std::string& database = words.contains("dbname") ? words["dbname"] : words["user"];
  return "postgresql://" + (host.empty() ? "localhost" : host) + ":" + words["port"] + "/" +
         database;
}

std::string Dsn::scrub(std::string message) const {
  if (!text_.empty()) replace_all(message, text_);
  for (const std::string& secret : secrets_) replace_all(message, secret);
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing in the core changes the environment
  const char* password = std::getenv("PGPASSWORD");
  if (password != nullptr && *password != '\0') replace_all(message, password);
  return message;
}

}  // namespace tailrace
