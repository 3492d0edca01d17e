#include "source/arrow_source.hpp"

#include <bit>
#include <cerrno>
#include <string_view>
#include <utility>

#include "source/failure.hpp"

namespace tailrace {

static_assert(std::endian::native == std::endian::little, "decimals are read byte by byte");

ArrowSource::ArrowSource(ArrowArrayStream&& stream) : stream_(stream) {}

std::vector<SourceColumn> ArrowSource::open() {
  try {
    check_cancelled();
    return read_schema();
  } catch (...) {
    release();
    throw;
  }
}

bool ArrowSource::next(Chunk& chunk) {
  chunk.clear();
  try {
    check_cancelled();
    fill(chunk);
  } catch (...) {
    release();
    throw;
  }
  return chunk.rows() > 0;
}

std::vector<SourceColumn> ArrowSource::read_schema() {
  if (!stream_.holds()) throw SourceError("source: the Arrow stream was already read", true);
  ArrowOwner<ArrowSchema> schema;
  const int code = stream_->get_schema(stream_.get(), schema.fill());
  if (code != 0) fail("the query failed", code);
  const bool is_table = schema->format != nullptr && std::string_view(schema->format) == "+s";
  if (!is_table || schema->n_children == 0) {
    throw SourceError("source: the Arrow stream has no columns", true);
  }
  std::vector<SourceColumn> described;
  for (std::int64_t i = 0; i < schema->n_children; ++i) {
    const ArrowSchema& child = *schema->children[i];
    std::string name = child.name == nullptr ? "" : child.name;
    ArrowField field = make_arrow_column({child, name});
    columns_.push_back(std::move(field.column));
    described.push_back({std::move(name), field.type, std::move(field.word)});
  }
  return described;
}

void ArrowSource::fill(Chunk& chunk) {
  while (!chunk.full()) {
    if (!batch_.holds() || row_ == batch_->length) {
      if (!fetch_batch()) return;
      continue;  // a batch may be empty
    }
    write_row(chunk.bytes(), row_);
    chunk.end_line();
    ++row_;
  }
}

bool ArrowSource::fetch_batch() {
  batch_.release();
  if (!stream_.holds()) return false;
  check_cancelled();
  const int code = stream_->get_next(stream_.get(), batch_.fill());
  if (code != 0) fail("reading the model broke off", code);
  if (!batch_.holds()) {
    release();
    return false;
  }
  bind_batch();
  return true;
}

void ArrowSource::bind_batch() {
  const auto expected = static_cast<std::int64_t>(columns_.size());
  if (batch_->n_children != expected || batch_->offset < 0 || batch_->length < 0) {
    throw SourceError("source: the driver sent an Arrow batch that does not fit its schema", false);
  }
  const bool may_have_nulls = batch_->null_count != 0 && batch_->n_buffers > 0;
  batch_validity_ = may_have_nulls ? static_cast<const std::uint8_t*>(batch_->buffers[0]) : nullptr;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    columns_[i]->bind(*batch_->children[i], batch_->offset + batch_->length);
  }
  row_ = 0;
}

void ArrowSource::write_row(std::string& out, std::int64_t row) const {
  const std::int64_t child_row = batch_->offset + row;
  const bool all_null = batch_validity_ != nullptr && !ArrowColumn::bit(batch_validity_, child_row);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (i > 0) out.push_back('\t');
    if (all_null) {
      out += "\\N";
    } else {
      columns_[i]->write(out, child_row);
    }
  }
}

void ArrowSource::release() noexcept {
  batch_.release();
  stream_.release();
}

void ArrowSource::check_cancelled() const {
  if (cancelled_.load(std::memory_order_acquire)) throw cancelled_error();
}

void ArrowSource::fail(const char* doing, int code) {
  const char* said =
      stream_->get_last_error == nullptr ? nullptr : stream_->get_last_error(stream_.get());
  std::string message = std::string("source: ") + doing + ": " +
                        (said == nullptr ? "the driver gives no reason" : tidy_message(said));
  const bool configuration =
      code == EINVAL || code == ENOSYS || code == ENOENT || code == EACCES || code == EPERM;
  throw SourceError(message, configuration, std::to_string(code));
}

}  // namespace tailrace
