#include "destination/klaviyo/event_writer.hpp"

#include "destination/klaviyo/facts.hpp"
#include "row/row_view.hpp"
#include "wire/json_writer.hpp"

namespace tailrace::klaviyo {
namespace {

[[nodiscard]] wire::RowForm event_form(bool with_match) {
  wire::RowForm form;
  form.with_match = with_match;
  return form;
}

[[nodiscard]] std::string head_of(const std::string& metric) {
  std::string head = R"({"data":{"type":"event","attributes":{"metric":{"data":)"
                     R"({"type":"metric","attributes":{"name":)";
  wire::append_json_string(head, metric);
  return head.append(R"(}}},"profile":{"data":)");
}

}  // namespace

EventWriter::EventWriter(const Target& target, const Schema& schema)
    : EventWriter(target, schema, in_event(schema)) {}

EventWriter::EventWriter(const Target& target, const Schema& schema, const Schema& document)
    : head_(head_of(target.metric)),
      by_id_(target.by_id),
      profile_(document, event_form(true)),
      event_(document, event_form(false)) {
  const auto fields = schema.fields();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string& name = fields[i].name;
    const bool identifies = is_identifier(name);
    const bool is_property = !identifies && name.starts_with(kProperties);
    of_profile_ += identifies ? '\1' : '\0';
    of_properties_ += is_property ? '\1' : '\0';
    of_event_ += identifies || is_property ? '\0' : '\1';
    if (name == kUniqueId) unique_id_ = i;
  }
}

void EventWriter::write(std::string& out, const Batch& batch, RowIndex row,
                        std::string_view unique_id) const {
  const std::string_view line = batch.rows[row].line;
  wire::RowScratch scratch;
  out.append(head_);
  write_profile(out, line, scratch);
  out += '}';
  write_members(out, line, scratch, of_event_);
  if (!unique_id_ || Cell(scratch.cells[*unique_id_]).is_null()) {
    out.append(",\"").append(kUniqueId).append("\":");
    wire::append_json_string(out, unique_id);
  }
  const std::size_t before = out.size();
  write_members(out, line, scratch, of_properties_);
  if (out.size() == before) out.append(R"(,"properties":{})");  // an event must have them
  out += "}}}";
}

void EventWriter::write_profile(std::string& out, std::string_view line,
                                wire::RowScratch& scratch) const {
  const std::size_t start = out.size();
  profile_.write(out, line, scratch, of_profile_);
  // Of a profile that is known by its id alone there must be attributes all the same.
  constexpr std::string_view kMember = "\"attributes\":{";
  std::string head = R"("type":"profile",)";
  if (by_id_ && out.find(kMember, start) == std::string::npos) head.append(kMember).append("},");
  out.insert(start + 1, head);
}

/// The members of an object, to follow others.
void EventWriter::write_members(std::string& out, std::string_view line, wire::RowScratch& scratch,
                                std::string_view marks) const {
  const std::size_t start = out.size();
  event_.write(out, line, scratch, marks);
  constexpr std::size_t kEmpty = 2;
  if (out.size() - start == kEmpty) return out.resize(start);
  out[start] = ',';
  out.pop_back();
}

std::size_t EventWriter::bound(std::string_view line) const {
  // Beside the row's own members: the profile's, "unique_id":…, "properties":{}.
  constexpr std::size_t kEnvelope = 256;
  constexpr std::size_t kEnough = kMaxBytes / 2;
  return head_.size() + kEnvelope + event_.bound(line, kEnough);
}

}  // namespace tailrace::klaviyo
