// The requests and answers of a tool that takes so many jobs at once, and tells of several of them
// in one answer.
#include <stdexcept>

#include "language.hpp"

namespace tailrace::simulation {
namespace {

using nlohmann::json;

class JobsLanguage final : public Language {
 public:
  explicit JobsLanguage(const Schedule& schedule)
      : batch_rows_(schedule.batch_rows),
        max_jobs_(schedule.max_jobs),
        cells_(schedule.changed_fields ? 2 : 1) {}

  [[nodiscard]] json connection() const override { return {{"type", "jobs"}}; }
  [[nodiscard]] json object() const override {
    return {{"name", "rows"}, {"batch_rows", batch_rows_}, {"max_jobs", max_jobs_}};
  }

  [[nodiscard]] Ask read(const wire::Request& request) const override {
    if (request.path != "/jobs") throw std::logic_error("no such address: " + request.path);
    Ask ask;
    if (request.method == wire::Method::get) {
      ask.op = Ask::Op::find;
      read_ids(request.query, ask);
      return ask;
    }
    const json body = json::parse(request.body);
    ask.op = op_of(body.at("op").get<std::string>());
    for (const json& row : body.at("rows")) {
      if (ask.writes()) {
        ask.rows.push_back(row_of(row, cells_));
      } else {
        ask.rows.push_back({row.at("id").get<std::string>(), {}});
      }
    }
    return ask;
  }

  /// Never asked for: what became of a job's rows stands in its status.
  [[nodiscard]] wire::Reply answer(const Ask& /*ask*/, const std::vector<RowAnswer>& /*rows*/,
                                   Twist /*twist*/, std::size_t /*pick*/) const override {
    throw std::logic_error("a job's request is answered with the job");
  }

  [[nodiscard]] wire::Reply refuse_whole(Done /*why*/) const override {
    return json_reply(422, {{"error", "refused"}});
  }

  [[nodiscard]] wire::Reply error(int status, std::string_view code) const override {
    return json_reply(status, {{"error", code}});
  }

 private:
  static void read_ids(std::string_view query, Ask& ask) {
    constexpr std::string_view kIds = "ids=";
    if (!query.starts_with(kIds)) throw std::logic_error("no jobs are asked for");
    query.remove_prefix(kIds.size());
    while (!query.empty()) {
      const std::string_view id = query.substr(0, query.find(','));
      ask.jobs.emplace_back(id);
      query.remove_prefix(std::min(query.size(), id.size() + 1));
    }
    if (ask.jobs.size() > kJobsInPoll) throw std::logic_error("more jobs than one request takes");
  }

  [[nodiscard]] static Ask::Op op_of(const std::string& word) {
    if (word == "upsert") return Ask::Op::write;
    if (word == "update") return Ask::Op::update;
    if (word == "insert") return Ask::Op::insert;
    if (word == "clear") return Ask::Op::clear;
    if (word != "delete") throw std::logic_error("no such operation: " + word);
    return Ask::Op::remove;
  }

  std::size_t batch_rows_;
  std::size_t max_jobs_;
  std::size_t cells_;
};

}  // namespace

std::unique_ptr<Language> make_jobs_language(const Schedule& schedule) {
  return std::make_unique<JobsLanguage>(schedule);
}

}  // namespace tailrace::simulation
