#include "run/run_handle.hpp"

#include <chrono>
#include <cmath>

#include "bindings.hpp"

namespace py = pybind11;
using tailrace::RunHandle;

namespace {

std::chrono::milliseconds to_ms(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) throw py::value_error("seconds must be 0 or more");
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

/// A handle that goes away waits for its threads, and those may want the interpreter (Arrow
/// producers written in Python): it must not be held meanwhile.
struct WithoutInterpreter {
  void operator()(RunHandle* run) const {
    const py::gil_scoped_release released;
    delete run;
  }
};

}  // namespace

void bind_run_handle(py::module_& module) {
  const auto no_gil = py::call_guard<py::gil_scoped_release>();
  py::class_<RunHandle, std::unique_ptr<RunHandle, WithoutInterpreter>>(
      module, "RunHandle", "One run or plan on threads of its own. Never raises for a failed run.")
      .def(py::init([](const std::string& spec, const py::object& stream) {
             return std::unique_ptr<RunHandle, WithoutInterpreter>(
                 new RunHandle(spec, take_arrow_source(stream)));
           }),
           py::arg("spec"), py::arg("stream") = py::none())
      .def("start", &RunHandle::start, no_gil, "Starts the run's threads. Once only.")
      .def(
          "wait", [](RunHandle& run, double seconds) { return run.wait(to_ms(seconds)); },
          py::arg("seconds"), no_gil, "True once the run has ended; waits at most `seconds`.")
      .def("progress", &RunHandle::progress, no_gil, "JSON: phase and counts so far.")
      .def("cancel", &RunHandle::cancel, no_gil,
           "Ends the run soon; what is in flight is settled or unknown within 3 s.")
      .def("result", &RunHandle::result, no_gil,
           "JSON: status, message, report, plan, source_error. RuntimeError before the end.");
}
