#include "postgres_proxy.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <memory>
#include <stdexcept>

#include <libpq-fe.h>

namespace tailrace::test {
namespace {

constexpr char kSync = 'S';
constexpr char kTerminate = 'X';
constexpr char kReady = 'Z';
constexpr char kBackendKey = 'K';
constexpr char kError = 'E';

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw std::runtime_error("socket path too long");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

bool read_all(int socket, char* at, std::size_t bytes) {
  while (bytes > 0) {
    const ssize_t got = ::recv(socket, at, bytes, 0);
    if (got <= 0) return false;
    at += got;
    bytes -= static_cast<std::size_t>(got);
  }
  return true;
}

bool write_all(int socket, const std::string& bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t put = ::send(socket, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (put <= 0) return false;
    sent += static_cast<std::size_t>(put);
  }
  return true;
}

std::uint32_t number_at(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i)
    value = value << 8U | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

/// Appends one message: its type, where it has one, its length, its body. '\0' at the end.
char read_message(int socket, std::string& out, bool typed = true) {
  const std::size_t begin = out.size();
  const std::size_t head = typed ? 5 : 4;
  out.resize(begin + head);
  if (!read_all(socket, out.data() + begin, head)) return '\0';
  const std::size_t length = number_at(out, begin + head - 4) - 4;
  out.resize(begin + head + length);
  if (!read_all(socket, out.data() + begin + head, length)) return '\0';
  return typed ? out[begin] : '\1';
}

/// Appends whole messages up to one of this type. False where the other end closes before.
bool read_until(int socket, char last, std::string& out) {
  for (char type = '\1'; type != last;) {
    std::string message;
    type = read_message(socket, message);
    if (type == '\0') return false;
    out += message;
  }
  return true;
}

}  // namespace

PostgresProxy::PostgresProxy(const PostgresServer& server)
    : server_socket_(server.directory() / ".s.PGSQL.5432"), admin_url_(server.url("postgres")) {
  listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_un address = address_of(directory_.path() + "/.s.PGSQL.5432");
  if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_, 16) != 0) {
    throw std::runtime_error("the proxy cannot listen");
  }
  listening_ = std::thread([this] { listen(); });
}

PostgresProxy::~PostgresProxy() {
  ending_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  listening_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
  }
  for (std::thread& thread : threads_) thread.join();
  for (const int socket : sockets_) ::close(socket);
  ::close(listener_);
}

std::string PostgresProxy::url(const ScratchDatabase& database) const {
  return "postgresql:///" + database.name() + "?host=" + directory_.path() + "&user=postgres";
}

void PostgresProxy::fail_at(int round_trip, Fault fault) {
  fault_ = fault;
  failed_ = false;
  fail_at_ = round_trips_ + round_trip;
}

void PostgresProxy::listen() {
  while (!ending_) {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    const std::lock_guard lock(mutex_);
    sockets_.push_back(client);
    threads_.emplace_back([this, client] { serve(client); });
  }
}

void PostgresProxy::serve(int client) {
  const int server = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  {
    const std::lock_guard lock(mutex_);
    sockets_.push_back(server);
  }
  const sockaddr_un address = address_of(server_socket_.string());
  const bool reached =
      ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  if (reached && login(client, server)) {
    while (round_trip(client, server)) {}
  }
  // Both ends see the other one gone; the sockets themselves are closed at the end.
  ::shutdown(client, SHUT_RDWR);
  ::shutdown(server, SHUT_RDWR);
}

bool PostgresProxy::login(int client, int server) {
  while (silent_ && !ending_) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  std::string request;
  if (read_message(client, request, false) == '\0' || !write_all(server, request)) return false;
  for (char type = '\1'; type != kReady;) {
    std::string answer;
    type = read_message(server, answer);
    if (type == '\0') return false;
    if (type == kBackendKey) {
      backend_ = static_cast<int>(number_at(answer, 5));
      if (pooler_) answer[5] = '\x7F';
    }
    if (!write_all(client, answer)) return false;
    if (type == kError) return false;
  }
  return true;
}

bool PostgresProxy::round_trip(int client, int server) {
  std::string request;
  for (char type = '\1'; type != kSync;) {
    type = read_message(client, request);
    if (type == '\0' || type == kTerminate) return false;
  }
  const bool fails = ++round_trips_ == fail_at_;
  const Fault fault = fails ? fault_.load() : Fault::none;
  if (fails) failed_ = true;
  if (fault == Fault::lose_request) return false;
  if (!write_all(server, request)) return false;
  std::string answer;
  const bool answered = read_until(server, kReady, answer);
  if (fault == Fault::lose_answer) return false;
  if (fault == Fault::kill_session) {
    kill_session();
    answer.clear();
    static_cast<void>(read_until(server, '\0', answer));
    static_cast<void>(write_all(client, answer));
    return false;
  }
  return write_all(client, answer) && answered;
}

void PostgresProxy::kill_session() {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> admin(PQconnectdb(admin_url_.c_str()),
                                                           PQfinish);
  const std::string sql = "SELECT pg_terminate_backend(" + std::to_string(backend_) + ")";
  PQclear(PQexec(admin.get(), sql.c_str()));
}

}  // namespace tailrace::test
