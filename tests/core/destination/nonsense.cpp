#include "destination/nonsense.hpp"

#include "destination/rows.hpp"

namespace tailrace {
namespace {

constexpr const char* kPage = "<!DOCTYPE html><html><body>Sign in to the network</body></html>";

std::string utf16(const std::string& text) {
  std::string out = "\xFF\xFE";
  for (const char c : text) out += std::string(1, c) + '\0';
  return out;
}

Nonsense failed(const std::string& name, wire::Failure failure) {
  wire::Reply reply;
  reply.failure = failure;
  reply.failure_text = name;
  // A status that was read before the connection broke proves nothing.
  if (failure == wire::Failure::lost || failure == wire::Failure::too_large) reply.status = 200;
  return {name, reply};
}

void add_transport(std::vector<Nonsense>& all) {
  all.push_back(failed("not sent", wire::Failure::not_sent));
  all.push_back(failed("lost", wire::Failure::lost));
  all.push_back(failed("untrusted", wire::Failure::untrusted));
  all.push_back(failed("too large", wire::Failure::too_large));
  all.push_back(failed("expired", wire::Failure::expired));
  all.push_back(failed("cancelled", wire::Failure::cancelled));
}

void add_bodies(std::vector<Nonsense>& all) {
  const std::string complete = R"({"status":"COMPLETE","results":[]})";
  all.push_back({"page as 200", reply_of(200, kPage, "text/html")});
  all.push_back({"page that claims to be JSON", reply_of(200, kPage)});
  all.push_back({"page without a type", reply_of(200, kPage, "")});
  all.push_back(
      {"page behind a byte order mark", reply_of(200, std::string("\xEF\xBB\xBF") + kPage)});
  all.push_back({"empty 200", reply_of(200, std::string())});
  all.push_back({"blank 200", reply_of(200, " \r\n")});
  all.push_back({"byte order mark", reply_of(200, "\xEF\xBB\xBF" + complete)});
  all.push_back({"UTF-16", reply_of(200, utf16(complete))});
  all.push_back({"another charset", reply_of(200, complete, "application/json; charset=utf-16")});
  all.push_back({"invalid UTF-8", reply_of(200, "{\"status\":\"\xFF\"}")});
  all.push_back({"cut", reply_of(200, complete.substr(0, 20))});
  all.push_back({"two documents", reply_of(200, complete + complete)});
  all.push_back({"still gzip", reply_of(200, std::string("\x1F\x8B\x08\x00\x00", 5))});
  all.push_back({"success false", reply_of(200, R"({"success":false})")});
  all.push_back({"ok false", reply_of(200, R"({"ok":false,"success":false})")});
  all.push_back({"error in a 200", reply_of(200, R"({"error":{"code":7}})")});
  all.push_back({"errors in a 200", reply_of(200, R"({"errors":["no"]})")});
  all.push_back({"status error", reply_of(200, R"({"status":"error","message":"x"})")});
  all.push_back({"very deep", reply_of(200, std::string(100'000, '['))});
  all.push_back({"a number that no double holds", reply_of(200, "[1e999]")});
  all.push_back({"NUL bytes", reply_of(200, std::string(64, '\0'))});
  all.push_back({"NaN", reply_of(200, "NaN")});
}

void add_plausible(std::vector<Nonsense>& all) {
  const auto add = [&all](const std::string& name, int status, const std::string& body,
                          const std::string& type = "application/json") {
    all.push_back({name, reply_of(status, body, type), true});
  };
  add("empty object", 200, "{}");
  add("empty array", 200, "[]");
  add("null", 200, "null");
  add("true", 200, "true");
  add("a number", 200, "42");
  add("a string", 200, "\"COMPLETE\"");
  add("OK as text", 200, "OK", "text/plain");
  add("array of null", 200, "[null,null,null]");
  add("array of arrays", 200, "[[],[[]],{}]");
  add("empty 201", 201, "");
  add("empty 202", 202, "");
  add("empty 204", 204, "");
  add("empty 205", 205, "");
  add("still pending", 200, R"({"status":"PENDING","results":[]})");
  add("cancelled", 200, R"({"status":"CANCELED","results":[]})");
  add("complete and empty", 200, R"({"status":"COMPLETE","results":[]})");
  add("complete without results", 200, R"({"status":"COMPLETE"})");
  add("results of the wrong type", 200, R"({"status":"COMPLETE","results":"all","errors":null})");
  add("results of wrong members", 200,
      R"({"status":"COMPLETE","results":[null,1,"x",[],{"id":{}},{"objectWriteTraceId":[]}]})");
  add("strangers", 200,
      R"({"status":"COMPLETE","results":[{"id":"1","objectWriteTraceId":"nobody-0"},)"
      R"({"id":"2","objectWriteTraceId":"r1-7-99"},{"id":"3","objectWriteTraceId":"r1-7-00"},)"
      R"({"id":"4","objectWriteTraceId":"r1-7-"},{"id":"5","objectWriteTraceId":"r1-7--1"},)"
      R"({"id":"6","objectWriteTraceId":"r1-7-0x0"},{"id":"7","objectWriteTraceId":0}]})");
  add("no ids", 200,
      R"({"status":"COMPLETE","results":[{"objectWriteTraceId":"r1-7-0"},)"
      R"({"objectWriteTraceId":"r1-7-1","id":null},{"objectWriteTraceId":"r1-7-2","id":""}]})");
  add("by position alone", 200,
      R"({"status":"COMPLETE","results":[{"id":"1"},{"id":"2"},{"id":"3"}]})");
  add("everybody twice", 200,
      R"({"status":"COMPLETE","results":[{"id":"1","objectWriteTraceId":"r1-7-0"},)"
      R"({"id":"2","objectWriteTraceId":"r1-7-1"},{"id":"3","objectWriteTraceId":"r1-7-2"},)"
      R"({"id":"4","objectWriteTraceId":"r1-7-0"},{"id":"5","objectWriteTraceId":"r1-7-1"},)"
      R"({"id":"6","objectWriteTraceId":"r1-7-2"}]})");
  add("somebody else's records", 200,
      R"({"status":"COMPLETE","results":[)"
      R"({"id":"1","objectWriteTraceId":"r1-7-0","properties":{"email":"eve@example.com"}},)"
      R"({"id":"2","objectWriteTraceId":"r1-7-1","properties":{"email":"user0@example.com"}},)"
      R"({"id":"3","objectWriteTraceId":"r1-7-2","properties":{"email":"user1@example.com"}}]})");
  add("errors without a word", 207, R"({"status":"COMPLETE","results":[],"errors":[{},null,7]})");
}

void add_statuses(std::vector<Nonsense>& all) {
  for (const int status :
       {100, 199, 300, 301, 302, 304, 307, 308, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409,
        410, 411, 412, 413, 414, 415, 417, 418, 421, 422, 423, 424, 425, 426, 428, 429, 431, 451,
        477, 499, 500, 501, 502, 503, 504, 507, 511, 520, 524, 529, 599, 600, 999, 0,   -1}) {
    const std::string name = "status " + std::to_string(status);
    all.push_back({name, reply_of(status, std::string())});
    all.push_back({name + " with a page", reply_of(status, kPage, "text/html")});
    all.push_back({name + " with a success in it",
                   reply_of(status, std::string(R"({"status":"COMPLETE","results":[)"
                                                R"({"id":"1","objectWriteTraceId":"r1-7-0"}]})"))});
  }
  Nonsense later{"503 with Retry-After", reply_of(503, std::string())};
  later.reply.retry_after = std::chrono::seconds(1'000'000'000);
  all.push_back(later);
  Nonsense huge{"an error as long as a book",
                json_reply(400, {{"category", std::string(1'000'000, 'c')},
                                 {"message", std::string(3'000'000, 'm')}})};
  all.push_back(huge);
}

}  // namespace

std::vector<Nonsense> nonsense() {
  std::vector<Nonsense> all;
  add_transport(all);
  add_bodies(all);
  add_plausible(all);
  add_statuses(all);
  return all;
}

}  // namespace tailrace
