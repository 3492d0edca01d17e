#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "destination/connection.hpp"
#include "destination/equality.hpp"
#include "destination/kinds.hpp"
#include "destination/klaviyo/answer.hpp"
#include "destination/klaviyo/events.hpp"
#include "destination/klaviyo/facts.hpp"
#include "destination/klaviyo/finding.hpp"
#include "destination/klaviyo/imports.hpp"
#include "destination/klaviyo/questions.hpp"
#include "destination/klaviyo/rates.hpp"
#include "wire/json_reader.hpp"
#include "wire/json_writer.hpp"

namespace tailrace::klaviyo {
namespace {

// Steps of a batch besides an import's; a single row's call has the row for a tag, and a look-up
// the first of its rows below kLookUp.
enum Tag : int { kTakeOff = -1, kLookUp = -100 };

[[nodiscard]] std::vector<Operation> operations_of(const Target& target) {
  if (!target.list.empty()) return {Operation::upsert, Operation::update, Operation::delete_};
  std::vector<Operation> all{Operation::update, Operation::delete_, Operation::clear};
  if (!target.by_id) all.insert(all.begin(), {Operation::upsert, Operation::insert});
  return all;
}

[[nodiscard]] bool is_success(const wire::Reply& reply, int status) {
  return reply.failure == wire::Failure::none && reply.status == status;
}

class Klaviyo final : public Destination {
 public:
  Klaviyo(const nlohmann::json& connection, const Target& target, const Schema& schema)
      : target_(target),
        imports_(target_, schema),
        match_(schema.match),
        fields_(schema.fields().begin(), schema.fields().end()) {
    // Around the rows: the document's own members.
    constexpr std::size_t kEnvelope = 512;
    can_.operations = operations_of(target_);
    can_.max_rows = count_of(connection, "batch_rows", kMaxRows, kMaxRows);
    can_.max_bytes = kMaxBytes - kEnvelope;
    can_.rates = rates_of(connection);
    can_.max_in_flight = max_in_flight_of(connection, can_.max_in_flight);
    can_.reads = {ReadAsk::Kind::describe, ReadAsk::Kind::account};
    if (target_.list.empty()) {
      can_.reads.insert(can_.reads.end(), {ReadAsk::Kind::by_match, ReadAsk::Kind::all_ids});
    }
    can_.read_rows = kMaxAny;
    can_.max_jobs = kImportsAtOnce;
    can_.fewer_rows = {{Operation::insert, 1}};
    can_.fewer_rows.emplace_back(Operation::delete_, most_removed());
  }

  [[nodiscard]] const Capabilities& capabilities() const override { return can_; }

  [[nodiscard]] bool identity_into(std::string_view match, std::string& out) const override {
    return target_.identity_into(match, out);
  }

  [[nodiscard]] std::size_t row_bytes(const BatchRow& row) const override {
    // A row that is emptied has its match value alone, escaped, and the names of its fields.
    constexpr std::size_t kEscaped = 6;
    std::size_t names = 0;
    for (const Column& field : fields_) names += field.name.size() + kEscaped;
    return imports_.bound(row.line) + kEscaped * row.match.size() + (row.line.empty() ? names : 0);
  }

  /// What is queued has to be asked for, and rows may have to be looked up.
  [[nodiscard]] std::uint64_t requests_for(Operation operation, std::uint64_t rows) const override {
    const std::uint64_t batches = Destination::requests_for(operation, rows);
    const std::size_t most = std::min(kMaxAny, can_.rows_of(operation));
    const std::uint64_t asked = looks_up(operation) ? (rows + most - 1) / most : 0;
    const bool queued = operation != Operation::insert && operation != Operation::delete_;
    return asked + batches * (queued ? 2 : 1);
  }

  [[nodiscard]] wire::RateClass rate_class_of(Operation operation) const override {
    if (operation == Operation::insert) return kCreate;
    if (operation == Operation::delete_) return target_.list.empty() ? kDelete : kLeave;
    return looks_up(operation) ? kFind : kImport;
  }

  [[nodiscard]] Step begin(const Batch& batch) const override {
    Step step;
    if (looks_up(batch.operation)) {
      look_up(step, batch, 0, {});
      return step;
    }
    if (batch.operation == Operation::insert) {
      for (const RowIndex row : all_rows(batch)) step.calls.push_back(create(batch, row));
      return step;
    }
    Sent sent;
    std::vector<std::string> ids;
    for (const RowIndex row : all_rows(batch)) {
      std::string name = target_.compared(batch.rows[row].match);
      if (name.empty() && batch.operation == Operation::delete_) {
        give_all(step, {row}, Outcome::rejected, nameless());
        continue;
      }
      sent.rows.push_back(row);
      ids.push_back(std::move(name));
    }
    if (!sent.rows.empty()) write(step, batch, std::move(sent), ids);
    return step;
  }

  [[nodiscard]] Step reply(const Batch& batch, const Memo& memo, const Call& call,
                           const wire::Reply& reply) const override {
    Step step;
    if (Imports::is_ours(call)) {
      step = imports_.reply(batch, memo, call, reply);
    } else if (call.tag <= kLookUp) {
      step = read_lookup(batch, memo, static_cast<RowIndex>(kLookUp - call.tag), reply);
    } else if (call.tag == kTakeOff) {
      step = read_taken_off(batch, memo, reply);
    } else if (batch.operation == Operation::insert) {
      step = read_created(batch, static_cast<RowIndex>(call.tag), reply);
    } else {
      step = read_deleted(batch, static_cast<RowIndex>(call.tag), reply);
    }
    step.hint = hint_of(reply);
    return step;
  }

  [[nodiscard]] Step resume(const Batch& batch, const Memo& memo) const override {
    return Imports::resume(batch, memo);
  }
  [[nodiscard]] Call poll(std::span<const JobBatch> batches) const override {
    return Imports::poll(batches);
  }
  [[nodiscard]] Polled polled(std::span<const JobBatch> batches,
                              const wire::Reply& reply) const override {
    return Imports::polled(batches, reply);
  }

  [[nodiscard]] ReadStep read(const ReadAsk& ask, const Call* call,
                              const wire::Reply* reply) const override {
    if (!can_.answers(ask.kind)) return Destination::read(ask, call, reply);
    return reply == nullptr ? first_questions(target_, fields_, ask)
                            : read_answer(target_, fields_, ask, *call, *reply);
  }

  [[nodiscard]] bool equal_value(std::size_t column, std::string_view ours,
                                 const std::optional<std::string>& theirs) const override {
    if (equal_text(kEquality, fields_.at(column), ours, theirs)) return true;
    return column == match_ && theirs && target_.compared(ours) == target_.compared(*theirs);
  }

 private:
  /// A profile is deleted by a request of its own; members are taken off a list together.
  [[nodiscard]] std::size_t most_removed() const {
    if (target_.list.empty()) return 1;
    return target_.by_id ? kMaxMembers : kMaxAny;
  }

  /// An import makes what is not there, members are taken off by Klaviyo's ids, and a deletion
  /// knows no external ids.
  [[nodiscard]] bool looks_up(Operation operation) const {
    if (target_.by_id) return false;
    switch (operation) {
      case Operation::update:
      case Operation::clear: return true;
      case Operation::delete_: return !target_.list.empty() || target_.match == "external_id";
      case Operation::upsert:
      case Operation::insert:
      case Operation::archive: break;
    }
    return false;
  }

  /// The rows that one look-up is about, with their match values; those before `next`.
  struct Asked {
    std::vector<RowIndex> rows;
    std::vector<std::string> matches;
    std::vector<RowIndex> nameless;  // without a match value
    RowIndex next = 0;
  };
  [[nodiscard]] Asked asked_of(const Batch& batch, RowIndex from) const {
    Asked asked;
    asked.next = from;
    for (; asked.next < batch.rows.size() && asked.rows.size() < kMaxAny; ++asked.next) {
      std::string match = target_.compared(batch.rows[asked.next].match);
      if (match.empty()) {
        asked.nameless.push_back(asked.next);
        continue;
      }
      asked.rows.push_back(asked.next);
      asked.matches.push_back(std::move(match));
    }
    const std::size_t fit = that_fit(asked.matches);
    if (fit < asked.rows.size()) {
      asked.next = asked.rows[fit];
      asked.rows.resize(fit);
      asked.matches.resize(fit);
      std::erase_if(asked.nameless, [&](RowIndex row) { return row >= asked.next; });
    }
    return asked;
  }

  /// Asks for rows from `from` on, and writes what was found once there are none left to ask for.
  void look_up(Step& step, const Batch& batch, RowIndex from, Sent found) const {
    Asked asked = asked_of(batch, from);
    give_all(step, asked.nameless, Outcome::rejected, nameless());
    if (asked.rows.empty()) {
      if (!found.rows.empty()) imports_.queue(step, batch, std::move(found));
      return;
    }
    // Ids are not remembered from one answer to the next: they would fill a memo.
    if (batch.operation == Operation::delete_ && asked.next < batch.rows.size()) {
      step.regroup.push_back({rows_from(batch, asked.next), batch.operation});
    }
    step.calls.push_back(find_profiles(target_, asked.matches, target_.match));
    step.calls.back().tag = kLookUp - static_cast<int>(from);
    if (!found.rows.empty()) step.memo = to_memo(found, batch.rows.size());
  }

  [[nodiscard]] static std::vector<RowIndex> rows_from(const Batch& batch, RowIndex from) {
    std::vector<RowIndex> rows = all_rows(batch);
    rows.erase(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(from));
    return rows;
  }

  /// Rows of which nothing is decided where a look-up has no answer: nothing was written yet.
  [[nodiscard]] static std::vector<RowIndex> undecided(const Batch& batch, const Sent& found,
                                                       const Asked& asked) {
    std::vector<RowIndex> rows = found.rows;
    rows.insert(rows.end(), asked.rows.begin(), asked.rows.end());
    if (batch.operation == Operation::delete_) return rows;
    const std::vector<RowIndex> later = rows_from(batch, asked.next);
    rows.insert(rows.end(), later.begin(), later.end());
    return rows;
  }

  [[nodiscard]] Step read_lookup(const Batch& batch, const Memo& memo, RowIndex from,
                                 const wire::Reply& reply) const {
    const Asked asked = asked_of(batch, from);
    Sent sent = from == 0 ? Sent{} : from_memo(memo, batch.rows.size()).value_or(Sent{});
    Refusal refusal = judge(reply);
    std::optional<std::unordered_map<std::string, std::string>> found;
    if (refusal.judgement.means == AnswerClass::ok) {
      const auto body = wire::read_json(reply);
      if (body && reply.status == 200) found = read_ids(target_, *body);
      refusal.reason = unreadable_answer();
    }
    if (!found) {
      return settle_unanswered(std::move(refusal), undecided(batch, sent, asked), batch.operation);
    }
    Step step;
    std::vector<std::string> ids;
    std::vector<RowIndex> missing;
    for (std::size_t i = 0; i < asked.rows.size(); ++i) {
      const auto at = found->find(asked.matches[i]);
      if (at == found->end()) {
        missing.push_back(asked.rows[i]);
      } else {
        sent.rows.push_back(asked.rows[i]);
        ids.push_back(at->second);
      }
    }
    const bool passed_over = batch.operation == Operation::update;
    give_all(step, missing, passed_over ? Outcome::skipped : Outcome::accepted,
             passed_over ? reason_of(kMissing, "there is no such profile") : already_gone());
    if (batch.operation != Operation::delete_) {
      look_up(step, batch, asked.next, std::move(sent));
    } else if (!sent.rows.empty()) {
      write(step, batch, std::move(sent), ids);
    }
    return step;
  }

  [[nodiscard]] static Reason nameless() {
    return reason_of("blank_match", "no match value and no id");
  }

  [[nodiscard]] static Reason already_gone() {
    return reason_of("already_gone", "there is no profile with this match value");
  }

  /// `ids`: Klaviyo's, or match values where no ids are needed; one a row.
  void write(Step& step, const Batch& batch, Sent sent, const std::vector<std::string>& ids) const {
    if (batch.operation != Operation::delete_) {
      imports_.queue(step, batch, std::move(sent));
    } else if (!target_.list.empty()) {
      step.calls.push_back(take_off(ids));
      step.memo = to_memo(sent, batch.rows.size());
    } else {
      for (std::size_t i = 0; i < ids.size(); ++i) {
        step.calls.push_back(remove(ids[i]));
        step.calls.back().tag = static_cast<int>(sent.rows[i]);
      }
    }
  }

  [[nodiscard]] Call create(const Batch& batch, RowIndex row) const {
    Call call = document_of(kCreate, wire::Method::post, std::string(kProfiles));
    call.effect = Effect::unkeyed_write;
    call.tag = static_cast<int>(row);
    wire::RowScratch scratch;
    call.request.body = "{\"data\":";
    imports_.item(call.request.body, batch, row, scratch);
    call.request.body += '}';
    return call;
  }

  [[nodiscard]] Step read_created(const Batch& batch, RowIndex row,
                                  const wire::Reply& reply) const {
    Refusal refusal = judge(reply);
    if (reply.status == 400 && refusal.judgement.means == AnswerClass::terminal) {
      refusal.judgement.means = AnswerClass::record;
    }
    if (refusal.judgement.means != AnswerClass::ok) {
      return settle_refusal(refusal, {row}, batch.operation);
    }
    const auto body = wire::read_json(reply);
    const std::string id = body ? wire::text_at(*body, "data.id") : std::string();
    Step step;
    if (is_success(reply, 201) && is_plain_id(id)) {
      step.verdicts.push_back({row, Outcome::accepted, {}, id});
    } else {
      give_all(step, {row}, Outcome::unknown, unreadable_answer());
    }
    return step;
  }

  /// By an id where one was looked up, else by the match value, which is an e-mail address, a
  /// phone number or an id.
  [[nodiscard]] Call remove(const std::string& name) const {
    Call call = document_of(kDelete, wire::Method::post, std::string(kDeletions));
    const bool by_match = !target_.by_id && target_.match != "external_id";
    wire::JsonWriter out(call.request.body);
    call.request.body =
        R"({"data":{"type":"data-privacy-deletion-job","attributes":{"profile":{"data":)";
    out.begin_object();
    out.key("type");
    out.string("profile");
    if (!by_match) {
      out.key("id");
      out.string(name);
    }
    out.key("attributes");
    out.begin_object();
    if (by_match) {
      out.key(target_.match);
      out.string(name);
    }
    out.end_object();
    out.end_object();
    call.request.body += "}}}}";
    return call;
  }

  [[nodiscard]] Step read_deleted(const Batch& batch, RowIndex row,
                                  const wire::Reply& reply) const {
    Step step;
    if (is_success(reply, 202)) {
      step.verdicts.push_back({row, Outcome::accepted, {}, {}});
      return step;
    }
    return settle_refusal(judge(reply), {row}, batch.operation);
  }

  [[nodiscard]] Call take_off(const std::vector<std::string>& ids) const {
    std::string path(kLists);
    Call call =
        document_of(kLeave, wire::Method::delete_, path.append(target_.list).append(kMembersOf));
    call.tag = kTakeOff;
    std::string& body = call.request.body;
    body = "{\"data\":[";
    for (const std::string& id : ids) {
      body.append(&id == ids.data() ? "" : ",").append(R"({"type":"profile","id":")");
      body.append(id).append("\"}");
    }
    body += "]}";
    return call;
  }

  /// A profile or a list that is gone has no members to take off; one of many fails the request.
  [[nodiscard]] Step read_taken_off(const Batch& batch, const Memo& memo,
                                    const wire::Reply& reply) const {
    const std::vector<RowIndex> rows =
        from_memo(memo, batch.rows.size()).value_or(Sent{{}, all_rows(batch)}).rows;
    Step step;
    if (is_success(reply, 204)) {
      give_all(step, rows, Outcome::accepted, {});
      return step;
    }
    Refusal refusal = judge(reply);
    const bool gone = reply.status == 404 && refusal.judgement.means == AnswerClass::terminal;
    if (gone && rows.size() == 1) {
      give_all(step, rows, Outcome::accepted, already_gone());
      return step;
    }
    if (gone) refusal.judgement.means = AnswerClass::split;
    return settle_refusal(refusal, rows, batch.operation);
  }

  Target target_;
  Imports imports_;
  std::size_t match_ = 0;
  std::vector<Column> fields_;
  Capabilities can_;
};

}  // namespace
}  // namespace tailrace::klaviyo

namespace tailrace {

std::unique_ptr<Destination> make_klaviyo(const nlohmann::json& connection,
                                          const nlohmann::json& object, const Schema& schema) {
  const klaviyo::Target target(text_of(object, "name", ""), schema.columns[schema.match].name);
  if (!target.metric.empty()) return klaviyo::make_events(connection, target, schema);
  return std::make_unique<klaviyo::Klaviyo>(connection, target, schema);
}

}  // namespace tailrace
