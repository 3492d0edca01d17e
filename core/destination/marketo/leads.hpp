#pragma once

#include <string>

#include "destination/destination.hpp"
#include "destination/marketo/target.hpp"
#include "destination/records.hpp"

namespace tailrace::marketo {

/// Leads written 300 a request (Sync Leads), each with an outcome of its own.
class Leads {
 public:
  /// `partition`: in which new leads are made; empty: left to Marketo.
  Leads(const Target& target, const Schema& schema, std::string partition);

  [[nodiscard]] Step begin(const Batch& batch) const;
  [[nodiscard]] Step reply(const Batch& batch, const wire::Reply& reply) const;
  /// Upper bound of what a row adds to a request.
  [[nodiscard]] std::size_t bound(std::string_view line) const;

 private:
  const Target& target_;
  std::string partition_;
  RecordWriter records_;
};

}  // namespace tailrace::marketo
