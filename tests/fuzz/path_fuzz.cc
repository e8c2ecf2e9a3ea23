// A path in normal form: it begins at the root and stays there, is its own normal form, and says
// the same as the path as it was sent.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "http/path.h"

namespace roundhouse::http {
namespace {

// Exactly as much room as is promised to be enough, so that the sanitizer sees an overrun.
std::optional<std::string> normal(std::string_view path) {
  std::vector<char> out(path.size());
  const auto result = normalise_path(path, out);
  return result ? std::optional(std::string(*result)) : std::nullopt;
}

bool is_escape(std::string_view text) { return text.size() >= 3 && text[0] == '%'; }

void check_normal(std::string_view path) {
  CHECK(path.starts_with('/'));
  CHECK(path.find("//") == path.npos);
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at + 1), path.size());
    const std::string_view segment = path.substr(at + 1, end - at - 1);
    CHECK(segment != "." && segment != "..");
    at = end;
  }
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '%') continue;
    CHECK(is_escape(path.substr(i)));
    const std::string_view code = path.substr(i + 1, 2);
    CHECK(code != "00" && code != "0D" && code != "0A" && code != "2E" && code != "41");
    for (const char c : code) CHECK((c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'));
  }
}

// The other forms of the same path have the same normal form.
void check_disguises(std::string_view path, const std::string& form) {
  CHECK(normal("/." + std::string(path)) == form);
  CHECK(normal("/%2E/x/%2e." + std::string(path)) == form);
  std::string doubled;
  for (const char c : path) doubled.append(c == '/' ? 2 : 1, c);
  CHECK(normal(doubled) == form);
  CHECK(!normal("/.." + std::string(path)));
}

}  // namespace
}  // namespace roundhouse::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace roundhouse::http;
  const std::string path = "/" + std::string(reinterpret_cast<const char*>(data), size);
  const auto form = normal(path);
  if (!form) return 0;
  check_normal(*form);
  CHECK(normal(*form) == form);
  check_disguises(path, *form);
  return 0;
}
