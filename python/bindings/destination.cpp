#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "bindings.hpp"
#include "destination/registry.hpp"
#include "run/ask.hpp"
#include "run/login.hpp"
#include "state/store.hpp"

namespace py = pybind11;
using namespace tailrace;
using nlohmann::json;

namespace {

constexpr std::chrono::seconds kPatience{30};
constexpr const char* kUserAgent = "tailrace/" TAILRACE_VERSION;

ReadAsk::Kind kind_of(const std::string& word) {
  if (word == "describe") return ReadAsk::Kind::describe;
  if (word == "account") return ReadAsk::Kind::account;
  throw std::invalid_argument("kind must be describe or account, not '" + word + "'");
}

/// A schema with one field: questions about the object itself look at no row.
Schema bare_schema() {
  Schema schema;
  schema.columns.push_back({"id", Type::text, Nulls::clear, kDefaultDigits});
  schema.field_count = 1;
  schema.key = {0};
  return schema;
}

std::string read_object(const std::string& connection_json, const std::string& object_json,
                        const std::string& kind, const std::string& state_url) {
  const json connection = json::parse(connection_json);
  const Schema schema = bare_schema();
  const auto destination = make_destination(connection, json::parse(object_json), schema);
  ReadAsk question;
  question.kind = kind_of(kind);
  const std::vector<ReadAsk::Kind>& reads = destination->capabilities().reads;
  std::unique_ptr<StateStore> store;
  Login::Parts parts;
  parts.transport = http::make_curl_transport;
  parts.clock = std::make_shared<SystemClock>();
  if (keeps_refresh_token(connection) && !state_url.empty()) {
    store = open_store(state_url, true);
    parts.with_store = [&store](const std::function<void(StateStore&)>& use) { use(*store); };
  }
  Login login(connection, kUserAgent, std::move(parts));
  if (std::find(reads.begin(), reads.end(), question.kind) == reads.end()) {
    json told = to_json(try_login(login, kPatience));
    told["fields"] = nullptr;
    return told.dump(-1, ' ', false, json::error_handler_t::replace);
  }
  const auto transport = http::make_curl_transport(transport_options(connection, kUserAgent));
  const Answer answer = ask(*destination, question, connection, login, *transport, kPatience);
  return to_json(answer).dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

void bind_destination(py::module_& module) {
  module.def("read_object", &read_object, py::arg("connection_json"), py::arg("object_json"),
             py::arg("kind"), py::arg("state_url"), py::call_guard<py::gil_scoped_release>(),
             "Asks the destination for an object's fields (describe) or the account. JSON: fields, "
             "account, failure, configuration; fields is null where the tool cannot tell.");
}
