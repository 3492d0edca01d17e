#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "row/line_store.hpp"
#include "row/row_view.hpp"
#include "row/schema.hpp"
#include "wire/rate.hpp"
#include "wire/request.hpp"

namespace tailrace {

/// What is done to the records of a batch. An update skips a record that is not there (code
/// kMissing); an insert rejects one that is; what is to be removed and is gone already is accepted.
enum class Operation : std::uint8_t { upsert, update, insert, delete_, archive, clear };
[[nodiscard]] std::string_view to_text(Operation operation);

/// What one request does at the tool: decides intent, retry, and what a lost reply means.
enum class Effect : std::uint8_t { none, keyed_write, unkeyed_write };

enum class Outcome : std::uint8_t {
  accepted,
  rejected,
  skipped,
  pending,
  unknown,
  retryable,  // proof that nothing happened to this row; never the end of a run
};
[[nodiscard]] std::string_view to_text(Outcome outcome);

/// Position of a row within its batch.
using RowIndex = std::uint32_t;

struct BatchRow {
  /// Encoded row; empty for a removed one, of which only keys are known, and in batches that have
  /// `lines`.
  std::string_view line;
  std::string_view key;    // the sync's key as text, columns joined by U+001F
  std::string_view match;  // the match value as the model has it
  std::string_view destination_id;  // the tool's own id where known, else empty
  /// A byte for each field, '\1' where it is to be sent; empty: all are. The match field always
  /// is. Of no meaning where `line` is empty.
  std::string_view send = {};
};

/// Rows that go in one unit of work. Row n is `rows[n]` for every verdict on it.
struct Batch {
  Operation operation = Operation::upsert;
  const Schema* schema = nullptr;
  std::span<const BatchRow> rows;
  std::string trace;  // unique for the batch in its run; for trace ids and job names
  /// Set for inserts that may be repeated under it (Capabilities::idempotency_ttl): the same for
  /// every attempt of the same rows in the same order.
  std::string idempotency_key = {};
  /// Set where Capabilities::streams: the rows' lines, which are not in memory. A body's source
  /// keeps it.
  std::shared_ptr<const StoredLines> lines = {};
  int attempt = 1;  // how often its rows have gone out in this run, this time included
};

/// Code of a record that is to be updated and that the tool does not have.
inline constexpr std::string_view kMissing = "missing";

struct Reason {
  std::string code;     // the tool's own code where it has one
  std::string message;  // as the tool said it, cut and scrubbed by the caller
  std::string field;    // destination field, may be empty
  bool transient = false;  // worth another try at the next run
};

struct Verdict {
  RowIndex row = 0;
  Outcome outcome = Outcome::unknown;
  Reason reason;
  std::string destination_id;
};

struct Call {
  wire::Request request;
  Effect effect = Effect::keyed_write;
  wire::RateClass rate_class = 0;
  int tag = 0;  // which step of the destination's work this call is
  /// The rows that it writes, where a batch has several such calls at once; empty: every row
  /// without a verdict.
  std::vector<RowIndex> rows = {};
  std::string note = {};  // the destination's own: what it is to know with the answer
};

/// Rows to be tried again as a batch of their own: a bisected half, or another operation.
struct Regroup {
  std::vector<RowIndex> rows;
  Operation operation = Operation::upsert;
};

/// The run cannot go on: the same would happen to every batch.
struct Stop {
  enum class Kind : std::uint8_t { configuration, quota } kind = Kind::configuration;
  std::string message;                      // what failed and what to do
  std::optional<wire::Milliseconds> retry_after;  // quota: when it is back
  bool no_object = false;  // of a question: the tool has no such object
};

/// What resume() gets after a crash: at most 4 KiB, journalled before the calls of its step.
using Memo = std::string;

struct Step {
  std::vector<Verdict> verdicts;
  std::vector<Call> calls;
  std::vector<Regroup> regroup;
  Memo memo;
  wire::Milliseconds wait{0};        // before the calls of this step
  wire::Milliseconds pause{0};  // nothing of this rate class before it has passed (Retry-After)
  bool reauthenticate = false;  // the token is old: one new one, then the same call again
  /// The answer says that the rows still open have been written, and more is to be done: where
  /// that is not, or is refused, they are unknown, and never taken for rows that nothing happened
  /// to.
  bool written = false;
  /// Refused for its rate by an answer whose status does not say so (429 does).
  bool rate_limited = false;
  /// The tool works on the batch by itself, in the job that `memo` names. There are no calls: the
  /// engine has the memo put on record, and asks with poll() until a step says something else.
  bool in_job = false;
  /// The tool has as many jobs as it takes: the rows, retryable, go again once one has ended.
  bool jobs_full = false;
  std::optional<Stop> stop;
  wire::RateHint hint;
};

/// A batch that the tool works on in a job.
struct JobBatch {
  Batch batch;
  const Memo* memo = nullptr;
};

/// What the answer to one poll says.
struct Polled {
  Step common;  // pace, stop: of the request itself; no verdicts and no calls
  std::vector<Step> steps;  // one for each batch that was asked for, in their order
};

/// What values a field takes, where a tool says so.
enum class Takes : std::uint8_t {
  anything,
  number,
  whole_number,
  yes_or_no,
  date,
  moment,  // a date and a time with its zone
  one_of,  // FieldFact::options
  some_of,  // the same, joined by semicolons
};
[[nodiscard]] std::string_view to_text(Takes takes);

/// Ends the name of a fact about any field of a related record: "Owner.*".
inline constexpr std::string_view kAnyField = ".*";

/// A field of an object as the tool describes it.
struct FieldFact {
  std::string name;
  std::string type;  // the tool's word
  std::vector<std::string> options;  // of an enumeration that takes no other value
  Takes takes = Takes::anything;
  std::optional<std::size_t> max_length;  // in characters
  bool writable = true;
  bool required = false;
  bool unique = false;  // may serve as match field
};

/// A question: it changes nothing at the tool, but for `make_fields`.
struct ReadAsk {
  /// `prepare`: what has to be known of the object before its first row is sent. `make_fields`
  /// makes fields, and is content with those that are there already: asked again, it does no harm.
  enum class Kind : std::uint8_t {
    describe,
    account,
    limits,
    by_match,
    all_ids,
    prepare,
    make_fields,
  };
  Kind kind = Kind::describe;
  std::vector<std::string> match = {};  // by_match: normalised match values
  std::vector<FieldFact> make = {};  // make_fields: of Destination::new_field
};

/// A record as the tool has it. Values are text as the tool says it: numbers in their digits, true
/// and false, arrays and objects as JSON; nothing where it has null.
struct Record {
  std::string match;  // normalised, as in ReadAsk::match
  std::string destination_id;
  std::vector<std::pair<std::string, std::optional<std::string>>> fields;
};

/// Next calls, or the answer once there are none.
struct ReadStep {
  std::vector<Call> calls;
  std::vector<FieldFact> fields;  // describe; make_fields: by name alone, what is there now
  std::vector<Record> records;  // by_match, all_ids
  /// by_match: values that the tool says it has no record of. A value that is neither here nor in
  /// `records` once all calls are answered is one of which nothing is known.
  std::vector<std::string> absent;
  std::string account;  // account
  /// prepare: for the destination that the rows are sent by, as `learned` of its object.
  std::string learned;
  std::optional<double> calls_left;
  std::optional<Stop> stop;  // refused, or an answer that makes no sense
  // What an answer says whose status does not (401, 429, 5xx do):
  bool reauthenticate = false;  // the token is old: one new one, then the same call again
  std::optional<wire::Milliseconds> again_after;  // the same call is worth another try then
};

/// Facts that the engine plans with.
struct Capabilities {
  std::vector<Operation> operations;
  std::size_t max_rows = 1;  // rows in one request, the vendor's maximum
  /// Operations that take fewer rows a request than max_rows. A batch that is larger goes in
  /// several requests, each with an idempotency key of its own, derived from the batch's.
  std::vector<std::pair<Operation, std::size_t>> fewer_rows;
  [[nodiscard]] std::size_t rows_of(Operation operation) const;
  std::size_t max_bytes = 1 << 20;  // of a request's body
  /// Bodies are made from Batch::lines while they are sent; due where max_bytes is more than
  /// wire::kMostInMemory. Beside its lines a row takes about half a KB until its batch has ended.
  bool streams = false;
  std::vector<wire::RateRule> rates;  // the vendor's limits for the account
  std::size_t max_in_flight = 8;
  /// Jobs that the account may have queued or at work, all runs together; 0: the tool has no jobs,
  /// or sets no limit. A batch has one job at a time.
  std::size_t max_jobs = 0;
  std::size_t poll_jobs = 1;  // jobs that one request of poll() asks for
  /// resume() goes on from a memo. Where it does not, none is put on record.
  bool resumes = true;
  bool unique_match = true;  // the tool keeps the match field unique
  /// What is inserted belongs to the record that the match value names: without one a row is
  /// invalid. Elsewhere a row's key is enough.
  bool insert_needs_match = false;
  std::vector<ReadAsk::Kind> reads;  // questions that read() answers
  [[nodiscard]] bool answers(ReadAsk::Kind kind) const;
  std::size_t read_rows = 1;  // match values that one request of by_match takes
  /// What by_match says may be older than what was written: enough to compare records, and not to
  /// tell whether an insert without an answer happened.
  bool reads_late = false;
  /// Set: an insert with an idempotency key may be repeated for so long and is applied once.
  std::optional<wire::Milliseconds> idempotency_ttl;
  bool partial_fields = true;  // a write leaves fields alone that it does not name
  /// A write whose answer was lost goes again no sooner: the tool may be at work on it, and make
  /// two records of two requests at once.
  wire::Milliseconds resend_after{0};
};

/// One tool as one object of it is written to: pure, no clock, socket or store; sees `row` and
/// `wire` only. All methods are const and may be called for many batches in any order. The engine
/// asserts that a row gets one definite verdict; no calls left and rows still open means those
/// rows are unknown.
class Destination {
 public:
  virtual ~Destination() = default;

  [[nodiscard]] virtual const Capabilities& capabilities() const = 0;

  /// Replaces `out` by the match value as the tool compares it (case, spaces), from the model's
  /// text. False: the value can never identify a record (empty, blank), and the row is invalid.
  /// Asked for every row of a model: no allocation once `out` has grown.
  [[nodiscard]] virtual bool identity_into(std::string_view match, std::string& out) const = 0;
  [[nodiscard]] std::optional<std::string> identity(std::string_view match) const;

  /// Upper bound of the bytes that this row adds to a body.
  [[nodiscard]] virtual std::size_t row_bytes(const BatchRow& row) const = 0;

  /// How many requests so many rows of one operation take, as a plan tells it. The default: as
  /// few as their number allows.
  [[nodiscard]] virtual std::uint64_t requests_for(Operation operation, std::uint64_t rows) const;
  /// The class that most of these requests are of: whose limits decide how long they take.
  [[nodiscard]] virtual wire::RateClass rate_class_of(Operation /*operation*/) const { return 0; }

  [[nodiscard]] virtual Step begin(const Batch& batch) const = 0;
  [[nodiscard]] virtual Step reply(const Batch& batch, const Memo& memo, const Call& call,
                                   const wire::Reply& reply) const = 0;
  /// After a crash, or a slot given back: continues from the journalled memo. The default for
  /// tools without jobs: every row is unknown.
  [[nodiscard]] virtual Step resume(const Batch& batch, const Memo& memo) const;

  /// The one request that asks for the jobs of several batches (at most capabilities().poll_jobs).
  /// It changes nothing at the tool. Throws std::logic_error where steps are never `in_job`.
  [[nodiscard]] virtual Call poll(std::span<const JobBatch> batches) const;
  /// What its answer says. Without an answer every batch is still `in_job`.
  [[nodiscard]] virtual Polled polled(std::span<const JobBatch> batches,
                                      const wire::Reply& reply) const;

  /// First step of a question, and the next one after each reply (both pointers set, or neither).
  /// Throws std::logic_error for a kind that capabilities().reads does not name.
  [[nodiscard]] virtual ReadStep read(const ReadAsk& ask, const Call* call = nullptr,
                                      const wire::Reply* reply = nullptr) const;

  /// The field that ReadAsk::Kind::make_fields would make for a column which the tool has no field
  /// for; nothing where this object's fields are not made here. Throws std::invalid_argument for a
  /// name that the tool takes for no field's.
  [[nodiscard]] virtual std::optional<FieldFact> new_field(const Column& column) const;

  /// Whether the tool's value of a field is the one that ours is written as, by the tool's own
  /// equality. `column`: of the schema's fields. `ours`: the cell's text (Cell::text); of a NULL it
  /// is not asked. `theirs`: of a Record; nothing also where the record does not have the field.
  /// The default compares texts.
  [[nodiscard]] virtual bool equal_value(std::size_t column, std::string_view ours,
                                         const std::optional<std::string>& theirs) const;
};

}  // namespace tailrace
