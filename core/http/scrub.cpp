#include "http/scrub.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>

#include "row/ascii.hpp"

namespace tailrace::http {
namespace {

// Shorter texts are words, not secrets: hiding "t" would hide every message.
constexpr std::size_t kShortestSecret = 4;

// What stands before a secret. "basic" alone is a word that tools use of plans and fields.
constexpr std::array<std::string_view, 11> kMarks = {"authorization: bearer ",
                                                     "authorization: basic ",
                                                     "authorization: ",
                                                     "bearer ",
                                                     "token=",
                                                     "key=",
                                                     "password=",
                                                     "secret=",
                                                     "password: ",
                                                     "api-key: ",
                                                     "apikey: "};

bool matches_at(std::string_view text, std::size_t at, std::string_view mark) {
  if (text.size() - at < mark.size()) return false;
  for (std::size_t i = 0; i < mark.size(); ++i) {
    if (lower(text[at + i]) != mark[i]) return false;
  }
  return true;
}

/// The end of a longer word is no mark: "BadApiKey: " is a code of Iterable's.
bool is_in_word(std::string_view text, std::size_t at, std::string_view mark) {
  return mark == "apikey: " && at > 0 && is_alphanumeric(text[at - 1]);
}

bool ends_secret(char c) {
  return c == ' ' || c == '&' || c == '"' || c == '\'' || c == ',' || c == ';' || c == '\n' ||
         c == '\r' || c == '<' || c == '}';
}

void hide_all(std::string& text, std::string_view secret) {
  if (secret.size() < kShortestSecret) return;
  for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at + 3)) {
    text.replace(at, secret.size(), "***");
  }
}

std::string hide_marked(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t mark_size = 0;
    for (const std::string_view mark : kMarks) {
      const bool marks = matches_at(text, at, mark) && !is_in_word(text, at, mark);
      if (marks) mark_size = std::max(mark_size, mark.size());
    }
    if (mark_size == 0) {
      out += text[at++];
      continue;
    }
    out.append(text, at, mark_size);
    at += mark_size;
    if (at < text.size() && !ends_secret(text[at])) out += "***";
    while (at < text.size() && !ends_secret(text[at])) ++at;
  }
  return out;
}

/// scheme://user:password@host → scheme://***@host
std::string hide_logins(std::string text) {
  for (auto at = text.find("://"); at != std::string::npos; at = text.find("://", at + 3)) {
    const auto begin = at + 3;
    const auto end = text.find_first_of("/?# \t\r\n\"'<>", begin);
    const auto host = text.substr(begin, end == std::string::npos ? end : end - begin);
    const auto login = host.rfind('@');
    if (login != std::string::npos) text.replace(begin, login, "***");
  }
  return text;
}

std::string escape_controls(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      out += c;
      continue;
    }
    char escaped[8];
    std::snprintf(escaped, sizeof escaped, "\\x%02x", byte);
    out += c == '\n' ? "\\n" : c == '\r' ? "\\r" : c == '\t' ? "\\t" : escaped;
  }
  return out;
}

std::size_t sequence_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}

/// At most `limit` bytes of whole, valid UTF-8; other bytes become '?'.
std::string cut(std::string_view text, std::size_t limit) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = sequence_length(static_cast<unsigned char>(text[at]));
    bool whole = length > 0 && at + length <= text.size();
    for (std::size_t i = 1; whole && i < length; ++i) {
      whole = (static_cast<unsigned char>(text[at + i]) & 0xc0) == 0x80;
    }
    const std::size_t step = whole ? length : 1;
    if (out.size() + step > limit) break;
    if (whole) {
      out.append(text, at, length);
    } else {
      out += '?';
    }
    at += step;
  }
  return out;
}

}  // namespace

void Scrubber::learn(const std::string& secret) {
  if (secret.empty()) return;
  if (std::find(secrets_.begin(), secrets_.end(), secret) == secrets_.end()) {
    secrets_.push_back(secret);
  }
}

std::string Scrubber::clean(std::string_view text, std::size_t limit) const {
  // Far more than is kept, so that a secret is never cut in half before it is hidden.
  std::string work(text.substr(0, limit * 8));
  for (const std::string& secret : secrets_) hide_all(work, secret);
  return cut(escape_controls(hide_marked(hide_logins(std::move(work)))), limit);
}

}  // namespace tailrace::http
