#include "run/run_handle.hpp"

#include <pybind11/stl.h>

#include <chrono>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "bindings.hpp"

namespace py = pybind11;
using tailrace::RunHandle;

namespace {

std::chrono::milliseconds to_ms(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) throw py::value_error("seconds must be 0 or more");
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

/// The next call of the run's function, as (number, document); None where none came in time. The
/// interpreter is free while it waits, and is what makes the bytes.
py::object take_call(RunHandle& run, double seconds) {
  std::optional<tailrace::http::CallQueue::Taken> taken;
  {
    const py::gil_scoped_release released;
    taken = run.calls().take(to_ms(seconds));
  }
  if (!taken) return py::none();
  return py::make_tuple(taken->id, py::bytes(taken->body));
}

bool answer_call(RunHandle& run, std::uint64_t number, int status, const std::string& body,
                 std::optional<double> retry_after) {
  tailrace::wire::Reply reply;
  reply.status = status;
  reply.headers.push_back({"content-type", "application/json"});
  reply.body = body;
  if (retry_after) reply.retry_after = to_ms(*retry_after);
  const py::gil_scoped_release released;
  return run.calls().answer(number, std::move(reply));
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
      .def(py::init([](const std::string& spec, const py::object& stream, bool calls) {
             return std::unique_ptr<RunHandle, WithoutInterpreter>(
                 new RunHandle(spec, take_arrow_source(stream), calls));
           }),
           py::arg("spec"), py::arg("stream") = py::none(), py::arg("calls") = false)
      .def("take_call", &take_call, py::arg("seconds"),
           "The next call of a function that rows go to: (number, JSON), or None in time.")
      .def("answer_call", &answer_call, py::arg("number"), py::arg("status"), py::arg("body"),
           py::arg("retry_after") = py::none(),
           "What a call came to. False where nobody waits for it any more.")
      .def(
          "calls_open", [](RunHandle& run) { return !run.calls().closed(); }, no_gil,
          "Whether more calls may come.")
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
