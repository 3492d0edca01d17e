#include "run/recording.hpp"

#include "wire/body.hpp"

namespace tailrace::http {
namespace {

using nlohmann::json;

constexpr std::size_t kShownBytes = 64 << 10;

json headers_of(const std::vector<wire::Header>& headers) {
  json shown = json::object();
  for (const wire::Header& header : headers) shown[header.name] = header.value;
  return shown;
}

}  // namespace

std::vector<Finished> Recording::poll(std::chrono::milliseconds wait) {
  std::vector<Finished> finished = inner_->poll(wait);
  for (const Finished& one : finished) {
    const wire::Reply& reply = one.reply;
    answers_.push_back({{"status", reply.status},
                        {"failure", reply.failure_text},
                        {"headers", headers_of(reply.headers)},
                        {"body", reply.body.substr(0, kShownBytes)}});
  }
  return finished;
}

json to_json(const wire::Request& request) {
  return {{"method", wire::to_text(request.method)},
          {"path", request.path + (request.query.empty() ? "" : "?" + request.query)},
          {"headers", headers_of(request.headers)},
          {"body", wire::body_prefix(request, wire::kMostInMemory)}};
}

}  // namespace tailrace::http
