#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>

#include "bindings.hpp"
#include "destination/registry.hpp"
#include "run/ask.hpp"
#include "run/fit.hpp"
#include "run/login.hpp"
#include "run/look.hpp"
#include "run/mapping.hpp"
#include "run/new_fields.hpp"
#include "run/spec.hpp"
#include "run/transports.hpp"
#include "source/postgres_source.hpp"
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

/// A schema with the match field alone: questions about the object itself look at no row.
Schema bare_schema(const std::string& match) {
  Schema schema;
  schema.columns.push_back({match, Type::text, Nulls::clear, kDefaultDigits});
  schema.field_count = 1;
  schema.key = {0};
  return schema;
}

std::string text_of_document(const json& document) {
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// One connection's login and transport, for questions.
class Asker {
 public:
  Asker(const json& connection, const std::string& state_url) : connection_(connection) {
    Login::Parts parts;
    parts.transport = make_transport;
    parts.clock = std::make_shared<SystemClock>();
    if (keeps_refresh_token(connection) && !state_url.empty()) {
      store_ = open_store(state_url, true);
      parts.with_store = [this](const std::function<void(StateStore&)>& use) { use(*store_); };
    }
    login_.emplace(connection, kUserAgent, std::move(parts));
  }

  [[nodiscard]] Answer try_it() { return try_login(*login_, kPatience); }
  [[nodiscard]] Answer operator()(const Destination& destination, const ReadAsk& question) {
    const auto transport = make_transport(transport_options(connection_, kUserAgent));
    return ask(destination, question, connection_, *login_, *transport, kPatience);
  }

 private:
  const json& connection_;
  std::unique_ptr<StateStore> store_;
  std::optional<Login> login_;
};

/// What is wrong with the login of a tool that tells no fields. A login may have the right to write
/// and not the one to ask whose it is.
Answer login_alone(const Destination& destination, Asker& asker) {
  Answer tried = asker.try_it();
  if (!tried.failure.empty() || !destination.capabilities().answers(ReadAsk::Kind::account)) {
    return tried;
  }
  constexpr int kForbidden = 403;
  constexpr int kNotFound = 404;
  Answer owner = asker(destination, {ReadAsk::Kind::account});
  const bool may_write = owner.status == kForbidden || owner.status == kNotFound;
  return may_write ? tried : owner;
}

std::string read_object(const std::string& connection_json, const std::string& object_json,
                        const std::string& kind, const std::string& state_url,
                        const std::string& match) {
  const json connection = json::parse(connection_json);
  const Schema schema = bare_schema(match);
  const auto destination = make_destination(connection, json::parse(object_json), schema);
  ReadAsk question;
  question.kind = kind_of(kind);
  Asker asker(connection, state_url);
  if (destination->capabilities().answers(question.kind)) {
    return text_of_document(to_json(asker(*destination, question)));
  }
  json told = to_json(login_alone(*destination, asker));
  told["fields"] = nullptr;
  return text_of_document(told);
}

std::string destination_facts(const std::string& connection_json, const std::string& object_json,
                              const std::string& match) {
  const auto destination =
      make_destination(json::parse(connection_json), json::parse(object_json), bare_schema(match));
  const Capabilities& can = destination->capabilities();
  json operations = json::array();
  for (const Operation one : can.operations) {
    operations.push_back({{"name", to_text(one)}, {"rows", can.rows_of(one)}});
  }
  return text_of_document({{"operations", std::move(operations)},
                           {"bytes", can.max_bytes},
                           {"jobs", can.max_jobs},
                           {"resumes", can.resumes},
                           {"describes", can.answers(ReadAsk::Kind::describe)},
                           {"reads", can.answers(ReadAsk::Kind::by_match)},
                           {"limits", can.rates.size()}});
}

/// The stream's rows, or those of the spec's own query where there is no stream.
std::unique_ptr<Source> source_of(const json& spec, std::unique_ptr<Source> streamed) {
  if (streamed) return streamed;
  const json& from = spec.at("source");
  return std::make_unique<PostgresSource>(from.at("dsn").get<std::string>(),
                                          from.at("select").get<std::string>(),
                                          PostgresSource::Options{});
}

std::string look_at_rows(const std::string& connection_json, const std::string& spec_json,
                         const std::string& state_url, const py::object& stream) {
  const json connection = json::parse(connection_json);
  const json spec = json::parse(spec_json);
  std::unique_ptr<Source> streamed = take_arrow_source(stream);
  const py::gil_scoped_release released;
  const std::unique_ptr<Source> source = source_of(spec, std::move(streamed));
  Schema schema = parse_schema(spec);
  set_types(schema, source->open());
  const auto destination = make_destination(connection, spec.at("object"), schema);
  Asker asker(connection, state_url);
  const auto asking = [&](const ReadAsk& question) { return asker(*destination, question); };
  return text_of_document(to_json(look_at(*source, schema, *destination, asking)));
}

std::string check_values(const std::string& spec_json, const std::string& fields_json,
                         const py::object& stream) {
  const json spec = json::parse(spec_json);
  std::unique_ptr<Source> streamed = take_arrow_source(stream);
  const py::gil_scoped_release released;
  const std::unique_ptr<Source> source = source_of(spec, std::move(streamed));
  const auto facts = parse_field_facts(json::parse(fields_json));
  return text_of_document(to_json(find_misfits(*source, parse_schema(spec), facts)));
}

std::string fields_to_make(const std::string& connection_json, const std::string& spec_json,
                           const std::string& fields_json, const py::object& stream) {
  const json spec = json::parse(spec_json);
  std::unique_ptr<Source> streamed = take_arrow_source(stream);
  const py::gil_scoped_release released;
  const std::unique_ptr<Source> source = source_of(spec, std::move(streamed));
  Schema schema = parse_schema(spec);
  set_types(schema, source->open());
  const auto destination =
      make_destination(json::parse(connection_json), spec.at("object"), schema);
  const auto known = parse_field_facts(json::parse(fields_json));
  return text_of_document(to_json(new_fields(*destination, schema, known)));
}

std::string check_mapping(const std::string& spec_json, const std::string& fields_json,
                          bool makes_records, bool makes_fields, bool offers_making) {
  const json spec = json::parse(spec_json);
  const auto fields = parse_field_facts(json::parse(fields_json));
  const std::string object = spec.at("object").at("name").get<std::string>();
  const bool finds_records = spec.at("mode") != "append";
  return text_of_document(
      to_json(mapping_flaws(parse_schema(spec), object, fields,
                            {makes_records, makes_fields, offers_making, finds_records})));
}

}  // namespace

void bind_destination(py::module_& module) {
  module.def("read_object", &read_object, py::arg("connection_json"), py::arg("object_json"),
             py::arg("kind"), py::arg("state_url"), py::arg("match"),
             py::call_guard<py::gil_scoped_release>(),
             "Asks the destination for an object's fields (describe) or the account. JSON: fields, "
             "account, failure, configuration; fields is null where the tool cannot tell.");
  module.def(
      "destination_facts", &destination_facts, py::arg("connection_json"), py::arg("object_json"),
      py::arg("match"),
      "What a destination does. JSON: operations with their rows a request, bytes a request, "
      "jobs at a time, resumes, describes, reads, and the number of its limits.");
  module.def(
      "look_at_rows", &look_at_rows, py::arg("connection_json"), py::arg("spec"),
      py::arg("state_url"), py::arg("stream") = py::none(),
      "Reads the model's first rows and their records, and changes nothing. JSON: rows of key, "
      "state and the fields that differ; failure. Raises SourceError.");
  module.def(
      "check_values", &check_values, py::arg("spec"), py::arg("fields_json"),
      py::arg("stream") = py::none(),
      "Reads the model and holds its values against the fields of read_object. JSON: a list of "
      "field and words: why, how many rows, and three examples. Raises SourceError.");
  module.def(
      "fields_to_make", &fields_to_make, py::arg("connection_json"), py::arg("spec"),
      py::arg("fields_json"), py::arg("stream") = py::none(),
      "What create_fields would make: the mapped fields that are not among those of read_object. "
      "JSON: a list of name and type. Raises ValueError for a name that the tool takes for none, "
      "and SourceError.");
  module.def(
      "check_mapping", &check_mapping, py::arg("spec"), py::arg("fields_json"),
      py::arg("makes_records"), py::arg("makes_fields"), py::arg("offers_making"),
      "Holds a mapping against the fields of read_object. JSON: a list of key (fields or match), "
      "field and message. What may be made is no flaw; offers_making: the destination can.");
}
