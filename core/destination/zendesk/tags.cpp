#include "destination/zendesk/tags.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>

#include "destination/connection.hpp"
#include "destination/records.hpp"
#include "destination/settle.hpp"
#include "destination/zendesk/answer.hpp"
#include "destination/zendesk/facts.hpp"
#include "destination/zendesk/lookup.hpp"
#include "destination/zendesk/questions.hpp"
#include "destination/zendesk/rates.hpp"
#include "destination/zendesk/target.hpp"
#include "row/ascii.hpp"
#include "wire/json_reader.hpp"
#include "wire/json_writer.hpp"

namespace tailrace::zendesk {
namespace {

using nlohmann::json;

constexpr std::string_view kUserTag = "user_tag:";
constexpr std::string_view kOrganizationTag = "organization_tag:";
constexpr std::string_view kTags = "tags";

// A change's tag is its row.
constexpr int kWhoIsIt = -1;

[[nodiscard]] std::string_view prefix_of(std::string_view name) {
  if (name.starts_with(kUserTag)) return kUserTag;
  return name.starts_with(kOrganizationTag) ? kOrganizationTag : std::string_view();
}

/// In lower case, as Zendesk keeps it.
[[nodiscard]] std::string tag_of(const std::string& name) {
  std::string tag = name.substr(prefix_of(name).size());
  const auto splits = [](char c) {
    return c == ' ' || (c >= '\t' && c <= '\r') || c == ',' || c == '"';
  };
  if (tag.empty() || std::any_of(tag.begin(), tag.end(), splits)) {
    throw std::invalid_argument("object: '" + name +
                                "' names no tag; it is user_tag: or organization_tag: and the "
                                "tag, which is one word, as in user_tag:churn_risk");
  }
  make_lower(tag);
  return tag;
}

[[nodiscard]] Target target_of(const std::string& name, const std::string& match) {
  Target target(prefix_of(name) == kUserTag ? "users" : "organizations", match);
  if (target.by == Match::email) {
    throw std::invalid_argument(
        "match: Zendesk changes the tags of a user by the user's id, and has no list of users by "
        "e-mail address to look it up in: match by external_id or id");
  }
  return target;
}

[[nodiscard]] bool leaves(const Batch& batch) { return batch.operation == Operation::delete_; }

/// Whether a record, or the answer to a change, has the tag; nothing where it tells no tags.
[[nodiscard]] std::optional<bool> has_tag(const json& told, const std::string& tag) {
  const json* tags = wire::member(told, kTags);
  if (tags == nullptr || !tags->is_array()) return std::nullopt;
  return std::any_of(tags->begin(), tags->end(), [&](const json& one) {
    std::string text = wire::scalar_text(one);
    make_lower(text);
    return text == tag;
  });
}

class RecordTag final : public Destination {
 public:
  RecordTag(const json& connection, const json& object, const Schema& schema)
      : tag_(tag_of(text_of(object, "name", ""))),
        target_(target_of(text_of(object, "name", ""), schema.columns[schema.match].name)) {
    if (schema.field_count > 1) {
      throw std::invalid_argument(
          "fields: records that have a tag are named by the match field, and a tag has no other");
    }
    can_.operations = {Operation::upsert, Operation::update, Operation::delete_};
    can_.max_rows = kMaxRows;
    can_.max_bytes = kMaxBytes;
    can_.rates = rates_of(connection);
    can_.max_in_flight = max_in_flight_of(connection, can_.max_in_flight);
    can_.reads = {ReadAsk::Kind::describe, ReadAsk::Kind::account, ReadAsk::Kind::by_match};
    can_.read_rows = kMaxRows;
    can_.resumes = false;
  }

  [[nodiscard]] const Capabilities& capabilities() const override { return can_; }

  [[nodiscard]] bool identity_into(std::string_view match, std::string& out) const override {
    return target_.identity_into(match, out);
  }

  [[nodiscard]] std::size_t row_bytes(const BatchRow& row) const override {
    constexpr std::size_t kEnvelope = 16;  // {"tags":[""]}
    return kEnvelope + 6 * tag_.size() + row.match.size();
  }

  /// Who comes is looked up; who leaves is known since they came.
  [[nodiscard]] std::uint64_t requests_for(Operation operation, std::uint64_t rows) const override {
    const bool asks = operation != Operation::delete_ && target_.by != Match::id;
    return rows + (asks ? Destination::requests_for(operation, rows) : 0);
  }

  [[nodiscard]] Step begin(const Batch& batch) const override {
    Step step;
    const Lookup asked = asked_of(batch);
    put_aside(step, asked, batch.operation);
    if (asked.rows.empty()) {
      change(step, batch, asked.known);
      return step;
    }
    Call& call = step.calls.emplace_back(show_many(target_, asked.matches));
    call.tag = kWhoIsIt;
    return step;
  }

  [[nodiscard]] Step reply(const Batch& batch, const Memo& /*memo*/, const Call& call,
                           const wire::Reply& reply) const override {
    Step step = call.tag == kWhoIsIt ? read_who(batch, reply) : read_changed(batch, call, reply);
    step.hint = hint_of(reply);
    return step;
  }

  /// A record without the tag is none of ours.
  [[nodiscard]] ReadStep read(const ReadAsk& ask, const Call* call,
                              const wire::Reply* reply) const override {
    if (!can_.answers(ask.kind)) return Destination::read(ask, call, reply);
    if (reply == nullptr) return first_questions(target_, ask);
    ReadStep step = read_answer(target_, {}, ask, *call, *reply);
    for (FieldFact& field : step.fields) field.required = false;  // nobody is made
    if (ask.kind != ReadAsk::Kind::by_match || step.records.empty()) return step;
    const auto body = wire::read_json(*reply);
    const Tagged tagged = tagged_in(*body);
    std::erase_if(step.records, [&](const Record& one) {
      const bool lost = std::find(tagged.without.begin(), tagged.without.end(), one.match) !=
                        tagged.without.end();
      if (lost) step.absent.push_back(one.match);
      return lost ||
             std::find(tagged.with.begin(), tagged.with.end(), one.match) == tagged.with.end();
    });
    return step;
  }

  [[nodiscard]] bool equal_value(std::size_t /*column*/, std::string_view ours,
                                 const std::optional<std::string>& theirs) const override {
    return theirs && target_.compared(ours) == target_.compared(*theirs);
  }

 private:
  /// Match values of records that have the tag, and of those that do not.
  struct Tagged {
    std::vector<std::string> with;
    std::vector<std::string> without;
  };

  [[nodiscard]] std::string known_id(const Batch& batch, RowIndex row) const {
    if (target_.by == Match::id) return target_.compared(batch.rows[row].match);
    const std::string_view id = batch.rows[row].destination_id;
    return leaves(batch) && is_numeric_id(id) ? std::string(id) : std::string();
  }

  [[nodiscard]] Lookup asked_of(const Batch& batch) const {
    return lookup_of(target_, batch, all_rows(batch),
                     [&](RowIndex row) { return known_id(batch, row); });
  }

  void change(Step& step, const Batch& batch, const KnownRows& known) const {
    for (const auto& [row, id] : known) {
      Call& call = step.calls.emplace_back();
      call.effect = Effect::keyed_write;
      call.tag = static_cast<int>(row);
      call.rows = {row};
      call.note = id;
      call.request.method = leaves(batch) ? wire::Method::delete_ : wire::Method::put;
      call.request.path = target_.path(id + "/" + std::string(kTags));
      call.request.content_type = "application/json";
      wire::JsonWriter out(call.request.body);
      out.begin_object();
      out.key(kTags);
      out.begin_array();
      out.string(tag_);
      out.end_array();
      out.end_object();
    }
  }

  [[nodiscard]] Step read_who(const Batch& batch, const wire::Reply& reply) const {
    LookedUp told = read_lookup(target_, asked_of(batch), batch.operation, reply);
    if (!told.answered) return std::move(told.step);
    for (const RowIndex row : told.missing) take_missing(told.step, batch, row);
    change(told.step, batch, told.known);
    return std::move(told.step);
  }

  /// Who is not there has no tag to lose, and cannot have one.
  static void take_missing(Step& step, const Batch& batch, RowIndex row) {
    if (leaves(batch)) {
      give_all(step, {row}, Outcome::accepted,
               reason_of("already_gone", "there is no record with this match value"));
    } else {
      give_all(step, {row}, Outcome::skipped, reason_of(kMissing, "there is no such record"));
    }
  }

  [[nodiscard]] Step read_changed(const Batch& batch, const Call& call,
                                  const wire::Reply& reply) const {
    const auto row = static_cast<RowIndex>(call.tag);
    const bool answered = reply.failure == wire::Failure::none;
    const auto body = wire::read_json(reply);
    const bool in_words = body && !read_problem(*body).code.empty();
    Step step;
    if (answered && reply.status == 404 && in_words) {
      take_missing(step, batch, row);
      return step;
    }
    const bool gone_without_words = answered && reply.status == 204 && leaves(batch);
    if (!gone_without_words) {
      const Refusal refusal = judge(reply);
      if (refusal.judgement.means != AnswerClass::ok) {
        return settle_refusal(refusal, {row}, batch.operation);
      }
      const std::optional<bool> has = body ? has_tag(*body, tag_) : std::nullopt;
      if (!has || *has == leaves(batch)) {
        give_all(step, {row}, Outcome::unknown, unreadable_answer());
        return step;
      }
    }
    step.verdicts.push_back({row, Outcome::accepted, {}, call.note});
    return step;
  }

  [[nodiscard]] Tagged tagged_in(const json& body) const {
    Tagged tagged;
    const json* list = records_in(target_, body);
    if (list == nullptr) return tagged;
    for (const json& one : *list) {
      const std::optional<bool> has = has_tag(one, tag_);
      if (!has) continue;
      auto& matches = *has ? tagged.with : tagged.without;
      matches.push_back(target_.compared(wire::text_at(one, target_.match)));
    }
    return tagged;
  }

  std::string tag_;
  Target target_;
  Capabilities can_;
};

}  // namespace

bool is_tag(const json& object) { return !prefix_of(text_of(object, "name", "")).empty(); }

std::unique_ptr<Destination> make_tag(const json& connection, const json& object,
                                      const Schema& schema) {
  return std::make_unique<RecordTag>(connection, object, schema);
}

}  // namespace tailrace::zendesk
