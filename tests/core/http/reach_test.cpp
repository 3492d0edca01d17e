// Where requests go, and where none may.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "http/transport.hpp"
#include "one_request.hpp"
#include "support/raw_server.hpp"

namespace tailrace::http {
namespace {

using namespace std::chrono_literals;
using tailrace::testing::http_answer;
using tailrace::testing::RawRequest;
using tailrace::testing::RawServer;
using tailrace::testing::Then;
using Send = std::function<void(std::string)>;

/// Answers everything with this status.
RawServer::Handler answering(int status) {
  return [status](const RawRequest&, const Send& send) {
    send(http_answer(status, "{}"));
    return Then::keep;
  };
}

TransportOptions options_for(const std::string& base_url) {
  TransportOptions options;
  options.base_url = base_url;
  options.user_agent = "tailrace/test";
  options.connect_timeout = 2s;
  options.total_timeout = 5s;
  return options;
}

Outgoing with_secret() {
  Outgoing outgoing;
  outgoing.id = 1;
  outgoing.request.method = wire::Method::post;
  outgoing.request.path = "/rows";
  outgoing.request.body = "{}";
  outgoing.credentials = {{"Authorization", "Bearer canary"}};
  return outgoing;
}

// --- proxies

TEST(Reach, TheEnvironmentsProxyIsNotUsed) {
  RawServer proxy(answering(200));
  RawServer server(answering(201));
  for (const char* name : {"http_proxy", "all_proxy"}) ::setenv(name, proxy.url().c_str(), 1);
  const auto transport = make_curl_transport(options_for(server.url()));
  EXPECT_EQ(one(*transport, with_secret()).reply.status, 201);
  for (const char* name : {"http_proxy", "all_proxy"}) ::unsetenv(name);
  EXPECT_TRUE(proxy.requests().empty());
}

TEST(Reach, TheConnectionsProxyIsUsed) {
  RawServer proxy(answering(202));
  RawServer server(answering(201));
  TransportOptions options = options_for(server.url());
  options.proxy = proxy.url();
  EXPECT_EQ(one(*make_curl_transport(options), with_secret()).reply.status, 202);
  ASSERT_EQ(proxy.requests().size(), 1u);
  EXPECT_TRUE(proxy.requests()[0].head.starts_with("POST " + server.url() + "/rows HTTP/1.1\r\n"));
  EXPECT_TRUE(server.requests().empty());
}

TEST(Reach, AProxyOfHttpsIsAskedForATunnelAndSeesNoCredential) {
  RawServer proxy(answering(403));
  TransportOptions options = options_for("https://crm.example.invalid");
  options.proxy = proxy.url();
  const Finished finished = one(*make_curl_transport(options), with_secret());
  EXPECT_EQ(finished.reply.failure, wire::Failure::not_sent) << finished.reply.failure_text;
  ASSERT_FALSE(proxy.requests().empty());
  const std::string head = proxy.requests()[0].head;
  EXPECT_TRUE(head.starts_with("CONNECT crm.example.invalid:443 HTTP/1.1\r\n")) << head;
  EXPECT_EQ(head.find("canary"), std::string::npos) << head;
}

// --- base URLs

TEST(Reach, ABaseUrlThatIsNeitherHttpsNorLoopbackIsRefused) {
  for (const char* url : {
           "http://example.com",
           "ftp://127.0.0.1",
           "file:///etc/passwd",
           "gopher://127.0.0.1/",
           "https+unix:///run/x",
           "",
           "/rows",
           "127.0.0.1:80",
           "http://10.0.0.1/",
           "http://0x0a000001/",
           "http://[::ffff:10.0.0.1]/",
           "http://169.254.169.254/latest/meta-data",
           "http://user:pw@127.0.0.1/",
           "https://user@crm.example.com/",
           "https://crm.example.com@10.0.0.1/",
           "http://127.0.0.1:80@example.com/",
           "http://127.0.0.1\\@example.com/",
           "https://h/?q=1",
           "https://h/#f",
           "http://127.0.0.1.example.com",
           "http://localhost.evil.test",
           "http://localhost./",
           "https://a b/",
           "https://a\r\nHost: b/",
           "https://h:99999/",
           "https://h:-1/",
           "https://[::1/",
       }) {
    EXPECT_THROW((void)make_curl_transport(options_for(url)), std::invalid_argument) << url;
  }
}

/// Addresses that the internet does not reach, as they may be spelled.
const std::vector<std::string> kPrivateHosts = {
    "0.0.0.0",
    "0",
    "10.1.2.3",
    "167838211",
    "0x0a010203",
    "0xa.0x1.0x2.0x3",
    "012.01.02.03",
    "10.66051",
    "10.1.515",
    "%31%30.1.2.3",
    "100.64.0.1",
    "169.254.169.254",
    "2852039166",
    "172.16.0.1",
    "192.168.1.1",
    "3232235777",
    "192.0.2.1",
    "198.18.0.1",
    "255.255.255.255",
    "[::]",
    "[fe80::1]",
    "[fd00::1]",
    "[::ffff:10.1.2.3]",
    "[::ffff:a01:203]",
    "[64:ff9b::a01:203]",
    "[2002:a01:203::1]",
};

TEST(Reach, NoSpellingOfAPrivateAddressIsTaken) {
  for (const std::string& host : kPrivateHosts) {
    const std::string url = "https://" + host + ":1";
    EXPECT_THROW((void)make_curl_transport(options_for(url)), std::invalid_argument) << url;
    TransportOptions allowed = options_for(url);
    allowed.allow_private = true;
    EXPECT_NO_THROW((void)make_curl_transport(allowed)) << url;
  }
}

/// Names are judged by what they stand for when they are asked: here by the loopback address that
/// a base of another kind must not reach.
TEST(Reach, ANameThatStandsForAnAddressOfAnotherKindIsNotConnectedTo) {
  RawServer server(answering(200));
  const std::string port = server.url().substr(server.url().rfind(':'));
  const auto transport = make_curl_transport(options_for("https://crm.example.invalid"));
  for (const char* host : {"localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "2130706433"}) {
    Outgoing outgoing = with_secret();
    BaseUrl base;
    base.text = "http://" + (host + port);
    outgoing.base = std::make_shared<const BaseUrl>(base);
    const Finished finished = one(*transport, std::move(outgoing));
    EXPECT_EQ(finished.reply.failure, wire::Failure::untrusted) << host;
    EXPECT_NE(finished.reply.failure_text.find("allow_private"), std::string::npos)
        << finished.reply.failure_text;
    EXPECT_EQ(finished.sent_at, SteadyTime{});
  }
  EXPECT_EQ(server.connections(), 0) << "not so much as a connection";
}

TEST(Reach, NoProtocolButHttpIsSpoken) {
  RawServer server(answering(200));
  const std::string port = server.url().substr(server.url().rfind(':'));
  const auto transport = make_curl_transport(options_for(server.url()));
  for (const char* scheme : {"file", "ftp", "gopher", "dict", "smtp", "telnet", "ldap", "ws"}) {
    Outgoing outgoing = with_secret();
    BaseUrl base;
    base.text = std::string(scheme) + "://127.0.0.1" + port;
    base.loopback = true;
    outgoing.base = std::make_shared<const BaseUrl>(base);
    const Finished finished = one(*transport, std::move(outgoing));
    EXPECT_NE(finished.reply.failure, wire::Failure::none) << scheme;
    EXPECT_EQ(finished.sent_at, SteadyTime{}) << scheme;
  }
  EXPECT_EQ(server.connections(), 0);
}

// --- deadlines

/// A port of this machine where a new connection gets no answer, as where packets are dropped: its
/// queue is full.
class SilentPort {
 public:
  SilentPort() {
    listener_ = socket_to([](int one, const sockaddr* to, socklen_t size) {
      return ::bind(one, to, size) == 0 && ::listen(one, 0) == 0;
    });
    socklen_t size = sizeof address_;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address_), &size);
    for (int i = 0; i < 4; ++i) {
      waiting_.push_back(socket_to([](int one, const sockaddr* to, socklen_t length) {
        static_cast<void>(::connect(one, to, length));  // under way, or in the queue
        return true;
      }));
    }
  }
  ~SilentPort() {
    for (const int one : waiting_) ::close(one);
    ::close(listener_);
  }
  SilentPort(const SilentPort&) = delete;
  SilentPort& operator=(const SilentPort&) = delete;

  [[nodiscard]] std::string url() const {
    return "http://127.0.0.1:" + std::to_string(ntohs(address_.sin_port));
  }

 private:
  template <typename Use>
  int socket_to(Use use) {
    const int one = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (!use(one, reinterpret_cast<const sockaddr*>(&address_), socklen_t{sizeof address_})) {
      throw std::runtime_error("no loopback port");
    }
    return one;
  }

  sockaddr_in address_{};
  int listener_ = -1;
  std::vector<int> waiting_;
};

TEST(Reach, AConnectionThatIsNotMadeEndsAtItsOwnDeadlineAndNothingWasSent) {
  const SilentPort port;
  TransportOptions options = options_for(port.url());
  options.connect_timeout = 300ms;
  options.total_timeout = 60s;
  const auto begin = std::chrono::steady_clock::now();
  const Finished finished = one(*make_curl_transport(options), with_secret());
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_EQ(finished.reply.failure, wire::Failure::not_sent);
  EXPECT_EQ(finished.sent_at, SteadyTime{});
  EXPECT_GE(took, 290ms);
  EXPECT_LT(took, 5s);
}

}  // namespace
}  // namespace tailrace::http
