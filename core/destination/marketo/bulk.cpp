#include "destination/marketo/bulk.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "destination/loading.hpp"
#include "destination/marketo/answer.hpp"
#include "destination/marketo/facts.hpp"
#include "destination/records.hpp"
#include "destination/settle.hpp"
#include "row/row_view.hpp"
#include "wire/cell.hpp"
#include "wire/json_reader.hpp"
#include "wire/multipart.hpp"

namespace tailrace::marketo {
namespace {

using nlohmann::json;

enum ImportTag : int { kQueue = 20, kFile };

constexpr std::string_view kMemo = "import ";
constexpr std::string_view kEmptyText;

/// Empty: not a memo of an import.
[[nodiscard]] std::string import_of(std::string_view memo) {
  if (!memo.starts_with(kMemo)) return {};
  const std::string_view id = memo.substr(kMemo.size());
  return is_numeric_id(id) ? std::string(id) : std::string();
}

[[nodiscard]] Step in_job(const Memo& memo) {
  Step step;
  step.in_job = true;
  step.memo = memo;
  return step;
}

[[nodiscard]] Step all_rows_are(const Batch& batch, Outcome outcome, const Reason& reason) {
  Step step;
  give_all(step, all_rows(batch), outcome, reason);
  return step;
}

/// Not so where a later run has taken the import up: it knows the rows' match values alone.
[[nodiscard]] bool has_lines(const Batch& batch) {
  return batch.lines || (!batch.rows.empty() && !batch.rows.front().line.empty());
}

/// An import that failed as a whole tells of no row. Requests do: what is wrong with each, or with
/// all of them.
[[nodiscard]] Step by_requests(const Batch& batch) {
  Step step;
  regroup_rows(step, all_rows(batch), kMaxRows, batch.operation);
  return step;
}

/// A count that an import tells; nothing where it is no number.
[[nodiscard]] std::optional<std::uint64_t> count_at(const json& status, std::string_view name) {
  const json* count = wire::member(status, name);
  if (count == nullptr || count->is_null()) return 0;
  if (!count->is_number_unsigned()) return std::nullopt;
  return count->get<std::uint64_t>();
}

}  // namespace

Bulk::Bulk(const Target& target, const Schema& schema, std::string partition, bool has_requests)
    : target_(target),
      partition_(std::move(partition)),
      has_requests_(has_requests),
      fields_(schema.field_count),
      writer_(std::make_shared<wire::CsvRowWriter>(schema, wire::CsvForm{})) {}

bool Bulk::can(Operation operation) const {
  return operation == (target_.by_id ? Operation::update : Operation::upsert);
}

std::vector<RowIndex> Bulk::unfit(const Batch& batch) const {
  std::vector<RowIndex> rows;
  std::vector<std::string_view> cells;
  std::string scratch;
  each_line(batch, [&](RowIndex row, std::string_view line, std::string_view send) {
    wire::split_fields(line, fields_, cells);
    bool fits = send.find('\0') == std::string_view::npos;
    for (std::size_t i = 0; i < fields_ && fits; ++i) {
      const Cell cell(cells[i]);
      const Column& column = batch.schema->columns[i];
      const std::string_view text =
          cell.is_null() ? kEmptyText : wire::cell_text(cell, column, scratch);
      fits = !text.empty() && text != kCsvNull;
    }
    if (!fits) rows.push_back(row);
  });
  return rows;
}

std::size_t Bulk::bound(std::string_view line) {
  // A cell may get quotes, its own quotes are doubled, and t is true.
  constexpr std::size_t kCell = 6;
  const auto cells = static_cast<std::size_t>(std::count(line.begin(), line.end(), '\t')) + 1;
  const auto quotes = static_cast<std::size_t>(std::count(line.begin(), line.end(), '"'));
  return line.size() + quotes + kCell * cells + 2;
}

// --- the file --------------------------------------------------------------------------------

std::shared_ptr<const wire::BodySource> Bulk::file_of(const Batch& batch) const {
  if (batch.lines) {
    const std::uint64_t bytes = wire::csv_bytes(*writer_, batch.lines);
    return std::make_shared<wire::CsvSource>(writer_, batch.lines, bytes);
  }
  std::string file;
  writer_->header(file);
  wire::CsvScratch scratch;
  for (const BatchRow& row : batch.rows) writer_->write(file, row.line, scratch, row.send);
  return std::make_shared<wire::TextSource>(std::move(file));
}

/// There is no list of imports: one whose answer is lost can be asked for by nobody, and may be at
/// work for as long as the queue before it is. So its rows are not sent again in this run.
Step Bulk::begin(const Batch& batch) const {
  Step step;
  Call& call = step.calls.emplace_back();
  call.effect = Effect::unkeyed_write;
  call.tag = kQueue;
  call.request.path = kImport;
  call.request.query = "format=csv&lookupField=" + target_.match;
  if (!partition_.empty() && !target_.by_id) {
    call.request.query += "&partitionName=" + wire::percent_encode(partition_);
  }
  const wire::Multipart form =
      wire::make_multipart({{"file", "leads.csv", "text/csv", file_of(batch)}}, batch.trace);
  call.request.content_type = form.content_type;
  call.request.source = form.body;
  return step;
}

bool Bulk::is_ours(const Call& call) { return call.tag == kQueue || call.tag == kFile; }

Step Bulk::reply(const Batch& batch, const Memo& memo, const Call& call,
                 const wire::Reply& reply) const {
  return call.tag == kQueue ? read_queued(batch, reply) : read_file(memo, call, reply);
}

Step Bulk::read_queued(const Batch& batch, const wire::Reply& reply) const {
  const Answer answer = read_answer(reply);
  const json* results = answer.results();
  if (results == nullptr) {
    Step step = settle(answer, reply, all_rows(batch), batch.operation);
    step.jobs_full = is_one_of(answer.refusal.reason.code, kJobsFull);
    return step;
  }
  const std::string id =
      results->size() == 1 ? wire::text_at(results->front(), "batchId") : std::string();
  if (!is_numeric_id(id)) return all_rows_are(batch, Outcome::unknown, unreadable_answer());
  return in_job(std::string(kMemo) + id);
}

// --- the import and its files ----------------------------------------------------------------

Step Bulk::resume(const Batch& batch, const Memo& memo) const {
  if (!import_of(memo).empty()) return in_job(memo);
  return all_rows_are(batch, Outcome::unknown,
                      reason_of("interrupted", "the run ended before the answer was read"));
}

Call Bulk::poll(std::span<const JobBatch> batches) const {
  const std::string id = batches.empty() ? std::string() : import_of(*batches.front().memo);
  return question(std::string(kImports) + id + ".json");
}

Polled Bulk::polled(std::span<const JobBatch> batches, const wire::Reply& reply) const {
  Polled said;
  const Answer answer = read_answer(reply);
  const json* results = answer.results();
  // Ids are good for a week.
  const bool gone = reply.failure == wire::Failure::none && answer.refusal.reason.code == kNoObject;
  if (results == nullptr && !gone) said.common = settle(answer, reply, {}, Operation::upsert);
  said.common.regroup.clear();
  for (const JobBatch& one : batches) {
    const json* status = results != nullptr && results->size() == 1 ? &results->front() : nullptr;
    if (gone) {
      said.steps.push_back(all_rows_are(one.batch, Outcome::unknown,
                                        reason_of("import_gone", "Marketo has no such import")));
    } else if (status != nullptr && wire::text_at(*status, "batchId") == import_of(*one.memo)) {
      said.steps.push_back(read_status(one, *status));
    } else {
      said.steps.push_back(in_job(*one.memo));
    }
  }
  return said;
}

Step Bulk::read_status(const JobBatch& one, const json& status) const {
  const std::string word = wire::text_at(status, "status");
  if (is_one_of(word, kUnderWay)) return in_job(*one.memo);
  const auto imported = count_at(status, "numOfLeadsProcessed");
  const auto failed = count_at(status, "numOfRowsFailed");
  const auto warned = count_at(status, "numOfRowsWithWarning");
  const std::uint64_t rows = one.batch.rows.size();
  const std::string message = wire::text_at(status, "message");
  if (word != kComplete || !imported || !failed || !warned) {
    const bool told = word == kFailed && !message.empty();
    const bool nothing_done = word == kFailed && imported == 0U && failed == 0U;
    if (nothing_done && has_requests_ && has_lines(one.batch)) return by_requests(one.batch);
    return all_rows_are(
        one.batch, Outcome::unknown,
        reason_of("import_failed", told ? message : "the import ended without a word on its rows"));
  }
  // Whether those that failed are counted among the processed ones is told in two ways.
  const bool counted = *failed <= rows && (*imported == rows || *imported + *failed == rows);
  if (!counted) {
    return all_rows_are(one.batch, Outcome::unknown,
                        reason_of("contradictory", "the import counts other rows than were sent"));
  }
  auto results = std::make_shared<ImportResults>(target_, one.batch);
  results->failed = *failed;
  results->warned = *warned;
  if (*warned > 0) results->to_read.push_back(RowFile::warnings);
  if (*failed > 0) results->to_read.push_back(RowFile::failures);
  return next_file(import_of(*one.memo), std::move(results));
}

/// Asks for the next file, or gives what is known once all are read.
Step Bulk::next_file(const std::string& id, std::shared_ptr<ImportResults> results) {
  if (results->to_read.empty()) return results->take();
  const RowFile file = results->to_read.back();
  results->to_read.pop_back();
  Step step;
  Call& call = step.calls.emplace_back();
  const std::string_view name = file == RowFile::failures ? "/failures.json" : "/warnings.json";
  call = question(std::string(kImports).append(id).append(name));
  call.tag = kFile;
  call.request.patience = kFilePatience;
  call.request.sink = std::make_shared<ImportFileSink>(std::move(results), file);
  return step;
}

/// A file that is not read whole is asked for again, from the import on: what was written is
/// written, whatever becomes of this question.
Step Bulk::read_file(const Memo& memo, const Call& call, const wire::Reply& reply) const {
  auto* sink = dynamic_cast<ImportFileSink*>(call.request.sink.get());
  const bool read =
      reply.failure == wire::Failure::none && reply.consumed && sink != nullptr && sink->finish();
  if (read) return next_file(import_of(memo), sink->results());
  Step step = in_job(memo);
  step.pause = read_answer(reply).refusal.judgement.pause;
  return step;
}

}  // namespace tailrace::marketo
