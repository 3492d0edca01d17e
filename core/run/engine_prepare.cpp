// What is asked of the destination before the first row goes to it.
#include <utility>

#include "run/account_budget.hpp"
#include "run/engine_session.hpp"
#include "run/new_fields.hpp"
#include "run/questions.hpp"

namespace tailrace {

/// One question, within the limits that all users of the account share.
Answer Engine::ask_tool(Session& session, const Destination& destination, const ReadAsk& question) {
  if (!session.login) make_login(session);
  const auto transport = world_.transport(transport_options(spec_.connection, spec_.user_agent));
  const std::vector<wire::RateRule> rates = rates_of(destination.capabilities(), spec_.connection);
  AccountBudget account(spec_.account, rates, [&](const RateAsk& ask) {
    RateGrant grant;
    session.with_store([&](StateStore& store) { grant = store.draw(ask); });
    return grant;
  });
  Questions questions({destination, *session.login, *transport, *world_.clock, account, cancelled_,
                       session.report.http},
                      spec_.connection, rates);
  Answer answer = questions.ask(question);
  progress_.requests.store(session.report.http.requests, std::memory_order_relaxed);
  account.give_back(world_.clock->now());
  return answer;
}

/// The rows are sent by a destination that has learned of its object what it asks for.
void Engine::prepare(Session& session) {
  if (session.destination->capabilities().answers(ReadAsk::Kind::prepare)) {
    spec_.object["learned"] = ask_first(session, {ReadAsk::Kind::prepare}).learned;
    session.destination = world_.destination(spec_.connection, spec_.object, spec_.schema);
  }
  if (spec_.task != Task::attempt || spec_.try_send) make_fields(session);
}

void Engine::end_unanswered(Session& session, const Answer& answer,
                            const std::string& message) const {
  if (answer.spent) stop_by(session, {Stop::Kind::quota, message, answer.again_after});
  throw Ended(answer.configuration ? Status::config : Status::unfinished, message);
}

/// What is asked before the first row: without an answer nothing is sent.
Answer Engine::ask_first(Session& session, const ReadAsk& question) {
  Answer answer = ask_tool(session, *session.destination, question);
  if (cancelled_.load()) throw Ended(Status::cancelled, "cancelled before anything was sent");
  if (!answer.failure.empty()) {
    end_unanswered(session, answer, answer.failure + ": no row was sent");
  }
  return answer;
}

std::vector<FieldFact> Engine::fields_to_make(Session& session) {
  if (!spec_.create_fields || session.planned() == 0) return {};
  if (!session.described) {
    session.described = ask_first(session, {ReadAsk::Kind::describe}).fields;
  }
  return new_fields(*session.destination, spec_.schema, *session.described);
}

void Engine::make_fields(Session& session) {
  ReadAsk question{ReadAsk::Kind::make_fields};
  question.make = fields_to_make(session);
  if (question.make.empty()) return;
  static_cast<void>(ask_first(session, question));
  std::string names;
  for (const FieldFact& one : question.make) {
    names.append(names.empty() ? "" : ", ").append(one.name).append(" (" + one.type + ")");
  }
  session.report.notes.push_back("fields were made at the tool: " + names);
}

}  // namespace tailrace
