// The words of a schedule.
#include <array>
#include <stdexcept>

#include "schedule.hpp"

namespace tailrace::simulation {
namespace {

struct FaultName {
  Fault fault;
  std::string_view name;
};
constexpr std::array kFaults{
    FaultName{Fault::none, "none"},
    FaultName{Fault::refuse, "refuse"},
    FaultName{Fault::reset_before, "reset_before"},
    FaultName{Fault::reset_after, "reset_after"},
    FaultName{Fault::timeout_before, "timeout_before"},
    FaultName{Fault::timeout_after, "timeout_after"},
    FaultName{Fault::late, "late"},
    FaultName{Fault::late_504, "late_504"},
    FaultName{Fault::duplicate, "duplicate"},
    FaultName{Fault::throttle, "throttle"},
    FaultName{Fault::error_before, "error_before"},
    FaultName{Fault::error_after, "error_after"},
    FaultName{Fault::busy_before, "busy_before"},
    FaultName{Fault::busy_after, "busy_after"},
    FaultName{Fault::unauthorized, "unauthorized"},
    FaultName{Fault::quota, "quota"},
    FaultName{Fault::lock_row, "lock_row"},
    FaultName{Fault::partial, "partial"},
    FaultName{Fault::clash, "clash"},
    FaultName{Fault::missing, "missing"},
    FaultName{Fault::extra, "extra"},
    FaultName{Fault::shuffled, "shuffled"},
    FaultName{Fault::contradict, "contradict"},
    FaultName{Fault::html_before, "html_before"},
    FaultName{Fault::html_after, "html_after"},
    FaultName{Fault::ok_false, "ok_false"},
    FaultName{Fault::empty_before, "empty_before"},
    FaultName{Fault::empty_after, "empty_after"},
    FaultName{Fault::truncated, "truncated"},
    FaultName{Fault::bad_json, "bad_json"},
    FaultName{Fault::field_gone, "field_gone"},
    FaultName{Fault::redirect, "redirect"},
    FaultName{Fault::wrong_charset, "wrong_charset"},
    FaultName{Fault::slow_body, "slow_body"},
    FaultName{Fault::too_large, "too_large"},
    FaultName{Fault::readback_lag, "readback_lag"},
    FaultName{Fault::job_stuck, "job_stuck"},
    FaultName{Fault::job_failed, "job_failed"},
    FaultName{Fault::job_partial_results, "job_partial_results"},
};

struct FaceName {
  Face face;
  std::string_view name;
};
constexpr std::array kFaces{
    FaceName{Face::rest_list, "rest_list"},
    FaceName{Face::rest_errors, "rest_errors"},
    FaceName{Face::rest_single, "rest_single"},
    FaceName{Face::hubspot, "hubspot"},
    FaceName{Face::job, "job"},
};

struct ModeName {
  SyncMode mode;
  std::string_view name;
};
constexpr std::array kModes{
    ModeName{SyncMode::mirror, "mirror"},
    ModeName{SyncMode::upsert, "upsert"},
    ModeName{SyncMode::insert, "insert"},
};

struct SafetyName {
  Safety safety;
  std::string_view name;
};
constexpr std::array kSafeties{
    SafetyName{Safety::read_back, "read_back"},
    SafetyName{Safety::idempotency_key, "idempotency_key"},
    SafetyName{Safety::park, "park"},
    SafetyName{Safety::duplicate_ok, "duplicate_ok"},
};

/// The entry of that name; throws std::invalid_argument where there is none.
template <typename Table>
const auto& named(const Table& table, const std::string& name) {
  for (const auto& one : table) {
    if (one.name == name) return one;
  }
  throw std::invalid_argument("schedule: nothing is named '" + name + "'");
}

}  // namespace

std::string_view to_text(Fault fault) { return kFaults.at(static_cast<std::size_t>(fault)).name; }

Fault fault_of(std::string_view name) { return named(kFaults, std::string(name)).fault; }

const std::vector<Fault>& all_faults() {
  static const std::vector<Fault> faults = [] {
    std::vector<Fault> all;
    for (const FaultName& one : kFaults) {
      if (one.fault != Fault::none) all.push_back(one.fault);
    }
    return all;
  }();
  return faults;
}

std::string_view to_text(Face face) { return kFaces.at(static_cast<std::size_t>(face)).name; }

std::string_view to_text(SyncMode mode) { return kModes.at(static_cast<std::size_t>(mode)).name; }

std::string_view to_text(Safety safety) {
  return kSafeties.at(static_cast<std::size_t>(safety)).name;
}

Safety safety_of(const std::string& name) { return named(kSafeties, name).safety; }

Face face_of(const std::string& name) { return named(kFaces, name).face; }

SyncMode mode_of(const std::string& name) { return named(kModes, name).mode; }

const std::vector<Face>& all_faces() {
  static const std::vector<Face> faces = [] {
    std::vector<Face> all;
    for (const FaceName& one : kFaces) all.push_back(one.face);
    return all;
  }();
  return faces;
}

const std::vector<Safety>& all_safeties() {
  static const std::vector<Safety> safeties = [] {
    std::vector<Safety> all;
    for (const SafetyName& one : kSafeties) all.push_back(one.safety);
    return all;
  }();
  return safeties;
}

}  // namespace tailrace::simulation
