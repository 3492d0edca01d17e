#include "state/store.hpp"

#include <nlohmann/json.hpp>

#include "bindings.hpp"
#include "run/report.hpp"

namespace py = pybind11;
using namespace tailrace;
using nlohmann::json;

namespace {

std::string text_of(const json& document) {
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string runs(const std::string& url, const std::string& sync, std::size_t limit) {
  json list = json::array();
  for (const RunRow& run : open_store(url, false)->runs(sync, limit)) {
    const json report = json::parse(run.report, nullptr, false);
    list.push_back(
        {{"run_id", run.run_id},
         {"sync", run.sync},
         {"status", run.status},
         {"started_at", format_time(run.started_at_ms)},
         {"ended_at", run.ended_at_ms == 0 ? json(nullptr) : json(format_time(run.ended_at_ms))},
         {"report", report.is_discarded() ? json(nullptr) : report}});
  }
  return text_of(list);
}

std::string rejected(const std::string& url, const std::string& sync, const std::string& account,
                     const std::string& object) {
  json list = json::array();
  for (const RejectedRow& row :
       open_store(url, false)->rejected_of({sync, account, object, 0, 1})) {
    list.push_back({{"key", row.key},
                    {"code", row.code},
                    {"message", row.message},
                    {"field", row.field},
                    {"hold", word_of(row.hold)},
                    {"attempts", row.attempts},
                    {"first_at", format_time(row.first_at_ms)},
                    {"last_at", format_time(row.last_at_ms)}});
  }
  return text_of(list);
}

std::string row_log(const std::string& url, const std::string& sync, const std::string& key,
                    std::size_t limit) {
  json list = json::array();
  for (const LogEntry& entry : open_store(url, false)->log_of(sync, key, limit)) {
    list.push_back({{"run_id", entry.run_id},
                    {"sync", entry.sync},
                    {"key", entry.row.key},
                    {"op", entry.row.op},
                    {"status", entry.row.status},
                    {"code", entry.row.code},
                    {"message", entry.row.message},
                    {"at", format_time(entry.at_ms)}});
  }
  return text_of(list);
}

std::string identity(const std::string& url) {
  const auto store = open_store(url, false);
  return text_of({{"store_id", store->identity().id}, {"format", store->identity().format}});
}

}  // namespace

void bind_store(py::module_& module) {
  const auto no_gil = py::call_guard<py::gil_scoped_release>();
  module.def("store_runs", &runs, py::arg("url"), py::arg("sync"), py::arg("limit"), no_gil,
             "JSON list of runs, newest first; of every sync where `sync` is empty.");
  module.def("store_rejected", &rejected, py::arg("url"), py::arg("sync"), py::arg("account"),
             py::arg("object"), no_gil, "JSON list of the sync's rejected rows.");
  module.def("store_identity", &identity, py::arg("url"), no_gil, "JSON: store_id and format.");
  module.def("store_log", &row_log, py::arg("url"), py::arg("sync"), py::arg("key"),
             py::arg("limit"), no_gil,
             "JSON list of what was done to the row of a key, newest first; by every sync where "
             "`sync` is empty.");
}
