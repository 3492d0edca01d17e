#include "support/postgres_server.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tailrace::test {
namespace {

namespace fs = std::filesystem;

fs::path find_programs() {
  std::vector<fs::path> candidates;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): before any thread is started
  if (const char* path = std::getenv("PATH")) {
    std::string entries = path;
    for (std::size_t begin = 0; begin <= entries.size();) {
      const auto end = std::min(entries.find(':', begin), entries.size());
      candidates.emplace_back(entries.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  std::error_code none;
  for (const auto& version : fs::directory_iterator("/usr/lib/postgresql", none)) {
    candidates.push_back(version.path() / "bin");
  }
  for (const auto& candidate : candidates) {
    if (fs::exists(candidate / "initdb", none) && fs::exists(candidate / "postgres", none)) {
      return candidate;
    }
  }
  throw std::runtime_error(
      "these tests need a PostgreSQL server and found none (initdb and postgres, in PATH or below "
      "/usr/lib/postgresql); install one, e.g. with ci/deps.sh");
}

/// initdb and postgres refuse to run as root.
const passwd* server_user() {
  if (::geteuid() != 0) return nullptr;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): before any thread is started
  const passwd* user = ::getpwnam("postgres");
  if (user == nullptr) {
    throw std::runtime_error(
        "the tests run as root and PostgreSQL refuses that: the system has no "
        "user postgres to start it as");
  }
  return user;
}

/// Between fork and exec: allocates nothing.
[[noreturn]] void become(char** arguments, const passwd* user, const char* log) {
  const int output = ::open(log, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0644);
  if (output < 0) ::_exit(125);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::setpgid(0, 0);
  if (user != nullptr && (::setgroups(0, nullptr) != 0 || ::setgid(user->pw_gid) != 0 ||
                          ::setuid(user->pw_uid) != 0)) {
    ::_exit(126);
  }
  ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
  ::execv(arguments[0], arguments);
  ::_exit(127);
}

pid_t spawn(const std::vector<std::string>& command, const std::string& log) {
  const passwd* user = server_user();
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) become(arguments.data(), user, log.c_str());
  return child;
}

/// Owners and modes included, which the server insists on.
void copy_tree(const fs::path& from, const fs::path& to) {
  const std::string command = "cp -a --reflink=auto '" + from.string() + "' '" + to.string() + "'";
  // NOLINTNEXTLINE(cert-env33-c,concurrency-mt-unsafe): the paths are the tests' own
  if (std::system(command.c_str()) != 0) throw std::runtime_error("cannot copy a cluster");
}

std::string contents(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace

PostgresServer::PostgresServer(std::vector<std::string> settings)
    : settings_(std::move(settings)), programs_(find_programs()) {
  std::string name = (fs::temp_directory_path() / "tailrace-pg-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  directory_ = name;
  const passwd* user = server_user();
  if (user != nullptr && ::chown(name.c_str(), user->pw_uid, user->pw_gid) != 0) {
    throw std::runtime_error("chown failed");
  }
  create_cluster();
  start();
}

PostgresServer::~PostgresServer() {
  if (server_ > 0) {
    ::kill(server_, SIGINT);  // fast shutdown: sessions are closed, nothing waits for them
    ::waitpid(server_, nullptr, 0);
  }
  std::error_code none;
  fs::remove_all(directory_, none);
}

/// A copy of a cluster takes a fifth of the time that making one does, and there is one a test. The
/// pattern is made by the first test that needs it and kept in the build folder.
void PostgresServer::create_cluster() const {
  const fs::path pattern = fs::path(TAILRACE_TEST_SCRATCH) / ("cluster-" + programs_digest());
  if (!fs::exists(pattern)) {
    init_cluster();
    const fs::path draft = pattern.string() + "." + std::to_string(::getpid());
    copy_tree(directory_ / "data", draft);
    std::error_code another_was_first;
    fs::rename(draft, pattern, another_was_first);
    if (another_was_first) fs::remove_all(draft);
  } else {
    copy_tree(pattern, directory_ / "data");
  }
  std::ofstream(directory_ / "data" / "pg_hba.conf")
      << "local all guarded scram-sha-256\nlocal all all trust\n";
}

/// Another installation, or another user to run it, has a pattern of its own.
std::string PostgresServer::programs_digest() const {
  const passwd* user = server_user();
  const auto uid = user != nullptr ? user->pw_uid : ::geteuid();
  const std::size_t place = std::hash<std::string>{}(programs_.string());
  return std::to_string(place) + "-" + std::to_string(uid);
}

void PostgresServer::init_cluster() const {
  const fs::path log = directory_ / "initdb.log";
  const pid_t initdb =
      spawn({(programs_ / "initdb").string(), "-D", (directory_ / "data").string(), "-U",
             "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--wal-segsize=1"},
            log.string());
  int status = 0;
  ::waitpid(initdb, &status, 0);
  if (status != 0) throw std::runtime_error("initdb failed: " + contents(log));
}

void PostgresServer::start() {
  std::vector<std::string> command{(programs_ / "postgres").string(), "-D",
                                   (directory_ / "data").string(), "-k", directory_.string()};
  for (const char* setting :
       {"listen_addresses=", "fsync=off", "max_connections=20", "timezone=America/New_York",
        "datestyle=German,DMY", "extra_float_digits=0", "bytea_output=escape",
        "intervalstyle=postgres_verbose", "autovacuum=off"}) {
    command.insert(command.end(), {"-c", setting});
  }
  for (const std::string& setting : settings_) command.insert(command.end(), {"-c", setting});
  server_ = spawn(command, (directory_ / "server.log").string());
  wait_until_ready();
}

void PostgresServer::wait_until_ready() const {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (PQping(dsn().c_str()) != PQPING_OK) {
    const bool died = ::waitpid(server_, nullptr, WNOHANG) == server_;
    if (died || std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("the PostgreSQL server did not start: " +
                               contents(directory_ / "server.log"));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

std::string PostgresServer::dsn(const std::string& user) const {
  return "host=" + directory_.string() + " user=" + user + " dbname=postgres";
}

std::string PostgresServer::url(const std::string& database, const std::string& user) const {
  return "postgresql:///" + database + "?host=" + directory_.string() + "&user=" + user;
}

void PostgresServer::crash() {
  ::kill(server_, SIGQUIT);  // immediate shutdown: no checkpoint, the log is replayed at the start
  ::waitpid(server_, nullptr, 0);
  server_ = -1;
}

void PostgresServer::start_again() { start(); }

PostgresServer& PostgresServer::shared() {
  static PostgresServer server;
  return server;
}

std::string run_sql(const std::string& sql) {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(
      PQconnectdb(PostgresServer::shared().dsn().c_str()), PQfinish);
  PQsetNoticeProcessor(connection.get(), [](void*, const char*) {}, nullptr);
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(connection.get(), sql.c_str()),
                                                             PQclear);
  const auto status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    throw std::runtime_error(sql + ": " + PQerrorMessage(connection.get()));
  }
  return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
}

}  // namespace tailrace::test
