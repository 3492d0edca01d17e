#include "destination/hubspot/associate.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <unordered_map>

#include "destination/hubspot/facts.hpp"
#include "destination/hubspot/questions.hpp"
#include "wire/json_reader.hpp"
#include "wire/json_writer.hpp"
#include "wire/utf8.hpp"

namespace tailrace::hubspot {
namespace {

using nlohmann::json;

// Beside 0, a write's, and those of removals.
enum LinkTag : int { kParents = 3, kAssociate = 4 };

constexpr char kPairBar = '>';

void append_input(wire::JsonWriter& out, const std::string& from, const std::string& to,
                  const Link& link) {
  out.begin_object();
  for (const auto& [name, id] : {std::pair{"from", &from}, std::pair{"to", &to}}) {
    out.key(name);
    out.begin_object();
    out.key("id");
    out.string(*id);
    out.end_object();
  }
  if (!link.category.empty()) {
    out.key("types");
    out.begin_array();
    out.begin_object();
    out.key("associationCategory");
    out.string(link.category);
    out.key("associationTypeId");
    out.raw(std::to_string(link.type));
    out.end_object();
    out.end_array();
  }
  out.end_object();
}

[[nodiscard]] bool names(const std::vector<std::string>& ids, const std::string& id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

[[nodiscard]] std::vector<std::string> ids_at(const json& error, std::string_view path) {
  std::vector<std::string> ids;
  const json* found = wire::at_path(error, path);
  if (found == nullptr) return ids;
  if (!found->is_array()) return {wire::scalar_text(*found)};
  for (const json& one : *found) ids.push_back(wire::scalar_text(one));
  return ids;
}

/// An error and the records that it names.
struct Refused {
  explicit Refused(const json& error)
      : problem(read_problem(error)),
        from(ids_at(error, "context.fromObjectId")),
        to(ids_at(error, "context.toObjectId")),
        either(ids_at(error, "context.objectId")) {
    either.insert(either.end(), problem.ids.begin(), problem.ids.end());
  }

  [[nodiscard]] bool is_nameless() const { return from.empty() && to.empty() && either.empty(); }
  [[nodiscard]] bool is_about(const std::string& record, const std::string& parent) const {
    if (!from.empty() && !names(from, record)) return false;
    if (!to.empty() && !names(to, parent)) return false;
    if (!from.empty() || !to.empty()) return true;
    return names(either, record) || names(either, parent);
  }

  Problem problem;
  std::vector<std::string> from;
  std::vector<std::string> to;
  std::vector<std::string> either;
};

/// From and to of one result: the default's and a type's are told in two forms.
[[nodiscard]] std::pair<std::string, std::string> result_pair(const json& result) {
  std::pair pair(wire::text_at(result, "from.id"), wire::text_at(result, "to.id"));
  if (pair.first.empty()) pair.first = wire::text_at(result, "fromObjectId");
  if (pair.second.empty()) pair.second = wire::text_at(result, "toObjectId");
  return pair;
}

}  // namespace

/// What an answer says of the pairs that were asked for.
struct Associating::Answer {
  explicit Answer(const json& body) {
    const json* results = wire::member(body, "results");
    if (results != nullptr && results->is_array()) {
      for (const json& one : *results) made.insert(result_pair(one));
    }
    const json* errors = wire::member(body, "errors");
    if (errors == nullptr || !errors->is_array()) return;
    for (const json& one : *errors) {
      Refused refused(one);
      (refused.is_nameless() ? nameless : named).push_back(std::move(refused));
    }
  }

  [[nodiscard]] bool has(const Pair& pair) const { return made.contains({pair.from, pair.to}); }
  [[nodiscard]] const Refused* error_of(const Pair& pair) const {
    const auto found = std::find_if(named.begin(), named.end(), [&](const Refused& one) {
      return one.is_about(pair.from, pair.to);
    });
    return found == named.end() ? nullptr : &*found;
  }

  std::set<std::pair<std::string, std::string>> made;
  std::vector<Refused> named;
  std::vector<Refused> nameless;
};

Associating::Associating(const Target& target, const Schema& schema)
    : target_(target), linking_(schema) {
  if (linking_.is_there()) parents_.emplace(linking_.link().to, linking_.link().by);
}

bool Associating::concerns(Operation operation) const {
  if (!linking_.is_there()) return false;
  if (operation == Operation::insert) {
    throw std::logic_error("associate is for modes that may write a record twice");
  }
  return operation == Operation::upsert || operation == Operation::update;
}

bool Associating::is_lookup(const Call& call) { return call.tag == kParents; }

bool Associating::is_association(const Call& call) { return call.tag == kAssociate; }

std::optional<Call> Associating::look_up(const Batch& batch) const {
  std::set<std::string> asked;
  for (const auto& [row, value] : linking_.values(batch)) asked.insert(parents_->compared(value));
  if (asked.empty()) return std::nullopt;
  ReadAsk ask;
  ask.kind = ReadAsk::Kind::by_match;
  ask.match.assign(asked.begin(), asked.end());
  Call call = std::move(first_questions(*parents_, {parents_->match}, ask).calls.front());
  call.tag = kParents;
  return call;
}

Associating::Parents Associating::read_parents(const Batch& batch, const wire::Reply& reply) const {
  const KnownRows values = linking_.values(batch);
  ReadAsk ask;
  ask.kind = ReadAsk::Kind::by_match;
  for (const auto& [row, value] : values) ask.match.push_back(parents_->compared(value));
  Parents parents;
  Refusal refusal = judge(reply);
  ReadStep told;
  if (refusal.judgement.means == AnswerClass::ok) {
    told = read_answer(*parents_, ask, Call{}, reply);
    refusal.reason = unreadable_answer();
  }
  if (refusal.judgement.means != AnswerClass::ok || told.stop) {
    parents.step = settle_unanswered(std::move(refusal), all_rows(batch), batch.operation);
    return parents;
  }
  std::unordered_map<std::string, std::string> ids;
  for (const Record& one : told.records) ids.emplace(one.match, one.destination_id);
  std::vector<bool> ends(batch.rows.size());
  for (const auto& [row, value] : values) {
    const std::string match = parents_->compared(value);
    const auto found = ids.find(match);
    if (found != ids.end() && is_numeric_id(found->second)) {
      parents.ids.emplace_back(row, found->second);
      continue;
    }
    const bool absent = names(told.absent, match);
    parents.step.verdicts.push_back({row,
                                     absent ? Outcome::rejected : Outcome::retryable,
                                     absent ? linking_.missing(value) : not_in_answer(),
                                     {}});
    ends[row] = true;
  }
  for (const RowIndex row : all_rows(batch)) {
    if (!ends[row]) parents.rows.push_back(row);
  }
  return parents;
}

void Associating::associate(Step& step, const KnownRows& parents) const {
  std::unordered_map<RowIndex, std::string> to(parents.begin(), parents.end());
  Pairs pairs;
  std::erase_if(step.verdicts, [&](const Verdict& verdict) {
    const auto parent = to.find(verdict.row);
    if (verdict.outcome != Outcome::accepted || parent == to.end()) return false;
    if (!is_numeric_id(verdict.destination_id)) return false;
    pairs.push_back({verdict.row, verdict.destination_id, parent->second});
    return true;
  });
  for (Verdict& verdict : step.verdicts) {
    if (verdict.outcome != Outcome::accepted || !to.contains(verdict.row)) continue;
    verdict.outcome = Outcome::unknown;
    verdict.reason = unreadable_answer();
  }
  if (pairs.empty()) return;
  step.written = true;
  step.calls.push_back(call_for(pairs));
}

Call Associating::call_for(const Pairs& pairs) const {
  const Link& link = linking_.link();
  Call call;
  call.tag = kAssociate;
  std::string& path = call.request.path;
  path = kAssociations;
  wire::append_percent_encoded(path, target_.type);
  path += '/';
  wire::append_percent_encoded(path, link.to);
  path += link.category.empty() ? "/batch/associate/default" : "/batch/create";
  call.request.content_type = "application/json";
  KnownRows note;
  wire::JsonWriter out(call.request.body);
  out.begin_object();
  out.key("inputs");
  out.begin_array();
  for (const Pair& pair : pairs) {
    append_input(out, pair.from, pair.to, link);
    note.emplace_back(pair.row, pair.from + kPairBar + pair.to);
    call.rows.push_back(pair.row);
  }
  out.end_array();
  out.end_object();
  call.note = to_note(note);
  return call;
}

Associating::Pairs Associating::pairs_of(const Call& call, std::size_t rows) {
  Pairs pairs;
  for (const auto& [row, ids] : known_rows(call.note, rows)) {
    const std::size_t bar = ids.find(kPairBar);
    if (bar != std::string::npos) pairs.push_back({row, ids.substr(0, bar), ids.substr(bar + 1)});
  }
  return pairs;
}

void Associating::halve(Step& step, const Pairs& pairs) const {
  const auto middle = pairs.begin() + static_cast<std::ptrdiff_t>(pairs.size() / 2);
  step.calls.push_back(call_for({pairs.begin(), middle}));
  step.calls.push_back(call_for({middle, pairs.end()}));
}

Verdict Associating::refused(const Pair& pair, const Problem& problem) const {
  Verdict verdict{pair.row, Outcome::rejected, {}, {}};
  verdict.reason = reason_of(problem.code,
                             "the record is written, its link to " + linking_.link().to + " " +
                                 pair.to + " was refused: " + problem.message,
                             linking_.field());
  verdict.reason.transient = problem.category == kNotFound;
  const auto is_of = [&](const RowRule& rule) { return rule.category == problem.category; };
  const bool nobodys = std::any_of(kRowErrors.begin(), kRowErrors.end(), is_of);
  if (nobodys || problem.code.empty()) verdict.outcome = Outcome::unknown;
  return verdict;
}

Step Associating::read_associated(const Batch& batch, const Call& call,
                                  const wire::Reply& reply) const {
  const Pairs pairs = pairs_of(call, batch.rows.size());
  const Refusal refusal = judge(reply);
  switch (refusal.judgement.means) {
    case AnswerClass::ok: return read_pairs(pairs, reply);
    case AnswerClass::record:
    case AnswerClass::split: return read_refusal(pairs, reply, refusal);
    case AnswerClass::retry: {
      if (reply.failure != wire::Failure::none) break;
      Step step;
      step.pause = refusal.judgement.pause;
      step.calls.push_back(call);
      return step;
    }
    default: break;
  }
  Step step = settle_refusal(refusal, call.rows, batch.operation);
  for (Verdict& verdict : step.verdicts) verdict.outcome = Outcome::unknown;  // it is written
  return step;
}

Step Associating::read_pairs(const Pairs& pairs, const wire::Reply& reply) const {
  Step step;
  const auto body = wire::read_json(reply);
  if (!body || wire::text_at(*body, "status") != kComplete) {
    for (const Pair& pair : pairs) {
      step.verdicts.push_back({pair.row, Outcome::unknown, unreadable_answer(), {}});
    }
    return step;
  }
  const Answer answer(*body);
  Pairs open;
  std::copy_if(pairs.begin(), pairs.end(), std::back_inserter(open), [&](const Pair& pair) {
    return !answer.has(pair) && answer.error_of(pair) == nullptr;
  });
  for (const Pair& pair : pairs) settle(step, pair, answer, open);
  // Errors that name no record: the pairs that nothing is said of are asked for in halves.
  if (!answer.nameless.empty() && open.size() > 1) halve(step, open);
  return step;
}

void Associating::settle(Step& step, const Pair& pair, const Answer& answer,
                         const Pairs& open) const {
  const Refused* error = answer.error_of(pair);
  if (answer.has(pair)) {
    Verdict verdict{pair.row, Outcome::accepted, {}, pair.from};
    if (error != nullptr) {
      verdict.outcome = Outcome::unknown;
      verdict.reason = reason_of("contradictory", "the link is both among results and errors");
    }
    step.verdicts.push_back(std::move(verdict));
  } else if (error != nullptr) {
    step.verdicts.push_back(refused(pair, error->problem));
  } else if (answer.nameless.empty()) {
    step.verdicts.push_back({pair.row, Outcome::unknown, not_in_answer(), {}});
  } else if (open.size() == 1) {
    step.verdicts.push_back(refused(pair, answer.nameless.front().problem));
  }
}

/// A request that was refused whole. Its records are there, so that what is wrong is one that is
/// gone since, or the kind of link itself.
Step Associating::read_refusal(const Pairs& pairs, const wire::Reply& reply,
                               const Refusal& refusal) const {
  Step step;
  const auto body = wire::read_json(reply);
  const Refused whole(body ? *body : json());
  Pairs others;
  for (const Pair& pair : pairs) {
    if (!whole.is_nameless() && whole.is_about(pair.from, pair.to)) {
      step.verdicts.push_back(refused(pair, whole.problem));
      step.verdicts.back().reason.transient = true;
    } else {
      others.push_back(pair);
    }
  }
  if (!step.verdicts.empty()) {
    if (!others.empty()) step.calls.push_back(call_for(others));
  } else if (refusal.judgement.means == AnswerClass::record && whole.is_nameless()) {
    for (const Pair& pair : pairs) {
      step.verdicts.push_back({pair.row, Outcome::unknown, refusal.reason, {}});
    }
    step.stop = stop_for(Stop::Kind::configuration, refusal.reason,
                         "Check associate: HubSpot does not take such a link.");
  } else if (pairs.size() > 1) {
    halve(step, pairs);
  } else {
    for (const Pair& pair : pairs) step.verdicts.push_back(refused(pair, whole.problem));
  }
  return step;
}

}  // namespace tailrace::hubspot
