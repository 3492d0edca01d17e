#include "http/gzip.hpp"

#define ZLIB_CONST
#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>
#include <span>
#include <stdexcept>
#include <utility>

namespace tailrace::http {
namespace {

// Rows of JSON shrink to about a tenth at any level; the higher ones cost several times as much.
constexpr int kLevel = 3;
constexpr int kWindowOfGzip = 15 + 16;  // zlib's way to ask for gzip
constexpr int kMemory = 8;

/// A deflate stream that ends with its scope.
struct Deflating {
  z_stream stream{};
  Deflating() {
    const int made =
        deflateInit2(&stream, kLevel, Z_DEFLATED, kWindowOfGzip, kMemory, Z_DEFAULT_STRATEGY);
    if (made != Z_OK) throw std::bad_alloc();
  }
  ~Deflating() { deflateEnd(&stream); }
  Deflating(const Deflating&) = delete;
  Deflating& operator=(const Deflating&) = delete;
};

class GzipReader final : public wire::BodyReader {
 public:
  explicit GzipReader(std::unique_ptr<wire::BodyReader> plain)
      : plain_(std::move(plain)), piece_(kPiece, '\0') {}

  std::size_t read(std::span<char> into) override {
    z_stream& stream = deflating_.stream;
    stream.next_out = reinterpret_cast<Bytef*>(into.data());
    stream.avail_out = static_cast<uInt>(std::min<std::size_t>(into.size(), kPiece));
    const uInt room = stream.avail_out;
    while (!ended_ && stream.avail_out > 0) {
      if (stream.avail_in == 0 && !read_all_) refill();
      ended_ = deflate(&stream, read_all_ ? Z_FINISH : Z_NO_FLUSH) == Z_STREAM_END;
    }
    return room - stream.avail_out;
  }

 private:
  void refill() {
    const std::size_t got = plain_->read(piece_);
    read_all_ = got == 0;
    deflating_.stream.next_in = reinterpret_cast<const Bytef*>(piece_.data());
    deflating_.stream.avail_in = static_cast<uInt>(got);
  }

  static constexpr std::size_t kPiece = 64u << 10;
  std::unique_ptr<wire::BodyReader> plain_;
  Deflating deflating_;
  std::string piece_;
  bool read_all_ = false;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<wire::BodyReader> gzip_reader(std::unique_ptr<wire::BodyReader> plain) {
  return std::make_unique<GzipReader>(std::move(plain));
}

std::string gzip(std::string_view bytes) {
  if (bytes.size() > std::numeric_limits<uInt>::max() / 2) {
    throw std::length_error("gzip: a body of more than 2 GiB");
  }
  Deflating deflating;
  z_stream& stream = deflating.stream;
  std::string out(deflateBound(&stream, static_cast<uLong>(bytes.size())), '\0');
  stream.next_in = reinterpret_cast<const Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) throw std::logic_error("gzip: no end");
  out.resize(stream.total_out);
  return out;
}

}  // namespace tailrace::http
