#include "state/errors.hpp"
#include "bindings.hpp"
#include "source/source.hpp"

namespace py = pybind11;

namespace {

/// SourceError(message, configuration, code): a Python exception with the three as its args.
void raise_source_error(const py::object& type, const tailrace::SourceError& error) {
  const py::tuple args = py::make_tuple(error.what(), error.configuration, error.code);
  PyErr_SetObject(type.ptr(), args.ptr());
}

}  // namespace

void bind_errors(py::module_& module) {
  py::register_exception<tailrace::StateLost>(module, "StateLostError", PyExc_RuntimeError);
  py::register_exception<tailrace::StoreUnavailable>(module, "StoreUnavailableError",
                                                     PyExc_RuntimeError);
  py::register_exception<tailrace::Fenced>(module, "FencedError", PyExc_RuntimeError);
  PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> source_error;
  source_error.call_once_and_store_result(
      [&] { return py::object(py::exception<tailrace::SourceError>(module, "SourceError")); });
  py::register_exception_translator([](std::exception_ptr caught) {
    try {
      if (caught) std::rethrow_exception(caught);
    } catch (const tailrace::SourceError& error) {
      raise_source_error(source_error.get_stored(), error);
    }
  });
}
