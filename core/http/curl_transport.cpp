#include <curl/curl.h>

#include <cerrno>
#include <fstream>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "http/curl_transfer.hpp"
#include "http/transport.hpp"

namespace tailrace::http {
namespace {

/// Once a process, after any fork: a run makes its first transport in its own worker.
void init_curl_once() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
      throw std::runtime_error("libcurl could not be initialised");
    }
  });
}

/// What a name stands for is known when it is asked; an address says so at once.
void check_reach(const BaseUrl& base, const TransportOptions& options) {
  if (!base.off_internet || options.allow_private || !options.proxy.empty()) return;
  throw std::invalid_argument("base_url: the address of " + base.text +
                              " is a private one: set allow_private to reach it");
}

/// libcurl would say so at the first request only, and of each request anew.
void check_ca_file(const std::string& path) {
  if (path.empty()) return;
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (file.is_open() && file.peek() != std::ifstream::traits_type::eof()) return;
  const std::string why =
      errno == 0 ? std::string("it is empty") : std::generic_category().message(errno);
  throw std::invalid_argument("ca_file: the certificates in " + path + " cannot be read (" + why +
                              ")");
}

class CurlTransport final : public Transport {
 public:
  explicit CurlTransport(const TransportOptions& options) : options_(options) {
    init_curl_once();
    base_ = check_base_url(options_.base_url);
    check_reach(base_, options_);
    check_ca_file(options_.ca_file);
    multi_.reset(curl_multi_init());
    if (!multi_) throw std::bad_alloc();
    const auto most = static_cast<long>(options_.max_in_flight);
    curl_multi_setopt(multi_.get(), CURLMOPT_MAX_HOST_CONNECTIONS, most);
    curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, most);
  }

  ~CurlTransport() override {
    for (auto& [easy, transfer] : active_) curl_multi_remove_handle(multi_.get(), easy);
  }
  CurlTransport(const CurlTransport&) = delete;
  CurlTransport& operator=(const CurlTransport&) = delete;

  void start(Outgoing outgoing) override {
    std::unique_ptr<CurlTransfer> transfer;
    if (idle_.empty()) {
      transfer = std::make_unique<CurlTransfer>(options_, base_);
    } else {
      transfer = std::move(idle_.back());
      idle_.pop_back();
    }
    if (!transfer->prepare(std::move(outgoing))) {
      finished_.push_back(transfer->refusal());
      idle_.push_back(std::move(transfer));
      return;
    }
    CURL* easy = transfer->easy();
    curl_multi_add_handle(multi_.get(), easy);
    active_.emplace(easy, std::move(transfer));
  }

  std::vector<Finished> poll(std::chrono::milliseconds wait) override {
    perform();
    if (finished_.empty()) {
      const auto ms = static_cast<int>(std::max<std::int64_t>(0, wait.count()));
      curl_multi_poll(multi_.get(), nullptr, 0, ms, nullptr);
      perform();
    }
    return std::exchange(finished_, {});
  }

  void wake() noexcept override { curl_multi_wakeup(multi_.get()); }

  void abandon() override {
    while (!active_.empty()) {
      CURL* easy = active_.begin()->first;
      take_out(easy, CURLE_ABORTED_BY_CALLBACK, true);
    }
  }

  std::size_t in_flight() const override { return active_.size(); }

 private:
  void perform() {
    int running = 0;
    curl_multi_perform(multi_.get(), &running);
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      CURL* easy = message->easy_handle;
      const CURLcode code = message->data.result;
      take_out(easy, code, false);
    }
  }

  void take_out(CURL* easy, CURLcode code, bool abandoned) {
    curl_multi_remove_handle(multi_.get(), easy);
    auto found = active_.find(easy);
    std::unique_ptr<CurlTransfer> transfer = std::move(found->second);
    active_.erase(found);
    finished_.push_back(transfer->finish(code, abandoned));
    idle_.push_back(std::move(transfer));
  }

  TransportOptions options_;
  BaseUrl base_;
  std::unique_ptr<CURLM, MultiDeleter> multi_;
  std::unordered_map<CURL*, std::unique_ptr<CurlTransfer>> active_;
  std::vector<std::unique_ptr<CurlTransfer>> idle_;
  std::vector<Finished> finished_;
};

}  // namespace

std::unique_ptr<Transport> make_curl_transport(const TransportOptions& options) {
  return std::make_unique<CurlTransport>(options);
}

}  // namespace tailrace::http
