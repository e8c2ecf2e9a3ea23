// A response head: split feeding gives the verdict of whole feeding; what was parsed, written again
// and parsed again is the same response. The first byte of the input chooses the method that was
// asked.
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "http/http1_response_parser.h"
#include "http/http1_writer.h"

namespace roundhouse::http {
namespace {

constexpr HeadLimits kLimits{.line_bytes = 200, .head_bytes = 1000, .fields = 12};

struct Result {
  explicit Result(std::size_t fields) : response(fields) {}
  Parse status = Parse::kMore;
  Failure failure = Failure::kNone;
  std::vector<char> bytes;
  Response response;
};

Result parse(std::string_view input, Method asked, std::size_t first, std::size_t step,
             const HeadLimits& limits = kLimits) {
  Result result(limits.fields);
  ResponseParser parser(limits);
  parser.start(asked);
  for (std::size_t size = first;; size += step) {
    const std::string_view fed = input.substr(0, size);
    result.bytes.assign(fed.begin(), fed.end());
    result.status = parser.parse({result.bytes.data(), fed.size()}, result.response);
    if (result.status != Parse::kMore || fed.size() == input.size()) break;
  }
  result.failure = parser.failure();
  return result;
}

void check_same(const Response& a, const Response& b) {
  CHECK(a.status == b.status && a.reason == b.reason);
  CHECK(a.body.framing == b.body.framing && a.body.bytes == b.body.bytes);
  CHECK(a.fields.size() == b.fields.size());
  for (std::size_t i = 0; i < a.fields.size(); ++i) {
    CHECK(a.fields[i].name == b.fields[i].name);
    CHECK(a.fields[i].value == b.fields[i].value);
  }
}

void check_same(const Result& a, const Result& b) {
  CHECK(a.status == b.status);
  CHECK(a.failure == b.failure);
  if (a.status != Parse::kDone) return;
  CHECK(a.response.head_size == b.response.head_size);
  CHECK(a.response.keep_alive == b.response.keep_alive);
  check_same(a.response, b.response);
}

void check_round_trip(const Response& response, Method asked) {
  std::array<char, 2000> buffer;
  HeadWriter writer(buffer);
  writer.status_line(response.status, response.reason);
  for (std::size_t i = 0; i < response.fields.size(); ++i)
    writer.field(response.fields[i].name, response.fields[i].value);
  writer.end();
  CHECK(writer.ok());
  const HeadLimits wider{.line_bytes = 201, .head_bytes = 2000, .fields = 12};
  const Result again = parse(writer.text(), asked, writer.size(), 1, wider);
  CHECK(again.status == Parse::kDone);
  CHECK(again.response.head_size == writer.size());
  check_same(response, again.response);
}

}  // namespace
}  // namespace roundhouse::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace roundhouse::http;
  if (size < 2) return 0;
  constexpr std::array<Method, 3> kMethods = {Method::kGet, Method::kHead, Method::kConnect};
  const Method asked = kMethods[data[0] % kMethods.size()];
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Result whole = parse(input, asked, input.size(), 1);
  check_same(whole, parse(input, asked, data[1], input.size() + 1));
  check_same(whole, parse(input, asked, 1, 1));
  if (whole.status == Parse::kDone) check_round_trip(whole.response, asked);
  return 0;
}
