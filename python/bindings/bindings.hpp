#pragma once

#include <pybind11/pybind11.h>

#include <memory>

#include "source/source.hpp"

void bind_errors(pybind11::module_& module);
void bind_run_handle(pybind11::module_& module);
void bind_source(pybind11::module_& module);
void bind_store(pybind11::module_& module);
void bind_store_changes(pybind11::module_& module);
void bind_destination(pybind11::module_& module);

/// Takes the stream out of an object with __arrow_c_stream__, or out of its capsule. None gives
/// nothing. Throws pybind11::type_error for anything else.
std::unique_ptr<tailrace::Source> take_arrow_source(const pybind11::object& stream);
