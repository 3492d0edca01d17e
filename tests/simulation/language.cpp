#include "language.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <stdexcept>

#include "content.hpp"

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

constexpr std::array<const char*, 2> kCells{"v", "w"};

std::size_t cells_of(const Schedule& schedule) { return schedule.changed_fields ? 2 : 1; }

/// A JSON API with rows by `id`, as three declarations of the rest destination describe it.
class RestLanguage final : public Language {
 public:
  explicit RestLanguage(const Schedule& schedule)
      : face_(schedule.face),
        batch_rows_(schedule.batch_rows),
        inserts_(inserts(schedule)),
        updates_(schedule.mode == Mode::update),
        replaces_(!schedule.changed_fields),
        cells_(cells_of(schedule)),
        on_removed_(schedule.on_removed),
        safety_(schedule.safety) {}

  [[nodiscard]] json connection() const override { return {{"type", "rest"}}; }

  [[nodiscard]] json object() const override {
    json object{{"name", "rows"}, {"delete", {{"method", "DELETE"}, {"path", "/rows/{key}"}}}};
    if (on_removed_ == OnRemoved::archive) object["archive"] = {{"path", "/archive/{key}"}};
    if (on_removed_ == OnRemoved::clear) object["clear"] = {{"path", "/clear/{key}"}};
    if (inserts_) {
      object["insert"] = shape();
      object["insert"]["path"] = kNew;
      if (safety_ == InsertSafety::read_back) object["read"] = {{"path", "/rows/{match}"}};
      if (safety_ == InsertSafety::idempotency_key) {
        object["idempotency"] = {{"header", kOnce}, {"ttl_s", 86'400 * 30}};
      }
      return object;
    }
    const bool single = face_ == Face::rest_single;
    const char* whole = replaces_ ? "PUT" : "PATCH";
    object.update(
        {{"method", single ? whole : "POST"}, {"path", single ? "/rows/{key}" : "/rows"}});
    object.update(shape());
    if (updates_) {
      object["update"] = shape();
      object["update"]["path"] = single ? "/changes/{key}" : "/changes";
    }
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
    ask.op = op_of(request);
    const std::string key = key_in(request.path);
    if (ask.op == Ask::Op::clear) {
      const json body = json::parse(request.body);
      for (std::size_t n = 0; n < cells_; ++n) {
        if (!body.at(kCells.at(n)).is_null()) throw std::logic_error("a field is not cleared");
      }
      if (body.at("id") != key) throw std::logic_error("the match field is cleared");
    }
    if (!ask.writes()) {
      ask.rows.push_back({key, {}});
      return ask;
    }
    for (const wire::Header& header : request.headers) {
      if (header.name == kOnce) ask.once = header.value;
    }
    const json body = json::parse(request.body);
    if (face_ != Face::rest_single) {
      for (const json& row : body) ask.rows.push_back(row_of(row, cells_));
      return ask;
    }
    ask.rows.push_back(row_of(body, cells_));
    if (ask.op != Ask::Op::insert && ask.rows.front().key != key) {
      throw std::logic_error("a row was put to another row's address");
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

  /// What stands behind the collection's name; empty where nothing does.
  [[nodiscard]] static std::string key_in(const std::string& path) {
    const std::size_t slash = path.find('/', 1);
    return slash == std::string::npos ? std::string() : path.substr(slash + 1);
  }

  [[nodiscard]] static Ask::Op op_of(const wire::Request& request) {
    const std::string& path = request.path;
    if (path == kNew) return Ask::Op::insert;
    if (path.starts_with("/archive/")) return Ask::Op::archive;
    if (path.starts_with("/clear/")) return Ask::Op::clear;
    if (path.starts_with("/changes")) return Ask::Op::update;
    if (!path.starts_with("/rows")) throw std::logic_error("no such address: " + path);
    if (request.method == wire::Method::delete_) return Ask::Op::remove;
    return request.method == wire::Method::get ? Ask::Op::find : Ask::Op::write;
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
  bool updates_;
  bool replaces_;  // a write names every field
  std::size_t cells_;
  OnRemoved on_removed_;
  InsertSafety safety_;
};

/// HubSpot's batch requests of one custom object type.
class HubSpotLanguage final : public Language {
 public:
  explicit HubSpotLanguage(const Schedule& schedule) : cells_(cells_of(schedule)) {}

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
    ask.op = op_of(verb, body);
    for (const json& input : body.at("inputs")) {
      const std::string id = input.value("id", "");
      Ask::Row row;
      if (ask.op == Ask::Op::find) row.key = id;
      if (ask.op == Ask::Op::remove) row.id = id;
      if (input.contains("properties")) {
        row = row_of(input.at("properties"), cells_);
        if (ask.op != Ask::Op::insert && row.key != id) {
          throw std::logic_error("an input with two ids");
        }
      }
      row.trace = input.value("objectWriteTraceId", std::string());
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
  /// An update that empties every field is what `clear` is here.
  [[nodiscard]] Ask::Op op_of(const std::string& verb, const json& body) const {
    if (verb == "upsert") return Ask::Op::write;
    if (verb == "create") return Ask::Op::insert;
    if (verb == "archive") return Ask::Op::remove;
    if (verb != "update") return Ask::Op::find;
    const Ask::Row first = row_of(body.at("inputs").at(0).at("properties"), cells_);
    const bool empty = first.left_out == 0 && first.value == cleared(first.value);
    return empty ? Ask::Op::clear : Ask::Op::update;
  }

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

  std::size_t cells_;
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

Ask::Row row_of(const json& fields, std::size_t cells) {
  Ask::Row row;
  row.key = fields.at("id").get<std::string>();
  for (std::size_t n = 0; n < cells; ++n) {
    if (n > 0) row.value += '\t';
    const auto found = fields.find(kCells.at(n));
    if (found == fields.end()) {
      row.left_out |= 1U << n;
    } else if (!found->is_null()) {
      row.value += found->get<std::string>();
    }
  }
  return row;
}

std::string_view to_text(Ask::Op op) {
  switch (op) {
    case Ask::Op::write: return "write";
    case Ask::Op::update: return "update";
    case Ask::Op::archive: return "archive";
    case Ask::Op::clear: return "clear";
    case Ask::Op::insert: return "insert";
    case Ask::Op::remove: return "delete";
    case Ask::Op::find: return "read";
  }
  return "";
}

std::unique_ptr<Language> make_language(const Schedule& schedule) {
  if (schedule.face == Face::job) return make_job_language(schedule);
  if (schedule.face == Face::jobs) return make_jobs_language(schedule);
  if (schedule.face == Face::hubspot) return std::make_unique<HubSpotLanguage>(schedule);
  return std::make_unique<RestLanguage>(schedule);
}

}  // namespace tailrace::simulation
