#pragma once

#include <cstddef>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "schedule.hpp"
#include "wire/request.hpp"

namespace tailrace::simulation {

/// What a request asks of the tool, whatever its language.
struct Ask {
  enum class Op : std::uint8_t { write, update, insert, remove, archive, clear, find };
  struct Row {
    std::string key;    // the record's unique external id; empty where only `id` is known
    std::string value;  // of a write; cells that the request does not name are empty
    std::string id = {};  // the tool's own id, where the request names it
    std::string trace = {};
    unsigned left_out = 0;  // a bit for each cell: the request does not name it
  };
  Op op = Op::write;
  std::vector<Row> rows;
  std::string once;  // idempotency key; empty: none
  std::string name;  // of the job that the request makes, or asks for
  std::string job;   // its id, where the request names it
  bool results = false;  // asks for what became of its rows
  std::vector<std::string> jobs;  // ids of several that are asked for together

  /// Whether records are written: the rows have values.
  [[nodiscard]] bool writes() const {
    return op == Op::write || op == Op::update || op == Op::insert;
  }
  /// Whether records are taken away, or emptied.
  [[nodiscard]] bool removes() const {
    return op == Op::remove || op == Op::archive || op == Op::clear;
  }
};
[[nodiscard]] std::string_view to_text(Ask::Op op);

/// What became of one row.
enum class Done : std::uint8_t {
  applied,  // also: found; removed; was not there to be removed
  refused,  // its value is wrong
  clash,    // its content is another record's
  locked,   // nothing happened: somebody else has it
  not_run,  // nothing happened: not executed
  absent,   // find, update, clear: there is no such record
};

struct RowAnswer {
  Done done = Done::applied;
  std::string id;
  std::string value;  // find: of the record
};

/// How an answer departs from what is true.
enum class Twist : std::uint8_t { none, missing, extra, shuffled, contradict };

/// Jobs that one request may ask for together.
inline constexpr std::size_t kJobsInPoll = 2;

/// How one tool's requests and answers are written. Pure.
class Language {
 public:
  virtual ~Language() = default;

  /// What the run spec says of connection and object.
  [[nodiscard]] virtual nlohmann::json connection() const = 0;
  [[nodiscard]] virtual nlohmann::json object() const = 0;
  /// Throws std::logic_error where the tool has no such request: a mistake of the destination's.
  [[nodiscard]] virtual Ask read(const wire::Request& request) const = 0;
  /// An answer that tells what became of the rows.
  [[nodiscard]] virtual wire::Reply answer(const Ask& ask, const std::vector<RowAnswer>& rows,
                                           Twist twist, std::size_t pick) const = 0;
  /// One bad row makes the tool refuse the request as a whole.
  [[nodiscard]] virtual wire::Reply refuse_whole(Done why) const = 0;
  /// An error without outcomes. `code`: throttle, quota, unauthorized, field_gone or error.
  [[nodiscard]] virtual wire::Reply error(int status, std::string_view code) const = 0;
};

[[nodiscard]] std::unique_ptr<Language> make_language(const Schedule& schedule);
[[nodiscard]] std::unique_ptr<Language> make_job_language(const Schedule& schedule);
[[nodiscard]] std::unique_ptr<Language> make_jobs_language(const Schedule& schedule);

[[nodiscard]] wire::Reply json_reply(int status, const nlohmann::json& body);
/// What an answer with an entry for every row says of one.
[[nodiscard]] nlohmann::json result_entry(const std::string& key, Done done);
/// The rows in the order in which an answer names them, some of them twice or not at all.
[[nodiscard]] std::vector<std::size_t> named_rows(std::size_t rows, Twist twist, std::size_t pick);

/// A value that the tool does not take.
[[nodiscard]] inline bool is_poison(std::string_view value) { return value.starts_with("poison"); }

/// The row that a JSON object with its fields writes.
[[nodiscard]] Ask::Row row_of(const nlohmann::json& fields, std::size_t cells);

}  // namespace tailrace::simulation
