#include "destination/klaviyo/events.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "destination/connection.hpp"
#include "destination/klaviyo/answer.hpp"
#include "destination/klaviyo/event_writer.hpp"
#include "destination/klaviyo/facts.hpp"
#include "destination/klaviyo/questions.hpp"
#include "destination/klaviyo/rates.hpp"
#include "wire/json_reader.hpp"
#include "wire/utf8.hpp"

namespace tailrace::klaviyo {
namespace {

/// The field that an error of an event points at, by the name that it is mapped by.
[[nodiscard]] std::string field_at(std::string_view pointer) {
  constexpr std::string_view kAttributesOf = "attributes/";
  const bool of_profile = pointer.starts_with(kEventProfilePointer);
  const std::string_view place = of_profile ? kEventProfilePointer : kEventPointer;
  if (!pointer.starts_with(place)) return {};
  pointer.remove_prefix(place.size());
  if (pointer.starts_with(kAttributesOf)) pointer.remove_prefix(kAttributesOf.size());
  std::string field(pointer);
  std::replace(field.begin(), field.end(), '/', '.');
  return field;
}

/// The first error that is about the row's own values. What is wrong with the metric, or with
/// the request as a whole, is wrong with every row's.
[[nodiscard]] const Problem* about_the_row(const std::vector<Problem>& problems) {
  const Problem* found = nullptr;
  for (const Problem& one : problems) {
    if (one.pointer.starts_with(kMetricPointer)) return nullptr;
    if (found == nullptr && one.pointer.starts_with(kEventPointer)) found = &one;
  }
  return found;
}

/// 202 has no body; one that says otherwise is not Klaviyo's.
[[nodiscard]] bool is_taken(const wire::Reply& reply) {
  if (reply.failure != wire::Failure::none || reply.status != 202) return false;
  if (wire::trimmed(reply.body).empty()) return true;
  const auto body = wire::read_json(reply);
  return body && wire::member(*body, "errors") == nullptr;
}

class Events final : public Destination {
 public:
  Events(const nlohmann::json& connection, const Target& target, const Schema& schema)
      : target_(target),
        writer_(target, schema),
        fields_(schema.fields().begin(), schema.fields().end()) {
    can_.operations = {Operation::insert};
    can_.max_rows = 1;
    can_.max_bytes = kMaxBytes;
    can_.rates = rates_of(connection);
    can_.max_in_flight = max_in_flight_of(connection, can_.max_in_flight);
    can_.reads = {ReadAsk::Kind::describe, ReadAsk::Kind::account};
    can_.idempotency_ttl = kUniqueIdTtl;
    can_.insert_needs_match = true;
  }

  [[nodiscard]] const Capabilities& capabilities() const override { return can_; }

  [[nodiscard]] bool identity_into(std::string_view match, std::string& out) const override {
    return target_.identity_into(match, out);
  }

  [[nodiscard]] std::size_t row_bytes(const BatchRow& row) const override {
    return writer_.bound(row.line);
  }

  [[nodiscard]] wire::RateClass rate_class_of(Operation) const override { return kTrack; }

  [[nodiscard]] Step begin(const Batch& batch) const override {
    Step step;
    for (const RowIndex row : all_rows(batch)) {
      if (target_.compared(batch.rows[row].match).empty()) {
        give_all(step, {row}, Outcome::rejected,
                 reason_of("blank_match", "an event of nobody: there is no match value"));
      } else {
        step.calls.push_back(track(batch, row));
      }
    }
    return step;
  }

  [[nodiscard]] Step reply(const Batch& batch, const Memo&, const Call& call,
                           const wire::Reply& reply) const override {
    Step step = read_tracked(batch, static_cast<RowIndex>(call.tag), reply);
    step.hint = hint_of(reply);
    return step;
  }

  [[nodiscard]] ReadStep read(const ReadAsk& ask, const Call* call,
                              const wire::Reply* reply) const override {
    if (!can_.answers(ask.kind)) return Destination::read(ask, call, reply);
    return reply == nullptr ? first_questions(target_, fields_, ask)
                            : read_answer(target_, fields_, ask, *call, *reply);
  }

 private:
  [[nodiscard]] Call track(const Batch& batch, RowIndex row) const {
    Call call = document_of(kTrack, wire::Method::post, std::string(kEvents));
    const bool keyed = !batch.idempotency_key.empty();
    if (!keyed) call.effect = Effect::unkeyed_write;
    call.tag = static_cast<int>(row);
    std::string unique_id = keyed ? batch.idempotency_key : batch.trace;
    if (batch.rows.size() > 1) unique_id.append("-").append(std::to_string(row));
    writer_.write(call.request.body, batch, row, unique_id);
    return call;
  }

  [[nodiscard]] Step read_tracked(const Batch& batch, RowIndex row,
                                  const wire::Reply& reply) const {
    Step step;
    if (is_taken(reply)) {
      step.verdicts.push_back({row, Outcome::accepted, {}, {}});
      return step;
    }
    Refusal refusal = judge(reply);
    if (refusal.judgement.means == AnswerClass::ok) refusal.reason = unreadable_answer();
    if (refusal.judgement.means == AnswerClass::terminal) take_row_refusal(refusal, reply);
    return settle_refusal(refusal, {row}, batch.operation);
  }

  /// A refusal of status 400 or 404 may be about the row alone, or about the profile of its id.
  void take_row_refusal(Refusal& refusal, const wire::Reply& reply) const {
    if (reply.status == 404) refusal.advice = {};
    if (reply.status != 400 && reply.status != 404) return;
    const std::vector<Problem> problems = problems_in(reply);
    const Problem* found = about_the_row(problems);
    const bool no_profile = reply.status == 404 && target_.by_id;
    if (found == nullptr && !no_profile) return;
    refusal.judgement.means = AnswerClass::record;
    if (found == nullptr) return;
    refusal.reason = reason_of(found->code, found->detail, field_at(found->pointer));
  }

  Target target_;
  EventWriter writer_;
  std::vector<Column> fields_;
  Capabilities can_;
};

}  // namespace

std::unique_ptr<Destination> make_events(const nlohmann::json& connection, const Target& target,
                                         const Schema& schema) {
  return std::make_unique<Events>(connection, target, schema);
}

}  // namespace tailrace::klaviyo
