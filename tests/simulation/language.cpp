#include "language.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>

namespace tailrace::simulation {
namespace {

using nlohmann::json;

std::string stranger() { return "nobody"; }

std::string word_of(Done done) {
  switch (done) {
    case Done::applied: return "ok";
    case Done::refused: return "bad_value";
    case Done::clash: return "conflict";
    case Done::locked: return "locked";
    case Done::not_run: return "not_executed";
    case Done::absent: return "not_found";
  }
  return "";
}

int status_of(Done done) {
  switch (done) {
    case Done::applied: return 200;
    case Done::refused: return 422;
    case Done::clash: return 409;
    case Done::locked:
    case Done::not_run: return 429;
    case Done::absent: return 404;
  }
  return 500;
}

/// A JSON API with rows by `id`, as three declarations of the rest destination describe it.
class RestLanguage final : public Language {
 public:
  explicit RestLanguage(const Schedule& schedule)
      : face_(schedule.face),
        batch_rows_(schedule.batch_rows),
        inserts_(schedule.mode == SyncMode::insert),
        safety_(schedule.safety) {}

  [[nodiscard]] json connection() const override { return {{"type", "rest"}}; }

  [[nodiscard]] json object() const override {
    json object{{"name", "rows"}, {"delete", {{"method", "DELETE"}, {"path", "/rows/{key}"}}}};
    if (inserts_) {
      object["insert"] = shape();
      object["insert"]["path"] = kNew;
      if (safety_ == Safety::read_back) object["read"] = {{"path", "/rows/{match}"}};
      if (safety_ == Safety::idempotency_key) {
        object["idempotency"] = {{"header", kOnce}, {"ttl_s", 86'400 * 30}};
      }
      return object;
    }
    const bool single = face_ == Face::rest_single;
    object.update(
        {{"method", single ? "PUT" : "POST"}, {"path", single ? "/rows/{key}" : "/rows"}});
    object.update(shape());
    return object;
  }

  /// Body and results, for writes and inserts alike.
  [[nodiscard]] json shape() const {
    if (face_ == Face::rest_single) return {{"body", "object"}, {"batch_rows", 1}};
    json results{{"key", "id"}, {"status", "status"}, {"code", "code"}, {"message", "message"}};
    if (face_ == Face::rest_list) {
      results.update({{"form", "list"}, {"path", "results"}});
    } else {
      results.update({{"form", "errors_only"}, {"path", "errors"}, {"count", "accepted"}});
    }
    return {{"body", "rows"}, {"batch_rows", batch_rows_}, {"results", std::move(results)}};
  }

  [[nodiscard]] Ask read(const wire::Request& request) const override {
    Ask ask;
    const bool removes = request.method == wire::Method::delete_;
    if (removes || request.method == wire::Method::get) {
      ask.op = removes ? Ask::Op::remove : Ask::Op::find;
      ask.rows.push_back({key_in(request.path), {}, {}, {}});
      return ask;
    }
    const json body = json::parse(request.body);
    const auto add = [&ask](const json& row) {
      ask.rows.push_back({row.at("id").get<std::string>(), row.at("v").get<std::string>(), {}, {}});
    };
    if (request.path == kNew) {
      ask.op = Ask::Op::insert;
      for (const wire::Header& header : request.headers) {
        if (header.name == kOnce) ask.once = header.value;
      }
    }
    if (face_ == Face::rest_single) {
      add(body);
      if (ask.op == Ask::Op::write && ask.rows.front().key != key_in(request.path)) {
        throw std::logic_error("a row was put to another row's address");
      }
    } else {
      for (const json& row : body) add(row);
    }
    return ask;
  }

  [[nodiscard]] wire::Reply answer(const Ask& ask, const std::vector<RowAnswer>& rows, Twist twist,
                                   std::size_t pick) const override {
    if (ask.op == Ask::Op::find && rows.front().done == Done::applied) {
      return json_reply(200, {{"id", ask.rows.front().key}, {"v", rows.front().value}});
    }
    if (!ask.writes() || face_ == Face::rest_single) {
      return rows.front().done == Done::applied ? json_reply(200, {{"id", ask.rows.front().key}})
                                                : refuse_whole(rows.front().done);
    }
    return face_ == Face::rest_list ? list(ask, rows, twist, pick) : errors(ask, rows, twist, pick);
  }

  [[nodiscard]] wire::Reply refuse_whole(Done why) const override {
    int status = status_of(why);
    if (why == Done::locked) status = 423;
    if (why == Done::not_run) status = 425;
    return json_reply(status, {{"error", {{"code", word_of(why)}, {"message", "no"}}}});
  }

  [[nodiscard]] wire::Reply error(int status, std::string_view code) const override {
    // What this API calls a spent quota or a field that is gone are refusals like any other.
    return json_reply(status, {{"error", {{"code", code}, {"message", "it went wrong"}}}});
  }

 private:
  static constexpr const char* kNew = "/new";
  static constexpr const char* kOnce = "Idempotency-Key";

  [[nodiscard]] static std::string key_in(const std::string& path) {
    constexpr std::string_view kRows = "/rows/";
    if (!path.starts_with(kRows)) throw std::logic_error("no such address: " + path);
    return path.substr(kRows.size());
  }

  [[nodiscard]] static wire::Reply list(const Ask& ask, const std::vector<RowAnswer>& rows,
                                        Twist twist, std::size_t pick) {
    json results = json::array();
    for (const std::size_t row : named_rows(rows.size(), twist, pick)) {
      results.push_back(result_entry(ask.rows[row].key, rows[row].done));
    }
    if (twist == Twist::extra) results.push_back(result_entry(stranger(), Done::applied));
    if (twist == Twist::contradict) {
      const std::size_t row = pick % rows.size();
      const bool applied = rows[row].done == Done::applied;
      results.push_back(result_entry(ask.rows[row].key, applied ? Done::refused : Done::applied));
    }
    return json_reply(200, {{"results", std::move(results)}});
  }

  [[nodiscard]] static wire::Reply errors(const Ask& ask, const std::vector<RowAnswer>& rows,
                                          Twist twist, std::size_t pick) {
    json errors = json::array();
    std::size_t accepted = 0;
    for (const RowAnswer& row : rows) accepted += row.done == Done::applied ? 1 : 0;
    for (const std::size_t row : named_rows(rows.size(), twist, pick)) {
      if (rows[row].done == Done::applied) continue;
      errors.push_back(result_entry(ask.rows[row].key, rows[row].done));
    }
    if (twist == Twist::extra) errors.push_back(result_entry(stranger(), Done::refused));
    if (twist == Twist::contradict) {
      const std::size_t row = pick % rows.size();
      errors.push_back(result_entry(ask.rows[row].key, Done::applied));
      errors.push_back(result_entry(ask.rows[row].key, Done::refused));
    }
    return json_reply(200, {{"errors", std::move(errors)}, {"accepted", accepted}});
  }

  Face face_;
  std::size_t batch_rows_;
  bool inserts_;
  Safety safety_;
};

/// HubSpot's batch requests of one custom object type.
class HubSpotLanguage final : public Language {
 public:
  [[nodiscard]] json connection() const override { return {{"type", "hubspot"}}; }
  [[nodiscard]] json object() const override { return {{"name", "things"}}; }

  [[nodiscard]] Ask read(const wire::Request& request) const override {
    constexpr std::string_view kBatch = "/crm/v3/objects/things/batch/";
    if (!request.path.starts_with(kBatch)) {
      throw std::logic_error("no such address: " + request.path);
    }
    const std::string verb = request.path.substr(kBatch.size());
    const json body = json::parse(request.body);
    Ask ask;
    ask.op = verb == "upsert"    ? Ask::Op::write
             : verb == "archive" ? Ask::Op::remove
                                 : Ask::Op::find;
    for (const json& input : body.at("inputs")) {
      Ask::Row row;
      const auto id = input.at("id").get<std::string>();
      (ask.op == Ask::Op::remove ? row.id : row.key) = id;
      row.trace = input.value("objectWriteTraceId", std::string());
      if (ask.op == Ask::Op::write) {
        const json& properties = input.at("properties");
        row.value = properties.at("v").get<std::string>();
        if (properties.at("id") != id) throw std::logic_error("an input with two ids");
      }
      ask.rows.push_back(std::move(row));
    }
    return ask;
  }

  [[nodiscard]] wire::Reply answer(const Ask& ask, const std::vector<RowAnswer>& rows, Twist twist,
                                   std::size_t pick) const override {
    json results = json::array();
    json errors = json::array();
    const auto name = [&](std::size_t row, Done done) {
      if (done == Done::applied) {
        results.push_back(result(ask.rows[row], rows[row].id));
      } else {
        errors.push_back(problem(ask.rows[row], done));
      }
    };
    bool all = true;
    for (const std::size_t row : named_rows(rows.size(), twist, pick)) {
      all = all && rows[row].done == Done::applied;
      name(row, rows[row].done);
    }
    if (ask.op == Ask::Op::remove && all) {
      wire::Reply reply;
      reply.status = 204;
      return reply;
    }
    if (twist == Twist::extra) results.push_back(result({stranger(), "", "", "r-9-9"}, "99"));
    if (twist == Twist::contradict) {
      const std::size_t row = pick % rows.size();
      name(row, rows[row].done == Done::applied ? Done::refused : Done::applied);
    }
    json body{{"status", "COMPLETE"}, {"results", std::move(results)}};
    if (!errors.empty()) {
      body["numErrors"] = errors.size();
      body["errors"] = std::move(errors);
    }
    return json_reply(body.contains("errors") ? 207 : 200, body);
  }

  [[nodiscard]] wire::Reply refuse_whole(Done why) const override {
    return json_reply(why == Done::clash ? 409 : 400, {{"status", "error"},
                                                       {"category", category_of(why)},
                                                       {"message", "one of the inputs is wrong"}});
  }

  [[nodiscard]] wire::Reply error(int status, std::string_view code) const override {
    json body{{"status", "error"}, {"category", "ERROR"}, {"message", "it went wrong"}};
    if (status == 429) body["policyName"] = code == "quota" ? "DAILY" : "SECONDLY";
    if (code == "field_gone") {
      body["category"] = "VALIDATION_ERROR";
      body["errors"] = {{{"code", "PROPERTY_DOESNT_EXIST"},
                         {"message", "there is no such property"},
                         {"context", {{"propertyName", {"v"}}}}}};
    }
    return json_reply(status, body);
  }

 private:
  [[nodiscard]] static std::string category_of(Done done) {
    switch (done) {
      case Done::refused: return "VALIDATION_ERROR";
      case Done::clash: return "CONFLICT";
      case Done::absent: return "OBJECT_NOT_FOUND";
      case Done::applied:
      case Done::locked:
      case Done::not_run: return "RATE_LIMITS";
    }
    return "";
  }

  [[nodiscard]] static json result(const Ask::Row& row, const std::string& id) {
    json out{{"id", id}, {"properties", {{"v", row.value}}}};
    if (!row.key.empty()) out["properties"]["id"] = row.key;
    if (!row.trace.empty()) out["objectWriteTraceId"] = row.trace;
    return out;
  }

  [[nodiscard]] static json problem(const Ask::Row& row, Done done) {
    json out{{"status", "error"}, {"category", category_of(done)}, {"message", "not this one"}};
    if (row.trace.empty()) {
      out["context"] = {{"ids", {row.key.empty() ? row.id : row.key}}};
    } else {
      out["context"] = {{"objectWriteTraceId", {row.trace}}};
    }
    return out;
  }
};

}  // namespace

wire::Reply json_reply(int status, const nlohmann::json& body) {
  wire::Reply reply;
  reply.status = status;
  reply.headers = {{"content-type", "application/json"}};
  reply.body = body.dump();
  return reply;
}

std::vector<std::size_t> named_rows(std::size_t rows, Twist twist, std::size_t pick) {
  std::vector<std::size_t> order(rows);
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (rows == 0) return order;
  const auto picked = order.begin() + static_cast<std::ptrdiff_t>(pick % rows);
  if (twist == Twist::missing) order.erase(picked);
  if (twist == Twist::shuffled) {
    std::reverse(order.begin(), order.end());
    std::rotate(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(pick % rows),
                order.end());
  }
  return order;
}

json result_entry(const std::string& key, Done done) {
  return {{"id", key}, {"status", status_of(done)}, {"code", word_of(done)}, {"message", "so"}};
}

std::string_view to_text(Ask::Op op) {
  switch (op) {
    case Ask::Op::write: return "write";
    case Ask::Op::insert: return "insert";
    case Ask::Op::remove: return "delete";
    case Ask::Op::find: return "read";
  }
  return "";
}

std::unique_ptr<Language> make_language(const Schedule& schedule) {
  if (schedule.face == Face::job) return make_job_language(schedule);
  if (schedule.face == Face::hubspot) return std::make_unique<HubSpotLanguage>();
  return std::make_unique<RestLanguage>(schedule);
}

}  // namespace tailrace::simulation
