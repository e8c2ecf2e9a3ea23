// A body: split feeding gives the verdict, the data and the trailers of whole feeding; what was
// decoded, framed again and decoded again is the same body. The first byte of the input chooses the
// framing.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "http/http1_body.h"
#include "http/http1_writer.h"

namespace roundhouse::http {
namespace {

constexpr BodyLimits kLimits{.body_bytes = 3000, .trailer_bytes = 300};
constexpr std::size_t kTrailersMax = 6;

struct Result {
  Parse status = Parse::kMore;
  Failure failure = Failure::kNone;
  std::size_t consumed = 0;
  std::string data;
  std::vector<std::pair<std::string, std::string>> trailers;
};

Result decode(std::string_view input, BodyLength length, std::size_t first, std::size_t step,
              const BodyLimits& limits = kLimits) {
  Result result;
  BodyDecoder decoder(kTrailersMax);
  decoder.start(length, limits);
  for (std::size_t size = first;; size += step) {
    const std::string_view fed = input.substr(0, size);
    while (result.status == Parse::kMore) {
      const std::string_view rest = fed.substr(result.consumed);
      const std::vector<char> bytes(rest.begin(), rest.end());
      const BodyDecoder::Step taken = decoder.decode({bytes.data(), bytes.size()});
      CHECK(taken.consumed <= rest.size() && taken.data.size() <= taken.consumed);
      result.status = taken.status;
      result.consumed += taken.consumed;
      result.data += taken.data;
      for (std::size_t i = 0; decoder.done() && i < decoder.trailers().size(); ++i) {
        const Field field = decoder.trailers()[i];
        result.trailers.emplace_back(field.name, field.value);
      }
      if (taken.consumed == 0) break;
    }
    if (result.status != Parse::kMore || fed.size() == input.size()) break;
  }
  result.failure = decoder.failure();
  CHECK((result.failure == Failure::kNone) == (result.status != Parse::kFailed));
  return result;
}

void check_same(const Result& a, const Result& b) {
  CHECK(a.status == b.status && a.failure == b.failure);
  if (a.status == Parse::kFailed) return;
  CHECK(a.consumed == b.consumed && a.data == b.data && a.trailers == b.trailers);
}

void check_round_trip(const Result& result) {
  std::string framed;
  for (std::string_view rest = result.data; !rest.empty();) {
    const std::string_view chunk = rest.substr(0, 17);
    std::array<char, kChunkLineBytesMax> line;
    framed.append(line.data(), write_chunk_line(line, chunk.size()));
    framed += chunk;
    framed += kChunkEnd;
    rest.remove_prefix(chunk.size());
  }
  framed += kLastChunkLine;
  std::array<char, 1000> buffer;
  HeadWriter writer(buffer);
  for (const auto& [name, value] : result.trailers) writer.field(name, value);
  writer.end();
  CHECK(writer.ok());
  framed += writer.text();
  const Result again = decode(framed, {Framing::kChunked, 0}, framed.size(), 1,
                              {.body_bytes = 3000, .trailer_bytes = 1000});
  CHECK(again.status == Parse::kDone && again.consumed == framed.size());
  CHECK(again.data == result.data && again.trailers == result.trailers);
}

}  // namespace
}  // namespace roundhouse::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace roundhouse::http;
  if (size < 2) return 0;
  // Mostly chunked.
  BodyLength length{Framing::kChunked, 0};
  if (data[0] % 8 == 1) length = {Framing::kLength, data[1] + 1u};
  if (data[0] % 8 == 2) length = {Framing::kUntilClose, 0};
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Result whole = decode(input, length, input.size(), 1);
  check_same(whole, decode(input, length, data[1], input.size() + 1));
  check_same(whole, decode(input, length, 1, 1));
  if (whole.status == Parse::kDone) check_round_trip(whole);
  return 0;
}
