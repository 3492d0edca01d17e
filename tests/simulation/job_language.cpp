// The requests and answers of a tool that works in jobs.
#include <stdexcept>

#include "language.hpp"

namespace tailrace::simulation {
namespace {

using nlohmann::json;

class JobLanguage final : public Language {
 public:
  explicit JobLanguage(const Schedule& schedule) : batch_rows_(schedule.batch_rows) {}

  [[nodiscard]] json connection() const override { return {{"type", "job"}}; }
  [[nodiscard]] json object() const override {
    return {{"name", "rows"}, {"batch_rows", batch_rows_}};
  }

  [[nodiscard]] Ask read(const wire::Request& request) const override {
    Ask ask;
    if (request.method == wire::Method::get) {
      ask.op = Ask::Op::find;
      read_question(request.path, ask);
      return ask;
    }
    if (request.path != "/jobs") throw std::logic_error("no such address: " + request.path);
    const json body = json::parse(request.body);
    ask.name = body.at("name").get<std::string>();
    ask.op = body.at("op") == "delete" ? Ask::Op::remove : Ask::Op::write;
    for (const json& row : body.at("rows")) {
      ask.rows.push_back({row.at("id").get<std::string>(), row.value("v", "")});
    }
    return ask;
  }

  [[nodiscard]] wire::Reply answer(const Ask& ask, const std::vector<RowAnswer>& rows, Twist twist,
                                   std::size_t pick) const override {
    json results = json::array();
    for (const std::size_t row : named_rows(rows.size(), twist, pick)) {
      results.push_back(result_entry(ask.rows[row].key, rows[row].done));
    }
    if (twist == Twist::extra) results.push_back(result_entry("nobody", Done::applied));
    if (twist == Twist::contradict) {
      const std::size_t row = pick % rows.size();
      const bool applied = rows[row].done == Done::applied;
      results.push_back(result_entry(ask.rows[row].key, applied ? Done::refused : Done::applied));
    }
    return json_reply(200, {{"results", std::move(results)}});
  }

  [[nodiscard]] wire::Reply refuse_whole(Done /*why*/) const override {
    return json_reply(422, {{"error", "refused"}});
  }

  [[nodiscard]] wire::Reply error(int status, std::string_view code) const override {
    return json_reply(status, {{"error", code}});
  }

 private:
  /// /jobs/ID, /jobs/ID/results or /named/NAME
  static void read_question(std::string path, Ask& ask) {
    constexpr std::string_view kResults = "/results";
    constexpr std::string_view kJobs = "/jobs/";
    constexpr std::string_view kNamed = "/named/";
    if (path.starts_with(kNamed)) {
      ask.name = path.substr(kNamed.size());
      return;
    }
    if (!path.starts_with(kJobs)) throw std::logic_error("no such address: " + path);
    if (path.ends_with(kResults)) {
      ask.results = true;
      path.resize(path.size() - kResults.size());
    }
    ask.job = path.substr(kJobs.size());
  }

  std::size_t batch_rows_;
};

}  // namespace

std::unique_ptr<Language> make_job_language(const Schedule& schedule) {
  return std::make_unique<JobLanguage>(schedule);
}

}  // namespace tailrace::simulation
