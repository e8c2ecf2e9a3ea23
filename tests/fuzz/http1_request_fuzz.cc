// A request head: split feeding gives the verdict of whole feeding; what was parsed, written again
// and parsed again is the same request; what was refused stays refused when more bytes follow.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "http/http1_request_parser.h"
#include "http/http1_writer.h"

namespace roundhouse::http {
namespace {

constexpr HeadLimits kLimits{.line_bytes = 200, .head_bytes = 1000, .fields = 12};

struct Result {
  explicit Result(std::size_t fields) : request(fields) {}
  Parse status = Parse::kMore;
  Failure failure = Failure::kNone;
  std::vector<char> bytes;  // exactly as many as were fed, so that the sanitizer sees an overrun
  Request request;
};

// A first piece of `first` bytes, then `step` at a time.
Result parse(std::string_view input, std::size_t first, std::size_t step,
             const HeadLimits& limits = kLimits) {
  Result result(limits.fields);
  RequestParser parser(limits);
  for (std::size_t size = first;; size += step) {
    const std::string_view fed = input.substr(0, size);
    result.bytes.assign(fed.begin(), fed.end());
    result.status = parser.parse({result.bytes.data(), fed.size()}, result.request);
    if (result.status != Parse::kMore || fed.size() == input.size()) break;
  }
  result.failure = parser.failure();
  return result;
}

void check_same(const Request& a, const Request& b) {
  CHECK(a.method == b.method && a.method_name == b.method_name);
  CHECK(a.form == b.form && a.target == b.target && a.authority == b.authority);
  CHECK(a.path == b.path && a.query == b.query);
  CHECK(a.body.framing == b.body.framing && a.body.bytes == b.body.bytes);
  CHECK(a.expect_continue == b.expect_continue);
  CHECK(a.fields.size() == b.fields.size());
  for (std::size_t i = 0; i < a.fields.size(); ++i) {
    CHECK(a.fields[i].name == b.fields[i].name);
    CHECK(a.fields[i].value == b.fields[i].value);
    CHECK(a.fields[i].id == b.fields[i].id);
  }
}

void check_same(const Result& a, const Result& b) {
  CHECK(a.status == b.status);
  CHECK(a.failure == b.failure);
  if (a.status != Parse::kDone) return;
  CHECK(a.request.head_size == b.request.head_size);
  CHECK(a.request.keep_alive == b.request.keep_alive);
  check_same(a.request, b.request);
}

void check_round_trip(const Request& request) {
  std::array<char, 2000> buffer;
  HeadWriter writer(buffer);
  writer.request_line(request.method_name, request.target);
  for (std::size_t i = 0; i < request.fields.size(); ++i)
    writer.field(request.fields[i].name, request.fields[i].value);
  writer.end();
  CHECK(writer.ok());
  // A space may have been added to each field, and the version is 1.1 now.
  const HeadLimits wider{.line_bytes = 200, .head_bytes = 2000, .fields = 12};
  const Result again = parse(writer.text(), writer.size(), 1, wider);
  if (request.version == Version::kHttp10) {
    CHECK(again.status == Parse::kDone || again.failure == Failure::kMissingHost);
    return;
  }
  CHECK(again.status == Parse::kDone);
  CHECK(again.request.head_size == writer.size());
  CHECK(again.request.keep_alive == request.keep_alive);
  check_same(request, again.request);
}

}  // namespace
}  // namespace roundhouse::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace roundhouse::http;
  if (size < 2) return 0;
  const std::size_t cut = data[0] | static_cast<std::size_t>(data[1] & 3) << 8;
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Result whole = parse(input, input.size(), 1);
  check_same(whole, parse(input, cut, input.size() + 1));
  check_same(whole, parse(input, 1, 1));
  if (whole.status == Parse::kDone) check_round_trip(whole.request);
  if (whole.status == Parse::kFailed) {
    const std::string longer = std::string(input) + "\r\n\r\n";
    CHECK(parse(longer, longer.size(), 1).failure == whole.failure);
  }
  return 0;
}
