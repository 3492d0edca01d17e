#include "row/line_store.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace tailrace {

std::optional<std::string_view> LineCursor::next() {
  if (at_ == lines_->places.size()) return std::nullopt;
  const LinePlace& place = lines_->places[at_++];
  if (place.bytes == 0) return std::string_view();
  const bool loaded = place.offset >= window_offset_ &&
                      place.offset + place.bytes <= window_offset_ + window_.size();
  if (!loaded) load(place);
  return std::string_view(window_).substr(place.offset - window_offset_, place.bytes);
}

std::string_view LineCursor::send() const {
  if (lines_->send.empty()) return {};
  return std::string_view(lines_->send).substr((at_ - 1) * lines_->fields, lines_->fields);
}

void LineCursor::load(const LinePlace& place) {
  window_.resize(std::max<std::size_t>(kWindowBytes, place.bytes));
  window_.resize(lines_->store->read(place.offset, window_));
  window_offset_ = place.offset;
  if (window_.size() < place.bytes) {
    throw std::system_error(EIO, std::generic_category(), "row: the rows of a batch were cut");
  }
}

}  // namespace tailrace
