#include "destination/zendesk/membership.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <utility>

#include "destination/settle.hpp"
#include "destination/zendesk/answer.hpp"
#include "destination/zendesk/lookup.hpp"
#include "wire/json_reader.hpp"

namespace tailrace::zendesk {
namespace {

[[nodiscard]] Reason cannot_name(const std::string& field) {
  return reason_of("parent_unnameable",
                   "Zendesk finds organizations by a list that is joined by commas: this value has "
                   "one, or is no id",
                   field);
}

}  // namespace

Membership::Membership(const Target& target, const Schema& schema) : linking_(schema) {
  if (!linking_.is_there()) return;
  const Link& link = linking_.link();
  if (target.kind != Kind::users || link.to != "organizations" || !link.category.empty()) {
    throw std::invalid_argument("associate: Zendesk puts users into organizations, no " +
                                target.object + " into " + link.to);
  }
  organizations_.emplace(link.to, link.by);
}

bool Membership::concerns(Operation operation) const {
  const bool writes = operation == Operation::upsert || operation == Operation::update ||
                      operation == Operation::insert;
  return linking_.is_there() && writes;
}

std::optional<Step> Membership::look_up(const Batch& batch) const {
  std::set<std::string> distinct;
  std::vector<std::string> asked;
  std::vector<std::optional<std::string>> value_of(batch.rows.size());
  const KnownRows values = linking_.values(batch);
  if (values.empty()) return std::nullopt;
  for (const auto& [row, value] : values) {
    std::string match = organizations_->compared(value);
    if (!organizations_->can_ask(match)) match.clear();
    if (!match.empty() && distinct.insert(match).second) asked.push_back(match);
    value_of[row] = std::move(match);
  }
  const std::size_t fit = that_fit(asked, 0);
  const std::set<std::string> later(asked.begin() + static_cast<std::ptrdiff_t>(fit), asked.end());
  asked.resize(fit);
  Step step;
  std::vector<RowIndex> rows;
  std::vector<RowIndex> others;
  for (const RowIndex row : all_rows(batch)) {
    if (value_of[row] && value_of[row]->empty()) {
      step.verdicts.push_back({row, Outcome::rejected, cannot_name(linking_.field()), {}});
    } else {
      (value_of[row] && later.contains(*value_of[row]) ? others : rows).push_back(row);
    }
  }
  if (!others.empty()) step.regroup.push_back({std::move(others), batch.operation});
  if (asked.empty()) {
    // No row that goes on names an organization: they are a batch of their own.
    if (!rows.empty()) step.regroup.push_back({std::move(rows), batch.operation});
    return step;
  }
  Call call = show_many(*organizations_, asked);
  call.rows = std::move(rows);
  step.calls.push_back(std::move(call));
  return step;
}

Membership::Organizations Membership::read(const Batch& batch, const Call& call,
                                           const wire::Reply& reply) const {
  Organizations told;
  Refusal refusal = judge(reply);
  std::optional<Found> found;
  if (refusal.judgement.means == AnswerClass::ok) {
    const auto body = wire::read_json(reply);
    if (body) found = read_found(*organizations_, *body);
    refusal.reason = unreadable_answer();
  }
  if (!found) {
    told.step = settle_unanswered(std::move(refusal), call.rows, batch.operation);
    return told;
  }
  std::vector<const std::string*> value_of(batch.rows.size());
  const KnownRows values = linking_.values(batch);
  for (const auto& [row, value] : values) value_of[row] = &value;
  for (const RowIndex row : call.rows) {
    if (value_of[row] != nullptr) {
      const std::string match = organizations_->compared(*value_of[row]);
      const auto at = found->ids.find(match);
      if (at == found->ids.end() || is_one_of(match, found->twice)) {
        const bool absent = at == found->ids.end();
        told.step.verdicts.push_back(
            {row,
             Outcome::rejected,
             absent ? linking_.missing(*value_of[row])
                    : reason_of("parent_ambiguous", "several organizations have this value",
                                linking_.field()),
             {}});
        continue;
      }
      told.ids.emplace_back(row, at->second);
    }
    told.rows.push_back(row);
  }
  return told;
}

}  // namespace tailrace::zendesk
