#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "destination/connection.hpp"
#include "destination/equality.hpp"
#include "destination/kinds.hpp"
#include "destination/zendesk/answer.hpp"
#include "destination/zendesk/facts.hpp"
#include "destination/zendesk/jobs.hpp"
#include "destination/zendesk/lookup.hpp"
#include "destination/zendesk/membership.hpp"
#include "destination/zendesk/questions.hpp"
#include "destination/zendesk/rates.hpp"
#include "destination/zendesk/tags.hpp"
#include "destination/zendesk/writing.hpp"
#include "wire/json_reader.hpp"
#include "wire/utf8.hpp"

namespace tailrace::zendesk {
namespace {

// Steps of a batch; a single ticket's call has its row for a tag.
enum Tag : int { kLookUp = -1, kQueue = -2, kOrganizations = -3 };

[[nodiscard]] bool skips_verify_email(const nlohmann::json& connection) {
  const auto found = connection.find("skip_verify_email");
  if (found == connection.end() || found->is_null()) return true;
  if (!found->is_boolean()) {
    throw std::invalid_argument("connection: skip_verify_email is true or false");
  }
  return found->get<bool>();
}

[[nodiscard]] std::vector<Operation> operations_of(const Target& target) {
  if (target.by == Match::id) {
    // A ticket that is emptied would be another one.
    if (target.kind == Kind::tickets) return {Operation::update, Operation::delete_};
    return {Operation::update, Operation::delete_, Operation::clear};
  }
  if (target.kind == Kind::tickets) return {Operation::insert};
  if (target.by == Match::email) return {Operation::upsert, Operation::insert};
  return {Operation::upsert, Operation::update, Operation::insert, Operation::delete_,
          Operation::clear};
}

class Zendesk final : public Destination {
 public:
  Zendesk(const nlohmann::json& connection, const nlohmann::json& object, const Schema& schema)
      : target_(text_of(object, "name", ""), schema.columns[schema.match].name),
        writing_(target_, schema, skips_verify_email(connection)),
        membership_(target_, schema),
        match_(schema.match),
        fields_(schema.fields().begin(), schema.fields().end()) {
    can_.operations = operations_of(target_);
    can_.max_rows = kMaxRows;
    can_.max_bytes = kMaxBytes;
    can_.rates = rates_of(connection);
    can_.max_in_flight = max_in_flight_of(connection, can_.max_in_flight);
    can_.reads = {ReadAsk::Kind::describe, ReadAsk::Kind::account, ReadAsk::Kind::all_ids};
    const bool single = can_.operations.front() == Operation::insert;
    if (single) {
      can_.fewer_rows = {{Operation::insert, 1}};
      can_.idempotency_ttl = kIdempotencyTtl;
    } else {
      can_.max_jobs = count_of(connection, "max_jobs", kMaxJobs, kMaxJobs);
      can_.poll_jobs = kPollJobs;
      if (target_.by != Match::email) can_.reads.push_back(ReadAsk::Kind::by_match);
    }
    can_.read_rows = kMaxRows;
  }

  [[nodiscard]] const Capabilities& capabilities() const override { return can_; }

  [[nodiscard]] bool identity_into(std::string_view match, std::string& out) const override {
    return target_.identity_into(match, out);
  }

  [[nodiscard]] std::size_t row_bytes(const BatchRow& row) const override {
    return writing_.bound(row.line) + row.match.size();
  }

  [[nodiscard]] Step begin(const Batch& batch) const override {
    if (target_.kind == Kind::tickets && batch.operation == Operation::insert) {
      Step step;
      for (const RowIndex row : all_rows(batch)) step.calls.push_back(writing_.ticket(batch, row));
      return step;
    }
    if (membership_.concerns(batch.operation)) {
      if (std::optional<Step> asked = membership_.look_up(batch)) {
        for (Call& call : asked->calls) call.tag = kOrganizations;
        return std::move(*asked);
      }
    }
    return start({}, batch, all_rows(batch), {});
  }

  [[nodiscard]] std::uint64_t requests_for(Operation operation, std::uint64_t rows) const override {
    const std::uint64_t batches = Destination::requests_for(operation, rows);
    return membership_.concerns(operation) ? 2 * batches : batches;
  }

  [[nodiscard]] Step reply(const Batch& batch, const Memo& memo, const Call& call,
                           const wire::Reply& reply) const override {
    Step step;
    if (call.tag == kLookUp) {
      step = read_looked_up(batch, call, reply);
    } else if (call.tag == kOrganizations) {
      step = read_organizations(batch, call, reply);
    } else if (call.tag == kQueue) {
      step = read_queued(batch, from_memo(memo).value_or(all_of(batch)), reply);
    } else {
      step = read_ticket(batch, static_cast<RowIndex>(call.tag), reply);
    }
    step.hint = hint_of(reply);
    return step;
  }

  [[nodiscard]] Step resume(const Batch& batch, const Memo& memo) const override {
    return resume_job(batch, memo);
  }
  [[nodiscard]] Call poll(std::span<const JobBatch> batches) const override {
    return ask_for_jobs(batches);
  }
  [[nodiscard]] Polled polled(std::span<const JobBatch> batches,
                              const wire::Reply& reply) const override {
    return read_jobs(target_, batches, reply);
  }

  [[nodiscard]] ReadStep read(const ReadAsk& ask, const Call* call,
                              const wire::Reply* reply) const override {
    if (!can_.answers(ask.kind)) return Destination::read(ask, call, reply);
    return reply == nullptr ? first_questions(target_, ask)
                            : read_answer(target_, fields_, ask, *call, *reply);
  }

  [[nodiscard]] bool equal_value(std::size_t column, std::string_view ours,
                                 const std::optional<std::string>& theirs) const override {
    const Column& field = fields_.at(column);
    if (equal_text(kEquality, field, ours, theirs)) return true;
    if (!theirs) return false;
    // Dates are told as midnight.
    constexpr std::string_view kMidnight = "T00:00:00";
    if (field.type == Type::date && theirs->size() > ours.size()) {
      return theirs->starts_with(ours) && theirs->substr(ours.size()).starts_with(kMidnight);
    }
    return column == match_ && target_.compared(ours) == target_.compared(*theirs);
  }

 private:
  [[nodiscard]] static Sent all_of(const Batch& batch) {
    Sent sent;
    for (const RowIndex row : all_rows(batch)) sent.rows.emplace_back(row, std::string());
    return sent;
  }

  /// Rows on their way, after the organizations that some of them are put into are known.
  [[nodiscard]] Step start(Step step, const Batch& batch, const std::vector<RowIndex>& rows,
                           const KnownRows& organizations) const {
    const bool creates = batch.operation == Operation::insert;
    const bool upserts = batch.operation == Operation::upsert && target_.kind == Kind::users;
    if (!creates && !upserts) return look_up(std::move(step), batch, rows, organizations);
    Sent sent;
    for (const RowIndex row : rows) sent.rows.emplace_back(row, std::string());
    const std::string_view verb = creates ? "create_many" : "create_or_update_many";
    queue(step, writing_.many(batch, sent.rows, verb, organizations), sent);
    return step;
  }

  [[nodiscard]] Step read_organizations(const Batch& batch, const Call& call,
                                        const wire::Reply& reply) const {
    Membership::Organizations told = membership_.read(batch, call, reply);
    if (told.rows.empty()) return std::move(told.step);
    return start(std::move(told.step), batch, told.rows, told.ids);
  }

  /// The memo tells which rows the request is about; the job's name is added by its answer.
  static void queue(Step& step, Call call, const Sent& sent) {
    call.tag = kQueue;
    step.memo = to_memo(sent);
    step.calls.push_back(std::move(call));
  }

  [[nodiscard]] static bool removes(const Batch& batch) {
    return batch.operation == Operation::delete_;
  }

  /// Zendesk's id of a row, where nobody has to be asked for it.
  [[nodiscard]] std::string known_id(const Batch& batch, RowIndex index) const {
    const BatchRow& row = batch.rows[index];
    if (target_.by == Match::id) return target_.compared(row.match);
    return removes(batch) && is_numeric_id(row.destination_id) ? std::string(row.destination_id)
                                                               : std::string();
  }

  /// Updates and removals go by Zendesk's ids; an organization that has none yet is created.
  [[nodiscard]] Step look_up(Step step, const Batch& batch, const std::vector<RowIndex>& going,
                             const KnownRows& organizations) const {
    const Lookup asked = asked_of(batch, going);
    put_aside(step, asked, batch.operation);
    if (asked.rows.empty()) {
      if (!asked.known.empty()) write_known(step, batch, asked.known, organizations);
      return step;
    }
    Call call = show_many(target_, asked.matches);
    call.tag = kLookUp;
    call.note = to_note(organizations);
    if (going.size() < batch.rows.size()) call.rows = going;
    step.calls.push_back(std::move(call));
    return step;
  }

  [[nodiscard]] Lookup asked_of(const Batch& batch, const std::vector<RowIndex>& rows) const {
    return lookup_of(target_, batch, rows, [&](RowIndex row) { return known_id(batch, row); });
  }

  [[nodiscard]] Step read_looked_up(const Batch& batch, const Call& call,
                                    const wire::Reply& reply) const {
    const std::vector<RowIndex> rows = call.rows.empty() ? all_rows(batch) : call.rows;
    LookedUp told = read_lookup(target_, asked_of(batch, rows), batch.operation, reply);
    if (!told.answered) return std::move(told.step);
    take_missing(told.step, batch, told.missing, told.known.empty());
    const KnownRows organizations = known_rows(call.note, batch.rows.size());
    if (!told.known.empty()) write_known(told.step, batch, told.known, organizations);
    return std::move(told.step);
  }

  /// Records that are not there. Those to be created go in a batch of their own, since a batch has
  /// one job at a time.
  void take_missing(Step& step, const Batch& batch, const std::vector<RowIndex>& missing,
                    bool alone) const {
    if (missing.empty()) return;
    switch (batch.operation) {
      case Operation::update:
        give_all(step, missing, Outcome::skipped, reason_of(kMissing, "there is no such record"));
        return;
      case Operation::delete_:
      case Operation::archive:
      case Operation::clear:
        give_all(step, missing, Outcome::accepted,
                 reason_of("already_gone", "there is no record with this match value"));
        return;
      case Operation::upsert:
      case Operation::insert: break;
    }
    if (!alone) {
      step.regroup.push_back({missing, batch.operation});
      return;
    }
    Sent sent;
    for (const RowIndex row : missing) sent.rows.emplace_back(row, std::string());
    queue(step, writing_.many(batch, sent.rows, "create_many"), sent);
  }

  void write_known(Step& step, const Batch& batch, const KnownRows& known,
                   const KnownRows& organizations) const {
    Sent sent;
    sent.rows = known;
    queue(step,
          removes(batch) ? writing_.destroy(known)
                         : writing_.many(batch, known, "update_many", organizations),
          sent);
  }

  /// A ticket that was created under its key before comes back as it was then.
  [[nodiscard]] Step read_ticket(const Batch& batch, RowIndex row, const wire::Reply& reply) const {
    const Refusal refusal = judge(reply);
    if (refusal.judgement.means != AnswerClass::ok) {
      return settle_refusal(refusal, {row}, batch.operation);
    }
    const auto body = wire::read_json(reply);
    const std::string id = body ? wire::text_at(*body, "ticket.id") : std::string();
    Step step;
    if (is_numeric_id(id)) {
      step.verdicts.push_back({row, Outcome::accepted, {}, id});
    } else {
      give_all(step, {row}, Outcome::unknown, unreadable_answer());
    }
    return step;
  }

  Target target_;
  Writing writing_;
  Membership membership_;
  std::size_t match_ = 0;
  std::vector<Column> fields_;
  Capabilities can_;
};

}  // namespace
}  // namespace tailrace::zendesk

namespace tailrace {

std::unique_ptr<Destination> make_zendesk(const nlohmann::json& connection,
                                          const nlohmann::json& object, const Schema& schema) {
  if (zendesk::is_tag(object)) return zendesk::make_tag(connection, object, schema);
  return std::make_unique<zendesk::Zendesk>(connection, object, schema);
}

}  // namespace tailrace
