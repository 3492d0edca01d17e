#include <pybind11/stl.h>

#include <optional>
#include <stdexcept>
#include <string>

#include "bindings.hpp"
#include "run/by_hand.hpp"
#include "state/errors.hpp"
#include "state/postgres_schema.hpp"
#include "state/store.hpp"
#include "state/transfer.hpp"

namespace py = pybind11;
using namespace tailrace;

namespace {

/// A database that has lost its store gets a new one. A file that was found damaged is not touched:
/// who asks can put it aside.
void reset(const std::string& url, const std::string& sync, const std::string& account,
           const std::string& object) {
  const bool is_file = url.starts_with("sqlite:");
  open_store(url, !is_file)->reset({sync, account, object, 0, 1});
}

std::size_t settle(const std::string& url, const SyncAddress& sync, const ByHand& hand) {
  const auto rows = settle_by_hand(*open_store(url, false), sync, hand);
  if (!rows)
    throw Fenced("sync '" + sync.sync + "': a run is at work; try again when it has ended");
  return *rows;
}

std::size_t retry(const std::string& url, const std::string& sync, const std::string& account,
                  const std::string& object, const std::optional<std::string>& key,
                  const std::string& run_id) {
  return settle(url, {sync, account, object, 0, 1}, {ByHand::Kind::retry, key, run_id});
}

bool deliver(const std::string& url, const std::string& sync, const std::string& account,
             const std::string& object, const std::string& key, const std::string& run_id) {
  return settle(url, {sync, account, object, 0, 1}, {ByHand::Kind::delivered, key, run_id}) > 0;
}

void note_fields(const std::string& url, const std::string& sync, const std::string& account,
                 const std::string& object, const std::string& fingerprint) {
  open_store(url, false)->note_fields({sync, account, object, 0, 1}, fingerprint);
}

void copy(const std::string& from_url, const std::string& to_url) {
  const auto from = open_store(from_url, false);
  const auto to = open_store(to_url, true);
  try {
    copy_store(*from, *to);
  } catch (const std::logic_error&) {
    throw std::invalid_argument("the other store is not empty: state is copied into a new one");
  }
}

}  // namespace

void bind_store_changes(py::module_& module) {
  const auto no_gil = py::call_guard<py::gil_scoped_release>();
  module.def("store_reset", &reset, py::arg("url"), py::arg("sync"), py::arg("account"),
             py::arg("object"), no_gil,
             "Drops the sync's baseline: the next run sends everything and deletes nothing.");
  module.def("store_retry", &retry, py::arg("url"), py::arg("sync"), py::arg("account"),
             py::arg("object"), py::arg("key"), py::arg("run_id"), no_gil,
             "Lets the next run try rejected rows again: one, or with None all but parked ones. "
             "Gives their number; FencedError while a run is at work.");
  module.def("store_deliver", &deliver, py::arg("url"), py::arg("sync"), py::arg("account"),
             py::arg("object"), py::arg("key"), py::arg("run_id"), no_gil,
             "Records that a parked row has arrived. False where none has the key; FencedError "
             "while a run is at work.");
  module.def("store_note_fields", &note_fields, py::arg("url"), py::arg("sync"), py::arg("account"),
             py::arg("object"), py::arg("fingerprint"), no_gil,
             "Notes a digest of the destination's fields: rejected rows are tried again where it "
             "has changed.");
  module.def("store_ddl", &postgres_state_ddl, no_gil,
             "SQL that makes the schema and tables of a store in PostgreSQL, for psql.");
  module.def("store_copy", &copy, py::arg("from_url"), py::arg("to_url"), no_gil,
             "Copies a whole store into an empty one. ValueError where that is not empty.");
}
