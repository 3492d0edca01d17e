// Any HTTP API that takes JSON, from its declaration alone.
//
// What a lost answer means hangs on the request's effect. Whatever overwrites, empties or takes
// away the record of a match value is repeatable, by any method: who declares it says that a row
// sent again changes nothing more, and every changed row relies on that anyway. An insert is not,
// and is left unknown: a PUT that was applied is refused when it comes again, and the row would be
// called rejected. It is repeatable under an idempotency key, and where the object says
// `idempotent: true`; `idempotent: false` makes every write of the object one that is never
// repeated by itself.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <numeric>
#include <stdexcept>

#include "destination/classify.hpp"
#include "destination/connection.hpp"
#include "destination/equality.hpp"
#include "destination/kinds.hpp"
#include "destination/rest/declaration.hpp"
#include "destination/rest/outcomes.hpp"
#include "destination/settle.hpp"
#include "wire/json_reader.hpp"
#include "wire/json_row.hpp"
#include "wire/rate_headers.hpp"
#include "wire/utf8.hpp"

namespace tailrace::rest {
namespace {

using std::chrono_literals::operator""s;

// A bound: how many of them are used is found out.
constexpr std::size_t kDefaultInFlight = 64;

/// How an API is read that nothing else was declared of: RFC 9110, and what APIs have in common.
/// A 503 is unknown even with Retry-After, and so is a 408: both come from gateways that may have
/// passed the request on.
constexpr std::array kStatuses{
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

class Rest final : public Destination {
 public:
  Rest(const nlohmann::json& connection, const nlohmann::json& object, const Schema& schema)
      : declared_(object),
        rows_(schema, declared_.form),
        fields_(schema.columns.begin(),
                schema.columns.begin() + static_cast<std::ptrdiff_t>(schema.field_count)),
        common_answers_(common_answers(declared_)),
        questions_(declared_.read, declared_.list, fields_, schema.columns[schema.match].name,
                   common_answers_) {
    equality_.empty_is_null = declared_.form.clear == wire::RowForm::Clear::empty_text;
    learn_operations();
    can_.max_bytes = declared_.batch_bytes;
    can_.rates = limits_of(connection);
    can_.max_in_flight = max_in_flight_of(connection, kDefaultInFlight);
    const nlohmann::json* gzip = wire::member(connection, "gzip");
    may_gzip_ = gzip != nullptr && gzip->is_boolean() && gzip->get<bool>();
    can_.partial_fields = declared_.partial;
    can_.reads = questions_.kinds();
    if (declared_.idempotency && declared_.find(Operation::insert) != nullptr) {
      can_.idempotency_ttl = declared_.idempotency->ttl;
    }
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
    std::size_t envelope = 0;
    for (const Operation operation : can_.operations) {
      const Endpoint& endpoint = declared_.at(operation);
      envelope =
          std::max(envelope, endpoint.body.bound(key, match) + endpoint.row.bound(key, match));
    }
    constexpr std::size_t kMarks = 4;  // brackets, a comma
    const std::size_t enough = declared_.batch_bytes / can_.max_rows / 2;
    return envelope + kMarks + rows_.bound(row.line, enough) + 6 * match;
  }

  /// A batch of more rows than the operation's request takes goes in several requests.
  [[nodiscard]] Step begin(const Batch& batch) const override {
    const Endpoint& endpoint = declared_.at(batch.operation);
    Step step;
    for (RowIndex i = 0; i < batch.rows.size(); i += static_cast<RowIndex>(endpoint.batch_rows)) {
      const std::string key = key_form(batch.rows[i].key);
      const std::string_view refusal = endpoint.path.refuses({key, batch.rows[i].match});
      if (refusal.empty()) {
        step.calls.push_back(call_of(batch, endpoint, i));
      } else {
        const std::string message = "the key or match value " + std::string(refusal);
        step.verdicts.push_back({i, Outcome::rejected, reason_of("unusable_key", message), {}});
      }
    }
    return step;
  }

  [[nodiscard]] Step reply(const Batch& batch, const Memo& /*memo*/, const Call& call,
                           const wire::Reply& reply) const override {
    Step step = read_reply(batch, call, reply);
    step.hint = wire::read_rate_headers(reply);
    return step;
  }

  [[nodiscard]] ReadStep read(const ReadAsk& ask, const Call* call,
                              const wire::Reply* reply) const override {
    if (std::find(can_.reads.begin(), can_.reads.end(), ask.kind) == can_.reads.end()) {
      return Destination::read(ask, call, reply);
    }
    return reply == nullptr ? questions_.first(ask) : questions_.next(ask, *call, *reply);
  }

  [[nodiscard]] bool equal_value(std::size_t column, std::string_view ours,
                                 const std::optional<std::string>& theirs) const override {
    return equal_text(equality_, fields_.at(column), ours, theirs);
  }

 private:
  [[nodiscard]] Step read_reply(const Batch& batch, const Call& call,
                                const wire::Reply& reply) const {
    const Endpoint& endpoint = declared_.at(batch.operation);
    const std::vector<RowIndex> rows = rows_of(batch, endpoint, call.tag);
    Judgement judgement = classify(answers_[place_of(batch.operation)], reply, "");
    const Said said = said_of(batch, endpoint, judgement, reply);
    if (said == Said::missing) return missing(batch.operation, rows, refusal_reason(reply));
    if (said == Said::exists) judgement.means = AnswerClass::record;
    if (said == Said::busy) judgement.means = AnswerClass::unknown;
    if (judgement.means == AnswerClass::ok) return read_success(batch, endpoint, rows, reply);
    const bool answered = reply.failure == wire::Failure::none;
    const bool not_there = answered && (reply.status == 404 || reply.status == 410) &&
                           judgement.means == AnswerClass::record;
    if (not_there && wire::looks_like_html(reply)) {
      // A page for people says nothing of a record; where records are made, it says that the
      // address is wrong.
      judgement.means = seeks(batch.operation) ? AnswerClass::unknown : AnswerClass::terminal;
    } else if (not_there && seeks(batch.operation) && endpoint.path.has_placeholder()) {
      return missing(batch.operation, rows, refusal_reason(reply));
    }
    return settle_refusal(judgement, rows, batch.operation, refusal_reason(reply),
                          advice_for(answered ? reply.status : 0));
  }

  /// What the declared words of an answer say of the request as a whole.
  enum class Said : std::uint8_t { nothing, missing, exists, busy };

  /// Takes over what the operations' declarations say of them.
  void learn_operations() {
    for (const Operation operation : kAllOperations) {
      const Endpoint* endpoint = declared_.find(operation);
      if (endpoint == nullptr) continue;
      can_.operations.push_back(operation);
      can_.max_rows = std::max(can_.max_rows, endpoint->batch_rows);
      std::vector<AnswerRule>& answers = answers_[place_of(operation)];
      answers = endpoint->statuses;
      answers.insert(answers.end(), common_answers_.begin(), common_answers_.end());
    }
    for (const Operation operation : can_.operations) {
      const std::size_t rows = declared_.at(operation).batch_rows;
      if (rows < can_.max_rows) can_.fewer_rows.emplace_back(operation, rows);
    }
  }

  [[nodiscard]] static std::vector<AnswerRule> common_answers(const Declaration& declared) {
    std::vector<AnswerRule> answers = declared.statuses;
    answers.insert(answers.end(), kStatuses.begin(), kStatuses.end());
    return answers;
  }

  /// Looks into the answer only where something is declared that could stand there.
  [[nodiscard]] Said said_of(const Batch& batch, const Endpoint& endpoint,
                             const Judgement& judgement, const wire::Reply& reply) const {
    const bool keyed = is_keyed(batch);
    const bool nothing_to_say = endpoint.missing.empty() && endpoint.exists.empty() && !keyed;
    if (nothing_to_say || reply.failure != wire::Failure::none || reply.status >= 500 ||
        wire::looks_like_html(reply)) {
      return Said::nothing;
    }
    const std::vector<std::string> texts = texts_of(reply);
    const auto among = [&texts](const std::vector<std::string>& declared) {
      return std::any_of(texts.begin(), texts.end(), [&](const std::string& text) {
        return std::find(declared.begin(), declared.end(), text) != declared.end();
      });
    };
    // A first request under the same key is still worked on: this one says nothing.
    if (keyed && among(declared_.idempotency->busy)) return Said::busy;
    if (judgement.means == AnswerClass::ok && endpoint.results) return Said::nothing;
    const RowWords words{batch.operation, &endpoint};
    if (words.say_missing(texts)) return Said::missing;
    return words.say_exists(texts) ? Said::exists : Said::nothing;
  }

  /// The rows of a request; its tag is the first of them.
  [[nodiscard]] static std::vector<RowIndex> rows_of(const Batch& batch, const Endpoint& endpoint,
                                                     int tag) {
    const auto first = static_cast<std::size_t>(tag);
    if (tag < 0 || first >= batch.rows.size()) {
      throw std::logic_error("rest: a call of another batch");
    }
    std::vector<RowIndex> rows(std::min(endpoint.batch_rows, batch.rows.size() - first));
    std::iota(rows.begin(), rows.end(), static_cast<RowIndex>(first));
    return rows;
  }

  [[nodiscard]] static std::string_view advice_for(int status) {
    if (status == 403) return "The login has no right to do this.";
    if (status == 404) return "Check the connection's base_url and the object's path.";
    if (status == 405 || status == 415) return "Check the object's declaration.";
    return {};
  }

  [[nodiscard]] bool is_keyed(const Batch& batch) const {
    return declared_.idempotency && batch.operation == Operation::insert &&
           !batch.idempotency_key.empty();
  }

  [[nodiscard]] Effect effect_of(const Batch& batch) const {
    if (is_keyed(batch)) return Effect::keyed_write;
    const bool repeatable = declared_.idempotent.value_or(batch.operation != Operation::insert);
    return repeatable ? Effect::keyed_write : Effect::unkeyed_write;
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

  [[nodiscard]] Call call_of(const Batch& batch, const Endpoint& endpoint, RowIndex first) const {
    const std::vector<RowIndex> rows = rows_of(batch, endpoint, static_cast<int>(first));
    const std::string key = key_form(batch.rows[first].key);
    const RowValues values{key, batch.rows[first].match};
    Call call;
    call.tag = static_cast<int>(first);
    call.effect = effect_of(batch);
    call.request.method = endpoint.method;
    set_path(call.request, endpoint.path, values);
    if (is_keyed(batch)) {
      const bool alone = rows.size() == batch.rows.size();
      const std::string part = alone ? std::string() : "-" + std::to_string(first);
      call.request.headers.push_back({declared_.idempotency->header, batch.idempotency_key + part});
    }
    if (endpoint.has_body) {
      call.request.content_type = "application/json";
      call.request.may_gzip = may_gzip_;
      write_body(call.request.body, batch, endpoint, rows);
    }
    return call;
  }

  void write_body(std::string& body, const Batch& batch, const Endpoint& endpoint,
                  const std::vector<RowIndex>& rows) const {
    std::size_t room = 64;
    for (const RowIndex row : rows) room += rows_.bound(batch.rows[row].line);
    body.reserve(room);
    wire::RowScratch scratch;
    const auto append_row = [&](std::string& out, RowIndex index) {
      const BatchRow& row = batch.rows[index];
      if (batch.operation == Operation::clear) {
        rows_.write_cleared(out, row.match, scratch);
      } else {
        rows_.write(out, row.line, scratch, row.send);
      }
    };
    const std::string first_key = key_form(batch.rows[rows.front()].key);
    const RowValues first{first_key, batch.rows[rows.front()].match};
    endpoint.body.append(body, first, [&](std::string& out) {
      if (endpoint.object_body) {
        append_row(out, rows.front());
        return;
      }
      out.push_back('[');
      for (const RowIndex index : rows) {
        if (index != rows.front()) out.push_back(',');
        const std::string key = key_form(batch.rows[index].key);
        endpoint.row.append(out, {key, batch.rows[index].match},
                            [&](std::string& to) { append_row(to, index); });
      }
      out.push_back(']');
    });
  }

  [[nodiscard]] Step read_success(const Batch& batch, const Endpoint& endpoint,
                                  const std::vector<RowIndex>& rows,
                                  const wire::Reply& reply) const {
    Step step;
    if (endpoint.results) {
      step.verdicts = read_results(endpoint, reply, batch, rows);
      return step;
    }
    // A status that is declared to mean acceptance needs no second opinion.
    const bool declared = reply.status < 200 || reply.status > 299;
    const Reason reason = declared ? Reason{} : implausible(declared_.answer, reply);
    give_all(step, rows, reason.code.empty() ? Outcome::accepted : Outcome::unknown, reason);
    return step;
  }

  /// The answer says that the record is not there; of several rows, not which one it means.
  [[nodiscard]] static Step missing(Operation operation, const std::vector<RowIndex>& rows,
                                    const Reason& reason) {
    if (rows.size() > 1) {
      return settle_refusal({AnswerClass::record, {}}, rows, operation, reason, {});
    }
    Step step;
    step.verdicts.push_back(missing_verdict(rows.front(), operation, reason));
    return step;
  }

  Declaration declared_;
  wire::RowWriter rows_;
  std::vector<Column> fields_;
  std::vector<AnswerRule> common_answers_;
  std::array<std::vector<AnswerRule>, kAllOperations.size()> answers_;
  Questions questions_;
  Equality equality_;
  bool may_gzip_ = false;
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
