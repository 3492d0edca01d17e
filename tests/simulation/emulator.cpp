#include "emulator.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <utility>

#include "content.hpp"
#include "dice.hpp"
#include "emulator_draw.hpp"
#include "wire/retry_after.hpp"

namespace tailrace::simulation {
namespace {

std::string keys_text(const Ask& ask) {
  std::vector<std::string_view> keys;
  keys.reserve(ask.rows.size());
  for (const Ask::Row& row : ask.rows) keys.push_back(row.key.empty() ? row.id : row.key);
  std::sort(keys.begin(), keys.end());
  std::string text(to_text(ask.op));
  if (ask.rows.empty()) text += ask.job.empty() ? ask.name : ask.job;
  for (const std::string& job : ask.jobs) text.append(" ").append(job);
  for (const std::string_view key : keys) text.append(" ").append(key);
  return text;
}

/// The form that HTTP prefers; whole seconds, rounded up.
std::string http_date(std::int64_t wall_ms) {
  const std::time_t whole = (wall_ms + 999) / 1000;
  std::tm parts{};
  gmtime_r(&whole, &parts);
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return text.data();
}

/// When it arrives, or the job that it has made takes effect.
std::int64_t due_ms(const Delivery& delivery) {
  return delivery.arrived ? delivery.done_ms : delivery.arrives_ms;
}

std::string in_utf16(const std::string& text) {
  std::string wide = "\xff\xfe";
  for (const char c : text) wide.append(1, c).append(1, '\0');
  return wide;
}

constexpr std::string_view kPage = "<!DOCTYPE html><html><body>One moment, please</body></html>";

}  // namespace

Emulator::Emulator(const Schedule& schedule, std::int64_t wall_ms)
    : schedule_(schedule), language_(make_language(schedule)), wall_ms_(wall_ms) {}

void Emulator::add_foreign(const std::string& key, const std::string& value, std::int64_t now_ms) {
  if (records_.contains(key)) return;
  Record& record = records_[key];
  record = {std::to_string(next_id_++), value, 1, now_ms};
  keys_by_id_[record.id] = key;
}

bool Emulator::fits(const Rule& rule, const Delivery& delivery) const {
  if (rule.op != "*" && rule.op != to_text(delivery.ask.op)) return false;
  if (rule.attempt > 0 && rule.attempt != delivery.attempt) return false;
  if (rule.nth > 0 && rule.nth != delivery.number) return false;
  if (rule.run > 0 && rule.run != delivery.process) return false;
  if (rule.key == "*") return true;
  return std::any_of(delivery.ask.rows.begin(), delivery.ask.rows.end(),
                     [&](const Ask::Row& row) { return resolve(row) == rule.key; });
}

const Rule* Emulator::fate(const Delivery& delivery) const {
  if (!faulty_ || schedule_.rules.empty()) return nullptr;
  for (std::size_t i = 0; i < schedule_.rules.size(); ++i) {
    const Rule& rule = schedule_.rules[i];
    if (!fits(rule, delivery)) continue;
    if (Prf(delivery.fate).with(kRule).with(i).share() < rule.share) return &rule;
  }
  return nullptr;
}

std::size_t Emulator::take(int process, const wire::Request& request, std::int64_t now_ms) {
  Delivery delivery;
  delivery.number = static_cast<int>(log_.size()) + 1;
  delivery.process = process;
  delivery.ask = language_->read(request);
  const std::string keys = keys_text(delivery.ask);
  delivery.attempt = ++attempts_[keys];
  delivery.fate =
      Prf(schedule_.seed).with(keys).with(static_cast<std::uint64_t>(delivery.attempt)).value();
  delivery.sent_ms = now_ms;
  const Rule* rule = fate(delivery);
  delivery.fault = rule == nullptr ? Fault::none : rule->fault;
  plan(delivery, rule);
  log_.push_back(std::move(delivery));
  const std::size_t place = log_.size() - 1;
  if (log_[place].arrives_ms != Delivery::kNever) under_way_.push_back(place);
  return place;
}

void Emulator::lose(Delivery& delivery, wire::Failure failure, std::int64_t after_ms) {
  delivery.reply.failure = failure;
  delivery.reply.failure_text = to_text(delivery.fault);
  delivery.answers_ms = delivery.sent_ms + after_ms;
}

void Emulator::refuse_all(Delivery& delivery, Done done, wire::Reply reply) {
  delivery.arrives_ms = Delivery::kNever;
  delivery.rows.assign(delivery.ask.rows.size(), RowAnswer{done, {}, {}});
  delivery.reply = std::move(reply);
}

void Emulator::add_retry_after(Delivery& delivery, const Rule& rule) {
  if (rule.by_ms == 0) return;
  const std::int64_t now_wall = delivery.answers_ms + wall_ms_;
  std::string value = std::to_string((rule.by_ms + 999) / 1000);
  if (rule.date) value = http_date(now_wall + rule.by_ms);
  const std::chrono::system_clock::time_point wall{std::chrono::milliseconds(now_wall)};
  delivery.reply.headers.push_back({"retry-after", value});
  delivery.reply.retry_after = wire::parse_retry_after(value, wall);
  delivery.not_before_ms = delivery.answers_ms + rule.by_ms;
}

/// When the request takes effect, and when and how the sender learns of it.
void Emulator::plan(Delivery& delivery, const Rule* rule) {
  const auto travel = static_cast<std::int64_t>(1 + draw(delivery, kTravel) % 20);
  const auto service = static_cast<std::int64_t>(1 + draw(delivery, kService) % 80);
  delivery.arrives_ms = delivery.sent_ms + travel;
  delivery.answers_ms = delivery.arrives_ms + service;
  const auto never = [&] { delivery.arrives_ms = Delivery::kNever; };
  const auto late = [&] {
    const auto most = static_cast<std::uint64_t>(rule->by_ms);
    const auto by = static_cast<std::int64_t>(1 + draw(delivery, kLateness) % most);
    delivery.arrives_ms = delivery.sent_ms + by;
  };
  switch (delivery.fault) {
    case Fault::refuse:
      never();
      lose(delivery, wire::Failure::not_sent, travel);
      return;
    case Fault::reset_before: never(); [[fallthrough]];
    case Fault::reset_after: lose(delivery, wire::Failure::lost, travel + service); return;
    case Fault::timeout_before: never(); [[fallthrough]];
    case Fault::timeout_after: lose(delivery, wire::Failure::lost, schedule_.timeout_ms); return;
    case Fault::late:
      late();
      lose(delivery, wire::Failure::lost,
           draw(delivery, kWhich) % 2 == 0 ? schedule_.timeout_ms : travel + service);
      return;
    case Fault::slow_body:
    case Fault::too_large: {
      const bool slow = delivery.fault == Fault::slow_body;
      lose(delivery, slow ? wire::Failure::lost : wire::Failure::too_large,
           slow ? schedule_.timeout_ms : travel + service);
      // What has come of it is no answer, whatever it says.
      delivery.reply.status = 200;
      delivery.reply.body = R"({"results":[],"errors":[],"accepted":9,"status":"COMPLETE"})";
      return;
    }
    case Fault::late_504:
      late();
      delivery.reply = language_->error(504, "error");
      return;
    default: plan_answer(delivery, rule); return;
  }
}

/// Answers that are written before anything has happened, or whatever happens.
void Emulator::plan_answer(Delivery& delivery, const Rule* rule) {
  const auto page = [](int status, std::string body) {
    wire::Reply reply;
    reply.status = status;
    reply.headers = {{"content-type", "text/html"}};
    reply.body = std::move(body);
    return reply;
  };
  const auto nothing = [&](wire::Reply reply) {
    refuse_all(delivery, Done::not_run, std::move(reply));
  };
  switch (delivery.fault) {
    case Fault::throttle:
      nothing(language_->error(429, "throttle"));
      add_retry_after(delivery, *rule);
      return;
    case Fault::quota: nothing(language_->error(429, "quota")); return;
    case Fault::jobs_full: nothing(language_->error(429, "jobs_full")); return;
    case Fault::unauthorized: nothing(language_->error(401, "unauthorized")); return;
    case Fault::field_gone: nothing(language_->error(400, "field_gone")); return;
    case Fault::error_before: nothing(language_->error(500, "error")); return;
    case Fault::redirect:
      nothing(page(307, ""));
      delivery.reply.headers.push_back({"location", "https://elsewhere.example/rows"});
      return;
    case Fault::job_stuck: delivery.stuck_ms = rule->by_ms; return;
    case Fault::readback_lag:
      if (delivery.ask.op == Ask::Op::find) delivery.lag_ms = rule->by_ms;
      return;
    case Fault::error_after: delivery.reply = language_->error(502, "error"); return;
    case Fault::busy_before:
      nothing(language_->error(503, "error"));
      add_retry_after(delivery, *rule);
      return;
    case Fault::busy_after:
      delivery.reply = language_->error(503, "error");
      add_retry_after(delivery, *rule);
      return;
    case Fault::html_before: nothing(page(200, std::string(kPage))); return;
    case Fault::html_after: delivery.reply = page(200, std::string(kPage)); return;
    case Fault::empty_before: nothing(page(200, "")); return;
    case Fault::empty_after: delivery.reply = page(200, ""); return;
    case Fault::ok_false:
      nothing(page(200, R"({"ok":false,"success":false,"error":"not now"})"));
      delivery.reply.headers = {{"content-type", "application/json"}};
      return;
    default: return;  // what it says is known when it has arrived
  }
}

std::optional<std::int64_t> Emulator::next_arrival() const {
  std::optional<std::int64_t> next;
  for (const std::size_t place : under_way_) {
    const std::int64_t at = due_ms(log_[place]);
    if (!next || at < *next) next = at;
  }
  return next;
}

void Emulator::advance(std::int64_t now_ms) {
  for (;;) {
    auto first = under_way_.end();
    for (auto it = under_way_.begin(); it != under_way_.end(); ++it) {
      if (due_ms(log_[*it]) > now_ms) continue;
      if (first == under_way_.end() || due_ms(log_[*it]) < due_ms(log_[*first])) first = it;
    }
    if (first == under_way_.end()) return;
    Delivery& delivery = log_[*first];
    if (delivery.arrived || arrive(delivery)) {
      under_way_.erase(first);
      if (!delivery.job.empty()) complete(delivery);
    }
  }
}

/// False where it made a job, which takes effect later.
bool Emulator::arrive(Delivery& delivery) {
  delivery.arrived = true;
  if (is_job(schedule_.face)) {
    if (delivery.ask.op == Ask::Op::find) {
      answer_question(delivery);
      return true;
    }
    if (schedule_.face == Face::jobs && open_jobs(delivery.arrives_ms) >= schedule_.max_jobs) {
      delivery.rows.assign(delivery.ask.rows.size(), RowAnswer{Done::not_run, {}, {}});
      if (is_untold(delivery)) delivery.reply = language_->error(429, "jobs_full");
      return true;
    }
    make_job(delivery);
    return false;
  }
  const std::string& once = delivery.ask.once;
  const auto before = once.empty() ? done_once_.end() : done_once_.find(once);
  if (before != done_once_.end()) {
    delivery.rows = log_[before->second].rows;  // done already: answered as then
    delivery.replayed = true;
  } else {
    judge_rows(delivery);
    apply(delivery);
    if (delivery.fault == Fault::duplicate && once.empty()) apply(delivery);
    remember(delivery);
  }
  if (is_untold(delivery)) write_answer(delivery);
  return true;
}

void Emulator::end_faults(std::int64_t now_ms) {
  faulty_ = false;
  for (const std::size_t place : under_way_) {
    Delivery& delivery = log_[place];
    if (delivery.arrived) delivery.done_ms = std::min(delivery.done_ms, now_ms);
  }
}

/// A request that was refused may come again under its key; one that did something may not.
void Emulator::remember(const Delivery& delivery) {
  const bool did = std::any_of(delivery.rows.begin(), delivery.rows.end(),
                               [](const RowAnswer& row) { return row.done == Done::applied; });
  if (did && !delivery.ask.once.empty()) {
    done_once_[delivery.ask.once] = static_cast<std::size_t>(delivery.number) - 1;
  }
}

std::string Emulator::key_of(const std::string& id) const {
  const auto found = keys_by_id_.find(id);
  return found == keys_by_id_.end() ? std::string() : found->second;
}

std::string Emulator::resolve(const Ask::Row& row) const {
  return row.key.empty() ? key_of(row.id) : row.key;
}

void Emulator::judge_rows(Delivery& delivery) {
  delivery.rows.assign(delivery.ask.rows.size(), RowAnswer{});
  const std::size_t picked = draw(delivery, kWhich) % delivery.rows.size();
  for (std::size_t i = 0; i < delivery.rows.size(); ++i) {
    RowAnswer& row = delivery.rows[i];
    if (delivery.ask.writes() && is_poison(delivery.ask.rows[i].value)) {
      row.done = Done::refused;
    } else if (delivery.fault == Fault::clash && i == picked && delivery.ask.writes()) {
      row.done = Done::clash;
    } else if (delivery.fault == Fault::lock_row || delivery.fault == Fault::partial) {
      const bool hit = i == picked || draw(delivery, kShare + (i << 8)) % 10 < 4;
      const Done done = delivery.fault == Fault::partial ? Done::not_run : Done::locked;
      if (hit && delivery.ask.op != Ask::Op::find) row.done = done;
    }
  }
  if (!schedule_.refuses_whole || !delivery.ask.writes()) return;
  const auto bad = std::find_if(delivery.rows.begin(), delivery.rows.end(), [](const auto& row) {
    return row.done == Done::refused || row.done == Done::clash;
  });
  if (bad == delivery.rows.end()) return;
  const Done why = bad->done;
  // The batch is refused for one row: that one is wrong, nothing happened to the others.
  for (RowAnswer& row : delivery.rows) {
    if (row.done != Done::refused && row.done != Done::clash) row.done = Done::not_run;
  }
  if (delivery.reply.failure == wire::Failure::none && delivery.reply.status == 0) {
    delivery.reply = language_->refuse_whole(why);
  }
}

void Emulator::apply(Delivery& delivery) {
  for (std::size_t i = 0; i < delivery.rows.size(); ++i) {
    if (delivery.rows[i].done == Done::applied || delivery.rows[i].done == Done::absent) {
      apply_row(delivery, delivery.ask.rows[i], delivery.rows[i]);
    }
  }
}

bool Emulator::sees(const Delivery& delivery, const Record& record) const {
  return record.since_ms + delivery.lag_ms <= delivery.arrives_ms;
}

void Emulator::apply_row(const Delivery& delivery, const Ask::Row& row, RowAnswer& answer) {
  const Ask& ask = delivery.ask;
  const std::string key = resolve(row);
  const auto found = records_.find(key);
  const bool there = found != records_.end();
  if (ask.op == Ask::Op::remove || ask.op == Ask::Op::archive) {
    // A record that was removed and made anew has another id.
    if (there && (row.id.empty() || found->second.id == row.id)) records_.erase(found);
    answer.id = row.id;
    return;
  }
  if (ask.op == Ask::Op::find) {
    const bool seen = there && sees(delivery, found->second);
    answer.done = seen ? Done::applied : Done::absent;
    if (seen) {
      answer.id = found->second.id;
      answer.value = found->second.value;
    }
    return;
  }
  if (!there && (ask.op == Ask::Op::update || ask.op == Ask::Op::clear)) {
    answer.done = Done::absent;
    return;
  }
  if (ask.op == Ask::Op::clear) {
    found->second.value = cleared(found->second.value);
    found->second.ours = false;
    answer.id = found->second.id;
    return;
  }
  Record& record = records_[key];
  if (record.id.empty()) {
    record.id = std::to_string(next_id_++);
    keys_by_id_[record.id] = key;
    record.made = 1;
    record.since_ms = delivery.arrives_ms;
  } else if (ask.op == Ask::Op::insert) {
    ++record.made;  // the tool does not mind two of them
  }
  record.value = written_over(record.value, row);
  record.ours = true;
  answer.id = record.id;
}

void Emulator::write_answer(Delivery& delivery) {
  const Twist twist = twist_of(delivery.fault);
  delivery.reply = language_->answer(delivery.ask, delivery.rows, twist, draw(delivery, kWhich));
  spoil(delivery);
}

/// What is wrong with an answer as text.
void Emulator::spoil(Delivery& delivery) const {
  std::string& body = delivery.reply.body;
  if (delivery.fault == Fault::truncated && !body.empty()) {
    body.resize(draw(delivery, kWhich) % body.size());
  }
  if (delivery.fault == Fault::bad_json && !body.empty()) body += "}{";
  if (delivery.fault == Fault::wrong_charset) body = in_utf16(body);
}

}  // namespace tailrace::simulation
