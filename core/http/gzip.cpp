#include "http/gzip.hpp"

#define ZLIB_CONST
#include <zlib.h>

#include <limits>
#include <new>
#include <stdexcept>

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

}  // namespace

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
