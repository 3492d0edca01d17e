#pragma once

#include <string>

#include "emulator.hpp"
#include "process.hpp"

namespace tailrace::simulation {

[[nodiscard]] inline std::string who(const Process& process) {
  return "run " + std::to_string(process.number());
}

[[nodiscard]] inline bool is_write(const Delivery& delivery) {
  return delivery.ask.op != Ask::Op::find;
}

/// True where the sender has seen that nothing of the request was done for what it holds.
[[nodiscard]] inline bool says_no(const Delivery& delivery) {
  const int status = delivery.reply.status;
  return delivery.reply.failure == wire::Failure::none && status >= 400 && status < 500;
}

}  // namespace tailrace::simulation
