#pragma once

#include "destination/destination.hpp"
#include "row/mutant.hpp"

namespace tailrace {

/// The mutants that take an answer for more than it says.
#ifdef TAILRACE_MUTANTS
void misread(Operation operation, const Call& call, const wire::Reply& reply, Step& step);
#else
inline void misread(Operation /*operation*/, const Call& /*call*/, const wire::Reply& /*reply*/,
                    Step& /*step*/) {}
#endif

}  // namespace tailrace
