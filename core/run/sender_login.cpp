// Credentials that run out: one renewal for all requests, which then go again.
#include <utility>

#include "run/sender.hpp"

namespace tailrace {
namespace {

using std::chrono::milliseconds;

// The first refusal may be of an old token, and so may the second, where many requests share a
// token that is good for few. Whoever is refused once more while others are not has no right to it.
constexpr int kMostRefusals = 2;

}  // namespace

/// Lets the login work on its token, beside the requests in flight.
void Sender::renew_login() {
  http::Auth& auth = parts_.auth;
  if (!auth.renewable()) return;
  const Clock::Time now = parts_.clock.now();
  const bool waited_for = !ready_.empty() || jobs_due();
  auth.work(now, waited_for && !ending(), milliseconds(0));
  if (auth.failure()) {
    stop({Stop::Kind::configuration, parts_.scrubber.clean(*auth.failure()), std::nullopt});
  }
  const auto failing = auth.failing_since();
  if (!failing) return;
  trouble_ = parts_.scrubber.clean(auth.trouble());
  if (now - *failing >= options_.timing.outage && !given_up_) give_up();
}

/// True where the call was refused for its credentials and is sent once more with others: nothing
/// has happened to its rows. The refused send is closed in the journal, the next gets its own
/// intent.
bool Sender::goes_again(Work& work, PendingCall& pending, const wire::Reply& reply,
                        bool login_refused) {
  if (!parts_.auth.renewable()) return false;
  if (!login_refused) {
    if (reply.failure == wire::Failure::none) parts_.auth.accepted(pending.login);
    return false;
  }
  if (ending()) return false;
  const bool hopeless = pending.refusals >= kMostRefusals || !parts_.auth.refused(pending.login);
  if (hopeless) {
    const std::string why = parts_.auth.failure().value_or(
        "one request was refused with each new token while others were not: check what the app "
        "and its user may do");
    stop({Stop::Kind::configuration,
          "the credentials were refused (HTTP " + std::to_string(reply.status) +
              "): " + parts_.scrubber.clean(why),
          std::nullopt});
    return false;
  }
  if (pending.intent) {
    WorkIntent& intent = work.intents.at(*pending.intent);
    OutcomeBatch refused{intent.seq, intent.batch, intent.sent_at_ms, {}};
    refused.rows.assign(intent.rows.size(), RowResult{RowOutcome::retryable, {}});
    intent.closed = true;
    Piece piece;
    piece.outcomes.push_back(std::move(refused));
    submit(std::move(piece), {});
  }
  ask_intent(work, std::move(pending.call), pending.refusals + 1);
  return true;
}

}  // namespace tailrace
