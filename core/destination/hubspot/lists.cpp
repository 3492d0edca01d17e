#include "destination/hubspot/lists.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "destination/connection.hpp"
#include "destination/hubspot/facts.hpp"
#include "destination/hubspot/members.hpp"
#include "destination/hubspot/questions.hpp"
#include "destination/hubspot/rates.hpp"
#include "destination/hubspot/target.hpp"
#include "destination/records.hpp"
#include "destination/settle.hpp"
#include "row/ascii.hpp"
#include "wire/json_reader.hpp"
#include "wire/rate_headers.hpp"

namespace tailrace::hubspot {
namespace {

constexpr std::string_view kListPrefix = "list:";

enum ListTag : int { kWhatList = 1, kWhatFields = 2 };

[[nodiscard]] std::string list_id(const nlohmann::json& object) {
  const std::string name = text_of(object, "name", "");
  std::string id = name.substr(kListPrefix.size());
  if (is_numeric_id(id)) return id;
  throw std::invalid_argument("object: '" + name +
                              "' names no HubSpot list; it is list: and the number in the list's "
                              "address, as in list:42");
}

/// "0-1", "2-4711": what stands in the address of the members' records.
[[nodiscard]] bool is_type_id(std::string_view text) {
  const auto plain = [](char c) { return is_digit(c) || c == '-'; };
  return !text.empty() && text.size() <= 32 && std::all_of(text.begin(), text.end(), plain);
}

/// An e-mail address is compared as a contact's before anybody knows what the list is of: it is the
/// contacts' alone that HubSpot keeps unique.
[[nodiscard]] Target target_of(const std::string& type, const std::string& match) {
  Target target(type, match);
  target.match_is_email = match == "email";
  return target;
}

class List final : public Destination {
 public:
  List(const nlohmann::json& connection, const nlohmann::json& object, const Schema& schema)
      : list_(list_id(object)),
        learned_(text_of(object, "learned", "")),
        target_(target_of(learned_, schema.columns[schema.match].name)),
        members_(target_, list_) {
    if (schema.field_count > 1) {
      throw std::invalid_argument(
          "fields: members of a list are named by the match field, and have no other");
    }
    can_.operations = {Operation::upsert, Operation::update, Operation::delete_};
    can_.max_rows = kMembersAtOnce;
    can_.max_bytes = kMaxBytes;
    can_.rates = rates_of(connection);
    can_.max_in_flight = max_in_flight_of(connection, can_.max_in_flight);
    can_.reads = {ReadAsk::Kind::describe, ReadAsk::Kind::account, ReadAsk::Kind::prepare};
    can_.resumes = false;
  }

  [[nodiscard]] const Capabilities& capabilities() const override { return can_; }

  [[nodiscard]] bool identity_into(std::string_view match, std::string& out) const override {
    return target_.identity_into(match, out) && (target_.match != kRecordId || is_numeric_id(out));
  }

  [[nodiscard]] std::size_t row_bytes(const BatchRow& row) const override {
    // {"id":""}, of a look-up, or the id of a member; a match value may be escaped.
    constexpr std::size_t kEnvelope = 48;
    constexpr std::size_t kEscaped = 6;
    return kEnvelope + kEscaped * row.match.size();
  }

  /// Who comes is looked up; who leaves is known since they came.
  [[nodiscard]] std::uint64_t requests_for(Operation operation, std::uint64_t rows) const override {
    const std::uint64_t changes = Destination::requests_for(operation, rows);
    return operation == Operation::delete_ ? changes : changes + (rows + kMaxRows - 1) / kMaxRows;
  }

  [[nodiscard]] Step begin(const Batch& batch) const override {
    if (learned_.empty()) throw std::logic_error("hubspot: a list's members before what they are");
    return members_.begin(batch);
  }

  [[nodiscard]] Step reply(const Batch& batch, const Memo& /*memo*/, const Call& call,
                           const wire::Reply& reply) const override {
    Step step = members_.reply(batch, call, reply);
    step.hint = wire::read_rate_headers(reply);
    return step;
  }

  [[nodiscard]] ReadStep read(const ReadAsk& ask, const Call* call,
                              const wire::Reply* reply) const override {
    if (!can_.answers(ask.kind)) return Destination::read(ask, call, reply);
    if (ask.kind == ReadAsk::Kind::account) {
      return reply == nullptr ? first_questions(target_, {}, ask)
                              : read_answer(target_, ask, *call, *reply);
    }
    if (reply == nullptr) {
      ReadStep step;
      step.calls.push_back(question(std::string(kLists) + list_));
      step.calls.back().tag = kWhatList;
      return step;
    }
    return call->tag == kWhatList ? read_list(ask, *reply) : read_fields(ask, *call, *reply);
  }

 private:
  [[nodiscard]] ReadStep read_list(const ReadAsk& ask, const wire::Reply& reply) const {
    const Refusal refusal = judge(reply);
    if (refusal.judgement.means != AnswerClass::ok) return refused(refusal, reply);
    const auto body = wire::read_json(reply);
    const nlohmann::json* list = body ? wire::member(*body, "list") : nullptr;
    const std::string type = list == nullptr ? "" : wire::text_at(*list, "objectTypeId");
    const std::string processing = list == nullptr ? "" : wire::text_at(*list, "processingType");
    if (!is_type_id(type) || processing.empty()) return senseless_answer("HubSpot");
    ReadStep step;
    if (processing == kDynamic) {
      step.stop = Stop{Stop::Kind::configuration,
                       "HubSpot's list " + list_ +
                           " is DYNAMIC: its filters say who is on it, and nobody else can. Take a "
                           "MANUAL or a SNAPSHOT list",
                       std::nullopt};
    } else if (ask.kind == ReadAsk::Kind::prepare) {
      step.learned = type;
    } else {
      const ReadAsk fields{ReadAsk::Kind::describe, {}};
      step.calls = first_questions(target_of(type, target_.match), {}, fields).calls;
      step.calls.back().tag = kWhatFields;
      step.calls.back().note = type;
    }
    return step;
  }

  [[nodiscard]] ReadStep refused(Refusal refusal, const wire::Reply& reply) const {
    const bool none = reply.status == 404 && refusal.judgement.means == AnswerClass::terminal;
    if (!none) return end_question(refusal);
    ReadStep step;
    step.stop = Stop{};
    step.stop->no_object = true;
    step.stop->message =
        "HubSpot has no list " + list_ + ": the number is the one in the list's address in HubSpot";
    return step;
  }

  /// Nothing of a member is written, so that any property may name it which tells records apart.
  [[nodiscard]] ReadStep read_fields(const ReadAsk& ask, const Call& call,
                                     const wire::Reply& reply) const {
    ReadStep step = read_answer(target_of(call.note, target_.match), ask, call, reply);
    for (FieldFact& field : step.fields) {
      field.writable = true;
      field.takes = Takes::anything;
      field.unique = field.unique || field.name == kRecordId;
    }
    return step;
  }

  std::string list_;
  std::string learned_;
  Target target_;
  Members members_;
  Capabilities can_;
};

}  // namespace

bool is_list(const nlohmann::json& object) {
  return text_of(object, "name", "").starts_with(kListPrefix);
}

std::unique_ptr<Destination> make_list(const nlohmann::json& connection,
                                       const nlohmann::json& object, const Schema& schema) {
  return std::make_unique<List>(connection, object, schema);
}

}  // namespace tailrace::hubspot
