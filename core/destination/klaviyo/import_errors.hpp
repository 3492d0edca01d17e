#pragma once

#include <cstddef>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "destination/destination.hpp"
#include "destination/klaviyo/answer.hpp"
#include "destination/klaviyo/sent.hpp"
#include "destination/settle.hpp"
#include "wire/body.hpp"

namespace tailrace::klaviyo {

/// What is known of an import's rows while the pages of its errors are read, one after the other.
/// Errors are in no order: their pointers say whose they are.
class ImportErrors {
 public:
  /// `failed`: how many the job counts, where it says so.
  ImportErrors(Sent sent, const Batch& batch, std::optional<std::size_t> failed);

  void add(const Problem& problem);
  [[nodiscard]] std::size_t size() const { return told_; }
  [[nodiscard]] const std::string& job() const { return sent_.job; }
  /// Once all pages are read: rows that have no error are accepted, unless some error is nobody's
  /// or the job counts more of them.
  [[nodiscard]] Step take() &&;

 private:
  Sent sent_;
  Operation operation_;
  std::optional<std::size_t> failed_;
  Evidence evidence_;
  std::size_t told_ = 0;  // errors, of whoever they are
  std::size_t named_ = 0;  // rows that have one
  std::optional<Reason> nobodys_;
};

/// Takes one page while it is received, for the request that asks for it.
class ErrorPage final : public wire::ReplySink {
 public:
  explicit ErrorPage(std::shared_ptr<ImportErrors> errors) : errors_(std::move(errors)) {}

  [[nodiscard]] bool begin(const wire::Reply& head) override;
  [[nodiscard]] bool take(std::string_view bytes) override;

  /// The page was read whole and goes to the errors. Where to go on: a cursor, or empty at the
  /// end; nullopt: it is no page.
  [[nodiscard]] std::optional<std::string> finish();
  [[nodiscard]] const std::shared_ptr<ImportErrors>& errors() const { return errors_; }

 private:
  std::shared_ptr<ImportErrors> errors_;
  std::string text_;
};

/// Asks for a page; `cursor` is empty for the first.
[[nodiscard]] Call ask_for_errors(std::shared_ptr<ImportErrors> errors, const std::string& cursor);

}  // namespace tailrace::klaviyo
