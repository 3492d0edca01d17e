// Any HTTP API that takes JSON, from its declaration alone.
//
// What a lost answer means hangs on the request's effect. PUT, PATCH and DELETE are repeatable. A
// POST is when the sync's mode is upsert or update: who declares an object for it says that a row
// sent again overwrites the record of its match field, and every changed row relies on that anyway.
// A POST that inserts is not, and is left unknown, unless the object says `idempotent: true`;
// `idempotent: false` makes every write of the object one that is never repeated by itself.
#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "destination/classify.hpp"
#include "destination/connection.hpp"
#include "destination/kinds.hpp"
#include "destination/rest/declaration.hpp"
#include "destination/rest/outcomes.hpp"
#include "destination/settle.hpp"
#include "wire/json_reader.hpp"
#include "wire/json_row.hpp"
#include "wire/utf8.hpp"

namespace tailrace::rest {
namespace {

using std::chrono_literals::operator""s;

constexpr std::size_t kDefaultInFlight = 8;

/// How an API is read that nothing else was declared of: RFC 9110, and what APIs have in common.
/// A 503 is unknown even with Retry-After, and so is a 408: both come from gateways that may have
/// passed the request on.
constexpr std::array kAnswers{
    AnswerRule{200, 299, "", AnswerClass::ok},
    AnswerRule{400, 400, "", AnswerClass::record},
    AnswerRule{401, 401, "", AnswerClass::reauth},
    AnswerRule{402, 403, "", AnswerClass::terminal},
    AnswerRule{404, 404, "", AnswerClass::record},
    AnswerRule{405, 407, "", AnswerClass::terminal},
    AnswerRule{409, 410, "", AnswerClass::record},
    AnswerRule{411, 411, "", AnswerClass::terminal},
    AnswerRule{412, 412, "", AnswerClass::record},
    AnswerRule{413, 414, "", AnswerClass::split},
    AnswerRule{415, 415, "", AnswerClass::terminal},
    AnswerRule{422, 422, "", AnswerClass::record},
    AnswerRule{423, 423, "", AnswerClass::retry, 2s},
    AnswerRule{424, 424, "", AnswerClass::record},
    AnswerRule{425, 425, "", AnswerClass::retry, 1s},
    AnswerRule{426, 426, "", AnswerClass::terminal},
    AnswerRule{429, 429, "", AnswerClass::retry, 1s},
    AnswerRule{431, 431, "", AnswerClass::split},
    AnswerRule{500, 599, "", AnswerClass::unknown},
};

/// Tag of a call about all rows of its batch; of the others the tag is the row.
constexpr int kWholeBatch = -1;

[[nodiscard]] bool removes(Operation operation) {
  return operation == Operation::delete_ || operation == Operation::archive;
}

class Rest final : public Destination {
 public:
  Rest(const nlohmann::json& connection, const nlohmann::json& object, const Schema& schema)
      : declared_(object), rows_(schema, declared_.form), answers_(declared_.statuses) {
    answers_.insert(answers_.end(), kAnswers.begin(), kAnswers.end());
    can_.operations = {Operation::upsert, Operation::update, Operation::insert, Operation::clear};
    if (declared_.delete_method) can_.operations.push_back(Operation::delete_);
    can_.max_rows = declared_.batch_rows;
    can_.max_bytes = declared_.batch_bytes;
    can_.rates = limits_of(connection);
    can_.max_in_flight = max_in_flight_of(connection, kDefaultInFlight);
  }

  [[nodiscard]] const Capabilities& capabilities() const override { return can_; }

  /// Nothing is known of how the API compares: the value as it is, blank ones refused.
  [[nodiscard]] std::optional<std::string> identity(std::string_view match) const override {
    std::string found;
    if (!identity_into(match, found)) return std::nullopt;
    return found;
  }
  [[nodiscard]] bool identity_into(std::string_view match, std::string& out) const override {
    if (wire::trimmed(match).empty()) return false;
    out.assign(match);
    return true;
  }

  [[nodiscard]] std::size_t row_bytes(const BatchRow& row) const override {
    const std::size_t key = row.key.size();
    const std::size_t match = row.match.size();
    const std::size_t envelope = declared_.body.bound(key, match) + 4;  // brackets, a comma
    const std::size_t enough = declared_.batch_bytes / declared_.batch_rows / 2;
    return envelope + declared_.row.bound(key, match) + rows_.bound(row.line, enough) + 6 * match;
  }

  [[nodiscard]] Step begin(const Batch& batch) const override {
    const bool one_by_one = removes(batch.operation) || declared_.batch_rows == 1;
    Step step;
    if (removes(batch.operation) && !declared_.delete_method) {
      throw std::logic_error("rest: object '" + declared_.name + "' declares no delete");
    }
    if (!one_by_one) {
      step.calls.push_back(write_call(batch, all_rows(batch), kWholeBatch));
      return step;
    }
    const Template& path = path_of(batch.operation);
    for (RowIndex i = 0; i < batch.rows.size(); ++i) {
      const std::string key = key_form(batch.rows[i].key);
      const RowValues values{key, batch.rows[i].match};
      const std::string_view refusal = path.refuses(values);
      if (!refusal.empty()) {
        const std::string message = "the key or match value " + std::string(refusal);
        step.verdicts.push_back({i, Outcome::rejected, reason_of("unusable_key", message), {}});
      } else if (removes(batch.operation)) {
        step.calls.push_back(delete_call(values, static_cast<int>(i)));
      } else {
        step.calls.push_back(write_call(batch, {i}, static_cast<int>(i)));
      }
    }
    return step;
  }

  [[nodiscard]] Step reply(const Batch& batch, const Memo& /*memo*/, const Call& call,
                           const wire::Reply& reply) const override {
    const std::vector<RowIndex> rows = rows_of(batch, call);
    const Judgement judgement = classify(answers_, reply, "");
    if (judgement.means == AnswerClass::ok) return read_success(batch, rows, reply);
    const Reason reason = refusal_reason(reply);
    const bool answered = reply.failure == wire::Failure::none;
    const bool missing = answered && (reply.status == 404 || reply.status == 410) &&
                         judgement.means == AnswerClass::record;
    if (missing) return read_missing(batch.operation, rows, reply, reason);
    const int status = answered ? reply.status : 0;
    return settle_refusal(judgement, rows, batch.operation, reason, advice_for(status));
  }

 private:
  [[nodiscard]] const Template& path_of(Operation operation) const {
    return removes(operation) ? declared_.delete_path : declared_.path;
  }

  [[nodiscard]] static std::vector<RowIndex> rows_of(const Batch& batch, const Call& call) {
    if (call.tag == kWholeBatch) return all_rows(batch);
    const auto row = static_cast<RowIndex>(call.tag);
    if (row >= batch.rows.size()) throw std::logic_error("rest: a call of another batch");
    return {row};
  }

  [[nodiscard]] static std::string_view advice_for(int status) {
    if (status == 403) return "The login has no right to do this.";
    if (status == 404) return "Check the connection's base_url and the object's path.";
    if (status == 405 || status == 415) return "Check the object's declaration.";
    return {};
  }

  [[nodiscard]] Effect effect_of(wire::Method method, Operation operation) const {
    if (declared_.idempotent) {
      return *declared_.idempotent ? Effect::keyed_write : Effect::unkeyed_write;
    }
    const bool creates = method == wire::Method::post && operation == Operation::insert;
    return creates ? Effect::unkeyed_write : Effect::keyed_write;
  }

  static void set_path(wire::Request& request, const Template& path, const RowValues& values) {
    std::string address;
    path.append(address, values, [](std::string&) {});
    const std::size_t query = address.find('?');  // of the declaration: a row's are encoded
    if (query != std::string::npos) {
      request.query = address.substr(query + 1);
      address.resize(query);
    }
    request.path = std::move(address);
  }

  [[nodiscard]] Call delete_call(const RowValues& values, int tag) const {
    Call call;
    call.tag = tag;
    call.request.method = *declared_.delete_method;
    call.effect = effect_of(call.request.method, Operation::delete_);
    set_path(call.request, declared_.delete_path, values);
    return call;
  }

  [[nodiscard]] Call write_call(const Batch& batch, const std::vector<RowIndex>& rows,
                                int tag) const {
    Call call;
    call.tag = tag;
    call.request.method = declared_.method;
    call.request.content_type = "application/json";
    call.effect = effect_of(declared_.method, batch.operation);
    wire::RowScratch scratch;
    const auto append_row = [&](std::string& out, RowIndex index) {
      const BatchRow& row = batch.rows[index];
      if (batch.operation == Operation::clear) {
        rows_.write_cleared(out, row.match, scratch);
      } else {
        rows_.write(out, row.line, scratch);
      }
    };
    const BatchRow& first = batch.rows[rows.front()];
    const std::string first_key = key_form(first.key);
    const RowValues first_values{first_key, first.match};
    set_path(call.request, declared_.path, first_values);
    const auto append_rows = [&](std::string& out) {
      if (declared_.object_body) {
        append_row(out, rows.front());
        return;
      }
      out.push_back('[');
      for (const RowIndex index : rows) {
        if (index != rows.front()) out.push_back(',');
        const std::string key = key_form(batch.rows[index].key);
        declared_.row.append(out, {key, batch.rows[index].match},
                             [&](std::string& to) { append_row(to, index); });
      }
      out.push_back(']');
    };
    reserve(call.request.body, batch, rows);
    declared_.body.append(call.request.body, first_values, append_rows);
    return call;
  }

  void reserve(std::string& body, const Batch& batch, const std::vector<RowIndex>& rows) const {
    std::size_t room = 64;
    for (const RowIndex row : rows) room += rows_.bound(batch.rows[row].line);
    body.reserve(room);
  }

  [[nodiscard]] Step read_success(const Batch& batch, const std::vector<RowIndex>& rows,
                                  const wire::Reply& reply) const {
    Step step;
    if (declared_.results && !removes(batch.operation)) {
      step.verdicts = read_results(*declared_.results, reply, batch, rows);
      return step;
    }
    // A status that is declared to mean acceptance needs no second opinion.
    const bool declared = reply.status < 200 || reply.status > 299;
    const Reason reason = declared ? Reason{} : implausible(declared_.answer, reply);
    give_all(step, rows, reason.code.empty() ? Outcome::accepted : Outcome::unknown, reason);
    return step;
  }

  /// 404 and 410. Of a path that names one record: it is gone, or was never there. A page for
  /// people says nothing of a record; where records are made, it says that the address is wrong.
  [[nodiscard]] Step read_missing(Operation operation, const std::vector<RowIndex>& rows,
                                  const wire::Reply& reply, const Reason& reason) const {
    const bool seeks =
        removes(operation) || operation == Operation::update || operation == Operation::clear;
    const bool one_record = rows.size() == 1 && path_of(operation).has_placeholder();
    Judgement judgement{AnswerClass::record, {}};
    if (wire::looks_like_html(reply)) {
      judgement.means = seeks ? AnswerClass::unknown : AnswerClass::terminal;
    } else if (seeks && one_record) {
      const bool skipped = operation == Operation::update;
      Step step;
      give_all(step, rows, skipped ? Outcome::skipped : Outcome::accepted, reason);
      return step;
    }
    return settle_refusal(judgement, rows, operation, reason, advice_for(404));
  }

  Declaration declared_;
  wire::RowWriter rows_;
  std::vector<AnswerRule> answers_;
  Capabilities can_;
};

}  // namespace
}  // namespace tailrace::rest

namespace tailrace {

std::unique_ptr<Destination> make_rest(const nlohmann::json& connection,
                                       const nlohmann::json& object, const Schema& schema) {
  return std::make_unique<rest::Rest>(connection, object, schema);
}

}  // namespace tailrace
