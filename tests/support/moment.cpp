// Preloaded into a program that is to die at an exact moment: it sees what the program does to its
// state store and to the tool, counts, and at the moment asked for kills or freezes the process, or
// cuts the connection to the store. Nothing else changes. The environment says what to wait for:
//
//   MOMENT        events to be met one after the other, such as "answer commit" or "step*17":
//                   step     any call that changes something outside the process, of those below
//                   store    bytes go to the state store
//                   commit   a writing transaction of the store becomes durable
//                   request  a request starts to leave
//                   answer   an answer starts to be read
//   MOMENT_DO     at the last of them: die_before it, die_after it, die_half (of a request's first
//                 bytes are sent), lose (PostgreSQL has done it and its answer is cut off), freeze
//                 (stop before it, and go on with it when the process is continued)
//   MOMENT_STORE  the path of the SQLite file, or the port of PostgreSQL
//   MOMENT_TOOL   the port of the tool
//   MOMENT_COUNT  a file that gets a byte for every step
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

template <typename Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

[[noreturn]] void die() {
  ::kill(::getpid(), SIGKILL);
  for (;;) ::pause();
}

class Moment {
 public:
  Moment()
      : deed(variable("MOMENT_DO")),
        store(variable("MOMENT_STORE")),
        tool(variable("MOMENT_TOOL")) {
    std::istringstream words(variable("MOMENT"));
    for (std::string word; words >> word;) {
      const std::size_t times = word.find('*');
      const int count = times == std::string::npos ? 1 : std::stoi(word.substr(times + 1));
      for (int i = 0; i < count; ++i) events_.push_back(word.substr(0, times));
    }
    const std::string counted = variable("MOMENT_COUNT");
    if (!counted.empty()) counter_ = ::open(counted.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  }

  /// True where this is the last of the events.
  bool met(std::string_view event) {
    const std::lock_guard lock(mutex_);
    if (event == "step" && counter_ >= 0) next<decltype(::write)>("write")(counter_, ".", 1);
    if (at_ == events_.size() || events_[at_] != event) return false;
    return ++at_ == events_.size();
  }

  const std::string deed;
  const std::string store;
  const std::string tool;

 private:
  std::mutex mutex_;
  std::vector<std::string> events_;
  std::size_t at_ = 0;
  int counter_ = -1;
};

Moment& moment() {
  static Moment the_moment;
  return the_moment;
}

/// Whether one of the events is the moment, and something is to be done at it. Dies, or stands
/// still, where that is to be before them.
bool comes(std::initializer_list<std::string_view> events) {
  bool now = false;
  for (const std::string_view event : events) now = moment().met(event) || now;
  if (now && moment().deed == "die_before") die();
  if (!now || moment().deed != "freeze") return now;
  ::raise(SIGSTOP);  // to this thread: it stands still before anything else is done here
  return false;
}

std::string path_of(int file) {
  std::array<char, 4096> path{};
  const std::string link = "/proc/self/fd/" + std::to_string(file);
  const ssize_t length = ::readlink(link.c_str(), path.data(), path.size());
  return length > 0 ? std::string(path.data(), static_cast<std::size_t>(length)) : "";
}

bool of_store(std::string_view path) {
  return moment().store.starts_with('/') && path.starts_with(moment().store);
}

std::string peer_port(int socket) {
  sockaddr_in peer{};
  socklen_t size = sizeof(peer);
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return "";
  return peer.sin_family == AF_INET ? std::to_string(ntohs(peer.sin_port)) : "";
}

/// The header of a frame of SQLite's log that ends a transaction: it tells the size of the file.
bool ends_transaction(std::string_view path, const void* bytes, std::size_t count) {
  constexpr std::size_t header_bytes = 24;
  static constexpr std::array<char, 4> zero{};
  return path.ends_with("-wal") && count == header_bytes &&
         std::memcmp(static_cast<const char*>(bytes) + 4, zero.data(), zero.size()) != 0;
}

std::atomic<bool> die_when_synced{false};

void before_write(int file, const void* bytes, std::size_t count) {
  if (moment().store.empty()) return;
  const std::string path = path_of(file);
  if (!of_store(path)) return;
  const bool stepped = comes({"step", "store"});
  const bool committed = ends_transaction(path, bytes, count) && comes({"commit"});
  if (stepped || committed) die_when_synced = true;
}

int after_sync(int file, int result) {
  if (die_when_synced && path_of(file).ends_with("-wal")) die();
  return result;
}

void before_change(const std::string& path) {
  if (of_store(path)) comes({"step", "store"});
}

bool starts_request(std::string_view bytes) {
  for (const std::string_view method : {"POST ", "PUT ", "PATCH ", "DELETE "}) {
    if (bytes.starts_with(method)) return true;
  }
  return false;
}

void wait_for_answer(int socket) {
  pollfd watched{socket, POLLIN, 0};
  ::poll(&watched, 1, 20'000);
}

/// From now on the socket is one whose other end is closed.
void cut(int socket) {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()) != 0) die();
  ::close(pair[0]);
  ::dup2(pair[1], socket);
  ::close(pair[1]);
}

using Send = ssize_t(int, const void*, std::size_t, int);

ssize_t send_to_store(int socket, const void* bytes, std::size_t count, int flags) {
  static std::atomic<bool> writing{false};
  constexpr std::string_view ends("\0COMMIT", 8);  // a whole statement: not READ COMMITTED
  const std::string_view text(static_cast<const char*>(bytes), count);
  bool now = comes({"step", "store"});
  if (text.find("READ WRITE") != std::string_view::npos) writing = true;
  if (text.find(ends) != std::string_view::npos && writing.exchange(false)) {
    now = comes({"commit"}) || now;
  }
  const ssize_t sent = next<Send>("send")(socket, bytes, count, flags);
  if (!now) return sent;
  wait_for_answer(socket);
  if (moment().deed == "lose") {
    cut(socket);
    return sent;
  }
  die();
}

ssize_t send_to_tool(int socket, const void* bytes, std::size_t count, int flags) {
  const std::string_view text(static_cast<const char*>(bytes), count);
  bool now = comes({"step"});
  now = (starts_request(text) && comes({"request"})) || now;
  const bool half = now && moment().deed == "die_half";
  const ssize_t sent = next<Send>("send")(socket, bytes, half ? count / 2 : count, flags);
  if (now) die();
  return sent;
}

ssize_t after_read(int socket, const void* bytes, ssize_t count) {
  const bool answers = count > 5 && std::memcmp(bytes, "HTTP/", 5) == 0;
  if (answers && peer_port(socket) == moment().tool && comes({"answer"})) die();
  return count;
}

}  // namespace

extern "C" {

ssize_t write(int file, const void* bytes, std::size_t count) {
  before_write(file, bytes, count);
  return next<decltype(::write)>("write")(file, bytes, count);
}

ssize_t pwrite(int file, const void* bytes, std::size_t count, off_t at) {
  before_write(file, bytes, count);
  return next<decltype(::pwrite)>("pwrite")(file, bytes, count, at);
}

ssize_t pwrite64(int file, const void* bytes, std::size_t count, off64_t at) {
  before_write(file, bytes, count);
  return next<decltype(::pwrite64)>("pwrite64")(file, bytes, count, at);
}

int fdatasync(int file) {
  before_change(path_of(file));
  return after_sync(file, next<decltype(::fdatasync)>("fdatasync")(file));
}

int fsync(int file) {
  before_change(path_of(file));
  return after_sync(file, next<decltype(::fsync)>("fsync")(file));
}

int ftruncate64(int file, off64_t size) noexcept {
  before_change(path_of(file));
  return next<int(int, off64_t)>("ftruncate64")(file, size);
}

int unlink(const char* path) noexcept {
  before_change(path);
  return next<int(const char*)>("unlink")(path);
}

ssize_t send(int socket, const void* bytes, std::size_t count, int flags) {
  const std::string port = peer_port(socket);
  if (!port.empty() && port == moment().store) return send_to_store(socket, bytes, count, flags);
  if (!port.empty() && port == moment().tool) return send_to_tool(socket, bytes, count, flags);
  return next<Send>("send")(socket, bytes, count, flags);
}

ssize_t recv(int socket, void* bytes, std::size_t count, int flags) {
  return after_read(socket, bytes, next<decltype(::recv)>("recv")(socket, bytes, count, flags));
}

// What the headers of the C library make of recv where they know the buffer's size.
// NOLINTNEXTLINE(bugprone-reserved-identifier)
ssize_t __recv_chk(int socket, void* bytes, std::size_t count, std::size_t, int flags) {
  return after_read(socket, bytes, next<decltype(::recv)>("recv")(socket, bytes, count, flags));
}
}
