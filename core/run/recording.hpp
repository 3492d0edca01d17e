#pragma once

#include <memory>
#include <nlohmann/json.hpp>

#include "http/transport.hpp"

namespace tailrace::http {

/// Passes everything on to another transport and remembers the answers: for a run of one row.
class Recording final : public Transport {
 public:
  explicit Recording(std::unique_ptr<Transport> inner) : inner_(std::move(inner)) {}

  void start(Outgoing outgoing) override { inner_->start(std::move(outgoing)); }
  [[nodiscard]] std::vector<Finished> poll(std::chrono::milliseconds wait) override;
  void wake() noexcept override { inner_->wake(); }
  void abandon() override { inner_->abandon(); }
  [[nodiscard]] std::size_t in_flight() const override { return inner_->in_flight(); }

  /// [{status, failure, headers, body}], in the order in which they came. Bodies are cut.
  [[nodiscard]] nlohmann::json answers() const { return answers_; }

 private:
  std::unique_ptr<Transport> inner_;
  nlohmann::json answers_ = nlohmann::json::array();
};

/// {method, path, headers, body}: what a request says, without credentials.
[[nodiscard]] nlohmann::json to_json(const wire::Request& request);

}  // namespace tailrace::http
