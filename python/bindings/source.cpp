#include <pybind11/stl.h>

#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "bindings.hpp"
#include "row/type_word.hpp"
#include "source/arrow_source.hpp"
#include "source/dsn.hpp"
#include "source/postgres_source.hpp"

namespace py = pybind11;
using namespace tailrace;

namespace {

using Described = std::vector<std::tuple<std::string, std::string, std::string>>;

Described describe_columns(const std::vector<SourceColumn>& columns) {
  Described described;
  for (const SourceColumn& column : columns) {
    described.emplace_back(column.name, std::string(to_text(column.type)), column.source_type);
  }
  return described;
}

std::string database_address(const std::string& dsn) {
  try {
    return Dsn(dsn).address();
  } catch (const SourceError&) {
    throw std::invalid_argument("dsn: is not a valid PostgreSQL connection string");
  }
}

Described describe(const std::string& dsn, const std::string& sql) {
  PostgresSource source(dsn, sql, {});
  return describe_columns(source.describe());
}

Described describe_arrow(const py::object& stream) {
  std::unique_ptr<Source> source = take_arrow_source(stream);
  if (!source) throw py::type_error("an Arrow stream is needed");
  const py::gil_scoped_release released;
  const Described described = describe_columns(source->open());
  source.reset();
  return described;
}

}  // namespace

std::unique_ptr<Source> take_arrow_source(const py::object& stream) {
  static constexpr const char* kCapsule = "arrow_array_stream";
  if (stream.is_none()) return nullptr;
  py::object holder = stream;
  if (py::hasattr(stream, "__arrow_c_stream__")) holder = stream.attr("__arrow_c_stream__")();
  if (!PyCapsule_IsValid(holder.ptr(), kCapsule)) {
    throw py::type_error("expected an object with __arrow_c_stream__");
  }
  auto* given = static_cast<ArrowArrayStream*>(PyCapsule_GetPointer(holder.ptr(), kCapsule));
  if (given == nullptr || given->release == nullptr) {
    throw py::value_error("the Arrow stream was read before");
  }
  // Moved as the C stream interface says: the copy owns, the capsule's destructor finds nothing.
  ArrowArrayStream taken = *given;
  given->release = nullptr;
  return std::make_unique<ArrowSource>(std::move(taken));
}

void bind_source(py::module_& module) {
  module.def("database_address", &database_address, py::arg("dsn"),
             "postgresql://host:port/database of a dsn, without its login. Raises ValueError.");
  module.def("describe", &describe, py::arg("dsn"), py::arg("sql"),
             py::call_guard<py::gil_scoped_release>(),
             "Columns of a query in PostgreSQL: (name, type, the warehouse's type). "
             "Raises SourceError(message, configuration, code).");
  module.def("describe_arrow", &describe_arrow, py::arg("stream"),
             "Columns of an Arrow stream, which is used up by it. Raises SourceError.");
}
