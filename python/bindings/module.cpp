// tailrace._core: the contents page. What each function does stands where it is bound.
#include "bindings.hpp"

PYBIND11_MODULE(_core, module) {
  module.doc() = "The compiled sync core: used through tailrace.project, never by itself.";
  module.attr("__version__") = TAILRACE_VERSION;
  bind_errors(module);
  bind_run_handle(module);
  bind_source(module);
  bind_store(module);
  bind_store_changes(module);
  bind_destination(module);
}
