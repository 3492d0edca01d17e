// The words of a schedule.
#include <array>
#include <stdexcept>

#include "schedule.hpp"

namespace tailrace::simulation {
namespace {

/// A table has its values in their order from zero.
template <typename Value>
struct Named {
  Value value;
  std::string_view name;
};

constexpr std::array kFaults{
    Named{Fault::none, "none"},
    Named{Fault::refuse, "refuse"},
    Named{Fault::reset_before, "reset_before"},
    Named{Fault::reset_after, "reset_after"},
    Named{Fault::timeout_before, "timeout_before"},
    Named{Fault::timeout_after, "timeout_after"},
    Named{Fault::late, "late"},
    Named{Fault::late_504, "late_504"},
    Named{Fault::duplicate, "duplicate"},
    Named{Fault::throttle, "throttle"},
    Named{Fault::error_before, "error_before"},
    Named{Fault::error_after, "error_after"},
    Named{Fault::busy_before, "busy_before"},
    Named{Fault::busy_after, "busy_after"},
    Named{Fault::unauthorized, "unauthorized"},
    Named{Fault::quota, "quota"},
    Named{Fault::lock_row, "lock_row"},
    Named{Fault::partial, "partial"},
    Named{Fault::clash, "clash"},
    Named{Fault::missing, "missing"},
    Named{Fault::extra, "extra"},
    Named{Fault::shuffled, "shuffled"},
    Named{Fault::contradict, "contradict"},
    Named{Fault::html_before, "html_before"},
    Named{Fault::html_after, "html_after"},
    Named{Fault::ok_false, "ok_false"},
    Named{Fault::empty_before, "empty_before"},
    Named{Fault::empty_after, "empty_after"},
    Named{Fault::truncated, "truncated"},
    Named{Fault::bad_json, "bad_json"},
    Named{Fault::field_gone, "field_gone"},
    Named{Fault::redirect, "redirect"},
    Named{Fault::wrong_charset, "wrong_charset"},
    Named{Fault::slow_body, "slow_body"},
    Named{Fault::too_large, "too_large"},
    Named{Fault::readback_lag, "readback_lag"},
    Named{Fault::job_stuck, "job_stuck"},
    Named{Fault::job_failed, "job_failed"},
    Named{Fault::job_partial_results, "job_partial_results"},
    Named{Fault::jobs_full, "jobs_full"},
};

constexpr std::array kFaces{
    Named{Face::rest_list, "rest_list"},
    Named{Face::rest_errors, "rest_errors"},
    Named{Face::rest_single, "rest_single"},
    Named{Face::hubspot, "hubspot"},
    Named{Face::job, "job"},
    Named{Face::jobs, "jobs"},
};

constexpr std::array kModes{
    Named{Mode::upsert, "upsert"},
    Named{Mode::update, "update"},
    Named{Mode::insert, "insert"},
    Named{Mode::append, "append"},
};

constexpr std::array kRemovals{
    Named{OnRemoved::ignore, "ignore"},
    Named{OnRemoved::delete_, "delete"},
    Named{OnRemoved::archive, "archive"},
    Named{OnRemoved::clear, "clear"},
};

constexpr std::array kSafeties{
    Named{InsertSafety::idempotency_key, "idempotency_key"},
    Named{InsertSafety::read_back, "read_back"},
    Named{InsertSafety::park, "park"},
    Named{InsertSafety::duplicate_ok, "duplicate_ok"},
};

/// The value of that name; throws std::invalid_argument where there is none.
template <typename Table>
auto value_of(const Table& table, std::string_view name) {
  for (const auto& one : table) {
    if (one.name == name) return one.value;
  }
  throw std::invalid_argument("schedule: nothing is named '" + std::string(name) + "'");
}

template <typename Table, typename Value>
std::string_view name_of(const Table& table, Value value) {
  return table.at(static_cast<std::size_t>(value)).name;
}

/// The table's values from the one at `first` on.
template <typename Table>
auto values_of(const Table& table, std::size_t first = 0) {
  std::vector<decltype(table.front().value)> values;
  for (std::size_t i = first; i < table.size(); ++i) values.push_back(table[i].value);
  return values;
}

}  // namespace

std::string_view to_text(Fault fault) { return name_of(kFaults, fault); }

Fault fault_of(std::string_view name) { return value_of(kFaults, name); }

const std::vector<Fault>& all_faults() {
  static const std::vector<Fault> faults = values_of(kFaults, 1);  // behind none
  return faults;
}

std::string_view to_text(Face face) { return name_of(kFaces, face); }

Face face_of(const std::string& name) { return value_of(kFaces, name); }

const std::vector<Face>& all_faces() {
  static const std::vector<Face> faces = values_of(kFaces);
  return faces;
}

std::string_view to_text(Mode mode) { return name_of(kModes, mode); }

Mode mode_of(const std::string& name) { return value_of(kModes, name); }

std::string_view to_text(OnRemoved on_removed) { return name_of(kRemovals, on_removed); }

OnRemoved removal_of(const std::string& name) { return value_of(kRemovals, name); }

std::string_view to_text(InsertSafety safety) { return name_of(kSafeties, safety); }

InsertSafety safety_of(const std::string& name) { return value_of(kSafeties, name); }

}  // namespace tailrace::simulation
