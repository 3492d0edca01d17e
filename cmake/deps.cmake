# The libraries of the core. All come from the system but libpqxx, which ci/deps.sh builds where the
# system's is too old.

if(NOT CMAKE_HOST_WIN32)
  execute_process(
    COMMAND bash "${CMAKE_CURRENT_SOURCE_DIR}/ci/deps.sh" --prefix
    OUTPUT_VARIABLE TAILRACE_DEPS_PREFIX OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(TAILRACE_DEPS_PREFIX AND IS_DIRECTORY "${TAILRACE_DEPS_PREFIX}")
    list(PREPEND CMAKE_PREFIX_PATH "${TAILRACE_DEPS_PREFIX}")
  endif()
endif()

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(CURL 7.84 REQUIRED)
find_package(OpenSSL 3.0 REQUIRED COMPONENTS Crypto)
find_package(SQLite3 3.37 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(nlohmann_json 3.10 REQUIRED)
find_package(PostgreSQL REQUIRED)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash>=0.8)

find_package(libpqxx 7.7 CONFIG QUIET)
if(NOT libpqxx_FOUND)
  # Distributions that build libpqxx with its other build system ship a .pc file and no CMake files.
  pkg_check_modules(libpqxx QUIET IMPORTED_TARGET libpqxx>=7.7)
  if(NOT libpqxx_FOUND)
    message(FATAL_ERROR "libpqxx 7.7 or later was not found: run ci/deps.sh")
  endif()
  add_library(libpqxx::pqxx ALIAS PkgConfig::libpqxx)
endif()

if(TAILRACE_BUILD_TESTS)
  find_package(GTest 1.12 REQUIRED)
endif()
