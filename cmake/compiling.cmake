# How every target of ours is compiled: the language, the warnings, sanitizers and hardening.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug, Release, RelWithDebInfo" FORCE)
endif()

if(NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(TAILRACE_CCACHE ccache)
  if(TAILRACE_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER "${TAILRACE_CCACHE}")
  endif()
endif()

add_library(tailrace_compiling INTERFACE)
target_compile_options(tailrace_compiling INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wcast-qual -Wformat=2 -Wnon-virtual-dtor -Woverloaded-virtual
  -Wimplicit-fallthrough -Wextra-semi -fstack-protector-strong)
if(TAILRACE_WARNINGS_AS_ERRORS)
  target_compile_options(tailrace_compiling INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(tailrace_compiling INTERFACE
    -Wlogical-op -Wduplicated-cond -Wduplicated-branches
    # gcc 12 and 13 see overflows in inlined std::string and std::vector code that are not there.
    -Wno-error=restrict -Wno-error=stringop-overflow -Wno-error=stringop-overread
    -Wno-error=array-bounds -Wno-error=maybe-uninitialized)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    target_compile_options(tailrace_compiling INTERFACE -fcf-protection=full)
  endif()
endif()

if(TAILRACE_SANITIZE)
  target_compile_options(tailrace_compiling INTERFACE
    -fsanitize=${TAILRACE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -O1
    -U_FORTIFY_SOURCE)
  target_link_options(tailrace_compiling INTERFACE -fsanitize=${TAILRACE_SANITIZE})
else()
  # Sanitizers and fortified functions hide each other's findings, and fortifying needs optimising.
  target_compile_options(tailrace_compiling INTERFACE
    $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE$<SEMICOLON>-D_FORTIFY_SOURCE=3>)
endif()
target_link_options(tailrace_compiling INTERFACE
  LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack LINKER:--as-needed)

if(TAILRACE_TIDY)
  find_program(TAILRACE_CLANG_TIDY clang-tidy REQUIRED)
  set(CMAKE_CXX_CLANG_TIDY "${TAILRACE_CLANG_TIDY};--quiet;--extra-arg=-Wno-unknown-warning-option")
endif()
