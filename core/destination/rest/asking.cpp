#include "destination/rest/asking.hpp"

#include <array>
#include <nlohmann/json.hpp>

#include "wire/json_writer.hpp"

namespace tailrace::rest {
namespace {

constexpr std::size_t kMostAsked = 1000;
constexpr std::array kAskingMethods{Word<wire::Method>{"GET", wire::Method::get},
                                    Word<wire::Method>{"POST", wire::Method::post}};

}  // namespace

Asking read_asking(const Settings& reader) {
  Asking asking;
  const nlohmann::json* body = reader.given("body");
  asking.method = reader.word("method", kAskingMethods, body == nullptr ? "GET" : "POST");
  asking.path = Template::of_path(reader.text("path", ""), reader.place("path"));
  if (reader.text("path", "").find("{key}") != std::string::npos) {
    reader.refuse("path", "must hold {match}, and no {key}: records are asked for by match value");
  }
  if (asking.path.has_id()) reader.refuse("path", "holds {id}, which is what is looked for");
  asking.batch_rows = reader.count("batch_rows", 1, kMostAsked);
  asking.has_body = body != nullptr;
  if (body != nullptr) {
    asking.body = Template::of_shape(*body, "$matches", false, reader.place("body"));
  }
  if (asking.has_body == asking.path.has_placeholder()) {
    reader.refuse("path", "must hold {match}, or body $matches");
  }
  if (!asking.has_body && asking.batch_rows != 1) {
    reader.refuse("batch_rows", "must be 1: the path asks for one record");
  }
  return asking;
}

wire::Request question_for(const Asking& asking, const std::vector<std::string_view>& matches) {
  wire::Request request;
  request.method = asking.method;
  asking.path.append_address(request, {{}, matches.front()});
  if (!asking.has_body) return request;
  request.content_type = "application/json";
  asking.body.append(request.body, {}, [&matches](std::string& out) {
    out.push_back('[');
    for (const std::string_view match : matches) {
      if (out.back() != '[') out.push_back(',');
      wire::append_json_string(out, match);
    }
    out.push_back(']');
  });
  return request;
}

wire::Request question_at(std::string_view path) {
  wire::Request request;
  request.method = wire::Method::get;
  const std::size_t query = path.find('?');
  request.path = path.substr(0, query);
  if (query != std::string_view::npos) request.query = path.substr(query + 1);
  return request;
}

}  // namespace tailrace::rest
