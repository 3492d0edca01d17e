#include "mutants.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "run/mutant.hpp"

namespace tailrace {
namespace {

void accept(Step& step) {
  for (Verdict& verdict : step.verdicts) {
    verdict.outcome = Outcome::accepted;
    verdict.reason = {};
  }
}

/// The n-th result of an answer taken for that of the n-th row.
void match_by_position(const wire::Reply& reply, Step& step) {
  const nlohmann::json body = nlohmann::json::parse(reply.body, nullptr, false);
  if (!body.is_object() || !body.contains("results")) return;
  const nlohmann::json& results = body.at("results");
  for (Verdict& verdict : step.verdicts) {
    if (verdict.row >= results.size()) continue;
    const bool done = results.at(verdict.row).value("status", 200) == 200;
    verdict.outcome = done ? Outcome::accepted : Outcome::rejected;
    verdict.reason = {};
  }
}

[[nodiscard]] bool removes(Operation operation) {
  return operation == Operation::delete_ || operation == Operation::archive;
}

}  // namespace

void misread(Operation operation, const Call& call, const wire::Reply& reply, Step& step) {
  if (call.effect == Effect::none) return;
  const bool lost = reply.failure == wire::Failure::lost;
  const bool success = reply.failure == wire::Failure::none && reply.status / 100 == 2;
  const bool says_no = reply.body.find("\"ok\":false") != std::string::npos;
  const bool told = std::any_of(step.verdicts.begin(), step.verdicts.end(),
                                [](const auto& row) { return row.outcome != Outcome::unknown; });
  if (mutant(3) && success && told) accept(step);
  if (mutant(4) && success && reply.body.starts_with('<')) accept(step);
  if (mutant(5) && lost) accept(step);
  if (mutant(6) && lost && removes(operation)) accept(step);
  if (mutant(15) && success && says_no) accept(step);
  if (mutant(20) && success) match_by_position(reply, step);
}

namespace simulation {

const std::vector<Mutant>& all_mutants() {
  static const std::vector<Mutant> mutants{
      {1, "state advanced before the send"},
      {2, "no intent journal"},
      {3, "rows of a 207 taken as accepted"},
      {4, "HTML with status 200 taken as accepted"},
      {5, "timeout taken as accepted"},
      {6, "timed-out delete taken as done"},
      {7, "no guard against an empty model"},
      {8, "doubt ended by the first acceptance"},
      {9, "insert sent again without a look"},
      {10, "rejected rows recorded as delivered"},
      {11, "no epoch fence"},
      {12, "takeover without quiet time"},
      {13, "guard looks at acknowledged keys only"},
      {14, "no send_by check"},
      {15, "200 with an error body taken as accepted"},
      {16, "no guard on the share of removed rows"},
      {17, "lease not renewed while reading"},
      {18, "commit without an answer taken as done"},
      {19, "rejected row held back when its row or the mapping changes"},
      {20, "results matched by position"},
      {21, "fold takes open intents"},
      {22, "batch of inserts split after it was in doubt"},
      {23, "rows to be updated are upserted"},
      {24, "appended row sent again for a doubt about another version"},
      {25, "rows to be archived or cleared are deleted"},
      {26, "only the first of the changed fields sent"},
      {27, "changed rows sent with all their fields"},
      {28, "no cap on the tool's jobs"},
      {29, "fields of another version taken for the acknowledged ones"},
      {30, "one idempotency key for a version that is appended again"},
      {31, "parked row ends the doubt about its other versions"},
      {32, "parked row forgotten when another version is refused"},
      {33, "rejected row held back that a person has had tried again"},
      {34, "rows that come twice taken for gone"},
      {35, "shard takes what its siblings have counted of another model"},
      {36, "doubt about an insert ended when its refused row is tried again"},
  };
  return mutants;
}

void choose_mutant(int number) { chosen_mutant = number; }

}  // namespace simulation
}  // namespace tailrace
