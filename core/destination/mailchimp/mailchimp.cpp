#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "destination/connection.hpp"
#include "destination/equality.hpp"
#include "destination/kinds.hpp"
#include "destination/mailchimp/answer.hpp"
#include "destination/mailchimp/facts.hpp"
#include "destination/mailchimp/many.hpp"
#include "destination/mailchimp/questions.hpp"
#include "destination/mailchimp/target.hpp"
#include "destination/records.hpp"
#include "wire/json_reader.hpp"

namespace tailrace::mailchimp {
namespace {

/// A request of many; the tags of all others are of one row: of the request, and of the question
/// that follows a member that is not there.
constexpr int kManyTag = -1;
[[nodiscard]] int tag_of(RowIndex row) { return static_cast<int>(row) * 2; }
[[nodiscard]] int question_tag(int tag) { return tag + 1; }
[[nodiscard]] bool is_question(int tag) { return tag % 2 == 1; }
[[nodiscard]] RowIndex row_of(int tag) { return static_cast<RowIndex>(tag / 2); }

[[nodiscard]] std::vector<wire::RateRule> rates_of(const nlohmann::json& connection) {
  std::vector<wire::RateRule> rates = limits_of(connection);
  if (rates.empty()) {
    wire::RateRule rule;
    rule.name = "connections";
    rule.max_concurrent = kMaxConnections;
    rates.push_back(std::move(rule));
  }
  return rates;
}

/// What a member gets who was not there. There is no choice that would be right for everybody.
[[nodiscard]] std::string status_of(const nlohmann::json& connection) {
  std::string status = text_of(connection, "status_if_new", "");
  if (std::find(kStatuses.begin(), kStatuses.end(), status) != kStatuses.end()) return status;
  throw std::invalid_argument(
      "connection: status_if_new says what new members are: subscribed, "
      "pending, unsubscribed or transactional, not '" +
      status + "'");
}

[[nodiscard]] bool skips_merge_validation(const nlohmann::json& connection) {
  const auto found = connection.find("skip_merge_validation");
  return found != connection.end() && found->is_boolean() && found->get<bool>();
}

[[nodiscard]] wire::RowForm row_form() {
  wire::RowForm form;
  form.numbers = wire::NumberForm::string;
  form.clear = wire::RowForm::Clear::empty_text;
  form.nested = true;
  return form;
}

/// Tags are given to members of a request of many, and to new ones alone in others.
[[nodiscard]] std::vector<Operation> operations_of(const Mapped& mapped) {
  std::vector<Operation> all{Operation::upsert, Operation::insert, Operation::delete_,
                             Operation::archive, Operation::clear};
  if (!mapped.tags) all.push_back(Operation::update);
  return all;
}

[[nodiscard]] bool removes(Operation operation) {
  return operation == Operation::delete_ || operation == Operation::archive;
}

class Mailchimp final : public Destination {
 public:
  Mailchimp(const nlohmann::json& connection, const nlohmann::json& object, const Schema& schema)
      : target_(text_of(object, "name", ""), text_of(object, "list_id", ""),
                schema.columns[schema.match].name),
        mapped_(schema),
        rows_(mapped_.rows, clearable(mapped_.rows, is_kept), row_form()),
        new_rows_(mapped_.new_rows, clearable(mapped_.new_rows, is_kept), row_form()),
        status_if_new_(status_of(connection)),
        skips_merge_validation_(skips_merge_validation(connection)),
        match_(schema.match),
        fields_(schema.fields().begin(), schema.fields().end()) {
    can_.operations = operations_of(mapped_);
    can_.max_rows = kMaxRows;
    for (const Operation operation : {Operation::update, Operation::insert, Operation::delete_,
                                      Operation::archive, Operation::clear}) {
      can_.fewer_rows.emplace_back(operation, 1);
    }
    can_.max_bytes = kMaxBytes;
    can_.rates = rates_of(connection);
    can_.max_in_flight = max_in_flight_of(connection, can_.max_in_flight);
    can_.reads = {ReadAsk::Kind::describe, ReadAsk::Kind::account, ReadAsk::Kind::by_match,
                  ReadAsk::Kind::all_ids};
    can_.resumes = false;
  }

  [[nodiscard]] const Capabilities& capabilities() const override { return can_; }

  [[nodiscard]] bool identity_into(std::string_view match, std::string& out) const override {
    return Target::identity_into(match, out);
  }

  [[nodiscard]] std::size_t row_bytes(const BatchRow& row) const override {
    constexpr std::size_t kEnvelope = 64;  // the status of a new member, and commas
    constexpr std::size_t kEnough = kMaxBytes / kMaxRows / 2;
    return kEnvelope + rows_.bound(row.line, kEnough);
  }

  [[nodiscard]] Step begin(const Batch& batch) const override {
    Step step;
    if (batch.operation == Operation::upsert && !goes_alone(batch)) {
      step.calls.push_back(many(batch));
      return step;
    }
    for (const RowIndex row : all_rows(batch)) {
      step.calls.push_back(single(batch, row));
      step.calls.back().tag = tag_of(row);
    }
    return step;
  }

  [[nodiscard]] Step reply(const Batch& batch, const Memo& /*memo*/, const Call& call,
                           const wire::Reply& reply) const override {
    if (call.tag == kManyTag) {
      return read_many(batch, reply, !mapped_.status && !mapped_.tags);
    }
    const RowIndex row = row_of(call.tag);
    if (is_question(call.tag)) return read_list_there(batch, row, reply);
    if (removes(batch.operation)) return read_archived(batch, row, reply);
    const bool changes =
        batch.operation == Operation::update || batch.operation == Operation::clear;
    if (!changes || !says_not_found(reply)) return read_single(batch, row, reply);
    Step step;
    step.calls.push_back(question(target_.path()));
    step.calls.back().tag = question_tag(call.tag);
    return step;
  }

  [[nodiscard]] ReadStep read(const ReadAsk& ask, const Call* call,
                              const wire::Reply* reply) const override {
    if (!can_.answers(ask.kind)) return Destination::read(ask, call, reply);
    return reply == nullptr ? first_questions(target_, ask)
                            : read_answer(target_, fields_, ask, *call, *reply);
  }

  [[nodiscard]] bool equal_value(std::size_t column, std::string_view ours,
                                 const std::optional<std::string>& theirs) const override {
    if (column == mapped_.status_if_new) return true;  // of the past, where there is a member
    if (equal_text(kEquality, fields_.at(column), ours, theirs)) return true;
    if (!theirs) return false;
    if (column == mapped_.tags) return has_all(*theirs, ours);
    return column == match_ && Target::compared(ours) == Target::compared(*theirs);
  }

 private:
  [[nodiscard]] static bool is_kept(const Column& column) { return !is_merge_field(column.name); }

  /// Tags are added, and others stay.
  [[nodiscard]] static bool has_all(std::string_view theirs, std::string_view ours) {
    const auto held = wire::read_json(theirs);
    const auto given = wire::read_json(ours);
    if (!held || !held->is_array() || !given || !given->is_array()) return false;
    return std::all_of(given->begin(), given->end(), [&](const auto& tag) {
      return std::find(held->begin(), held->end(), tag) != held->end();
    });
  }

  /// A member by itself is put by its address, which is what Mailchimp describes `status_if_new`
  /// for; its tags would be left out.
  [[nodiscard]] bool goes_alone(const Batch& batch) const {
    return batch.rows.size() == 1 && !mapped_.tags;
  }

  /// The status of who is not there yet, where no field has it. Nothing else says `status`: it
  /// would subscribe again whoever has left.
  [[nodiscard]] std::string status_member(std::string_view name) const {
    if (mapped_.status_if_new) return {};
    return std::string("\"").append(name).append("\":\"").append(status_if_new_).append("\",");
  }

  [[nodiscard]] Call written(wire::Method method, std::string path, Effect effect) const {
    Call call;
    call.effect = effect;
    call.request.method = method;
    call.request.path = std::move(path);
    call.request.content_type = "application/json";
    if (skips_merge_validation_) call.request.query = "skip_merge_validation=true";
    return call;
  }

  [[nodiscard]] Call many(const Batch& batch) const {
    Call call = written(wire::Method::post, target_.path(), Effect::keyed_write);
    call.tag = kManyTag;
    std::string& body = call.request.body;
    std::size_t room = 64;
    for (const BatchRow& row : batch.rows) room += row.line.size() + 256;
    body.reserve(room);
    body += "{\"members\":[";
    const std::string status = status_member(kStatusIfNew);
    wire::RowScratch scratch;
    for (const RowIndex row : all_rows(batch)) {
      if (row > 0) body += ',';
      rows_.write(body, batch, row, status, scratch);
    }
    body += "],\"update_existing\":true}";
    return call;
  }

  [[nodiscard]] Call single(const Batch& batch, RowIndex row) const {
    const std::string path = target_.member_path(batch.rows[row].match);
    wire::RowScratch scratch;
    switch (batch.operation) {
      case Operation::insert: {
        Call call = written(wire::Method::post, target_.path("/members"), Effect::unkeyed_write);
        const std::string status = mapped_.status ? std::string() : status_member(kStatus);
        new_rows_.write(call.request.body, batch, row, status, scratch);
        return call;
      }
      case Operation::delete_:
      case Operation::archive: {
        Call call;
        call.request.method = wire::Method::delete_;
        call.request.path = path;
        return call;
      }
      case Operation::upsert: {
        Call call = written(wire::Method::put, path, Effect::keyed_write);
        rows_.write(call.request.body, batch, row, status_member(kStatusIfNew), scratch);
        return call;
      }
      case Operation::update:
      case Operation::clear: break;
    }
    Call call = written(wire::Method::patch, path, Effect::keyed_write);
    write_changes(call.request.body, batch, row, scratch);
    return call;
  }

  /// Without what is of new members alone.
  void write_changes(std::string& body, const Batch& batch, RowIndex row,
                     wire::RowScratch& scratch) const {
    BatchRow one = batch.rows[row];
    std::string send(one.send);
    if (mapped_.status_if_new && !one.line.empty()) {
      if (send.empty()) send.assign(fields_.size(), '\1');
      send[*mapped_.status_if_new] = '\0';
    }
    one.send = send;
    Batch alone = batch;
    alone.rows = {&one, 1};
    rows_.write(body, alone, 0, {}, scratch);
  }

  [[nodiscard]] Step read_single(const Batch& batch, RowIndex row, const wire::Reply& reply) const {
    const Refusal refusal = judge(reply);
    if (refusal.judgement.means != AnswerClass::ok) {
      return settle_refusal(refusal, {row}, batch.operation);
    }
    Step step;
    const auto body = reply.status == 200 ? wire::read_json(reply) : std::nullopt;
    const std::string email = body ? wire::text_at(*body, kMatch) : std::string();
    if (!email.empty() && Target::compared(email) == Target::compared(batch.rows[row].match)) {
      step.verdicts.push_back({row, Outcome::accepted, {}, wire::text_at(*body, "id")});
    } else {
      give_all(step, {row}, Outcome::unknown, unreadable_answer());
    }
    return step;
  }

  /// Whether the member is missing, or the whole audience.
  [[nodiscard]] Step read_list_there(const Batch& batch, RowIndex row,
                                     const wire::Reply& reply) const {
    Refusal refusal = judge(reply);
    const auto body = reply.status == 200 ? wire::read_json(reply) : std::nullopt;
    // The question has nothing of the row in it, whatever the answer says.
    AnswerClass& means = refusal.judgement.means;
    if (means == AnswerClass::record) means = AnswerClass::terminal;
    if (means == AnswerClass::split) means = AnswerClass::retry;
    const bool there =
        means == AnswerClass::ok && body && wire::text_at(*body, "id") == target_.list;
    if (!there) return settle_unanswered(std::move(refusal), {row}, batch.operation);
    Step step;
    if (batch.operation == Operation::clear) {
      give_all(step, {row}, Outcome::accepted, already_gone());
    } else {
      give_all(step, {row}, Outcome::skipped, reason_of(kMissing, "there is no such member"));
    }
    return step;
  }

  [[nodiscard]] static Reason already_gone() {
    return reason_of("already_gone", "there is no member of this address");
  }

  /// Who is archived already, or was never there, is where he should be.
  [[nodiscard]] Step read_archived(const Batch& batch, RowIndex row,
                                   const wire::Reply& reply) const {
    Step step;
    const bool archived_before = reply.failure == wire::Failure::none && reply.status == 405 &&
                                 !read_problem(reply).code.empty();
    if (reply.failure == wire::Failure::none && reply.status == 204) {
      step.verdicts.push_back({row, Outcome::accepted, {}, {}});
    } else if (says_not_found(reply) || archived_before) {
      give_all(step, {row}, Outcome::accepted, already_gone());
    } else {
      return settle_refusal(judge(reply), {row}, batch.operation);
    }
    return step;
  }

  Target target_;
  Mapped mapped_;
  RecordWriter rows_;
  RecordWriter new_rows_;
  std::string status_if_new_;
  bool skips_merge_validation_;
  std::size_t match_ = 0;
  std::vector<Column> fields_;
  Capabilities can_;
};

}  // namespace
}  // namespace tailrace::mailchimp

namespace tailrace {

std::unique_ptr<Destination> make_mailchimp(const nlohmann::json& connection,
                                            const nlohmann::json& object, const Schema& schema) {
  return std::make_unique<mailchimp::Mailchimp>(connection, object, with_trimmed_match(schema));
}

}  // namespace tailrace
