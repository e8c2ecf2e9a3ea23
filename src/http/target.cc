#include "http/target.h"

#include <algorithm>

#include "http/scan.h"

namespace roundhouse::http {
namespace {

constexpr std::string_view kRootPath = "/";
constexpr std::string_view kAsterisk = "*";

// How much of the text is a reg-name; 0 if its percent-encoding is broken.
std::size_t reg_name_size(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    if (is(kRegNameByte, text[i])) {
      ++i;
    } else if (text[i] == '%') {
      if (text.size() - i < 3 || !is(kHexByte, text[i + 1]) || !is(kHexByte, text[i + 2])) return 0;
      i += 3;
    } else {
      break;
    }
  }
  return i;
}

// How much of the text is "[" IPv6 "]"; 0 if it is not. The form of the address is not checked
// beyond its bytes: it names a host to compare with, never one to connect to.
std::size_t ip_literal_size(std::string_view text) {
  const std::size_t close = text.find(']');
  if (close == std::string_view::npos || close > 46) return 0;
  int colons = 0;
  for (const char c : text.substr(1, close - 1)) {
    if (c == ':') ++colons;
    if (!is(kHexByte, c) && c != ':' && c != '.') return 0;
  }
  return colons >= 2 ? close + 1 : 0;
}

// "" or ":" digits. An empty port is legal (RFC 3986 3.2.3).
bool is_port_suffix(std::string_view text) {
  if (text.empty()) return true;
  if (text.front() != ':' || text.size() > 6) return false;
  unsigned port = 0;
  for (const char c : text.substr(1)) {
    if (c < '0' || c > '9') return false;
    port = port * 10 + static_cast<unsigned>(c - '0');
  }
  return port <= 65535;
}

void split_path_and_query(std::string_view rest, Request& request) {
  const std::size_t mark = rest.find('?');
  request.path = rest.substr(0, mark);
  if (mark != std::string_view::npos) request.query = rest.substr(mark + 1);
}

// "http://host:port/path?query": RFC 9112 3.2.2. User information is refused (RFC 9110 4.2.4).
Failure split_absolute(Request& request) {
  std::string_view rest = request.target;
  const std::size_t scheme_size = rest.find("://");
  if (scheme_size == std::string_view::npos) return Failure::kBadTarget;
  const std::string_view scheme = rest.substr(0, scheme_size);
  if (!equals_ignoring_case(scheme, "http") && !equals_ignoring_case(scheme, "https"))
    return Failure::kBadTarget;
  rest.remove_prefix(scheme_size + 3);
  const std::size_t authority_size = std::min(rest.find_first_of("/?"), rest.size());
  request.authority = rest.substr(0, authority_size);
  if (!is_host(request.authority)) return Failure::kBadTarget;
  split_path_and_query(rest.substr(authority_size), request);
  if (request.path.empty()) {
    const bool server_wide = request.method == Method::kOptions && !request.query;
    request.path = server_wide ? kAsterisk : kRootPath;
  }
  return Failure::kNone;
}

}  // namespace

bool is_host(std::string_view text) {
  if (text.empty()) return false;
  const std::size_t size = text.front() == '[' ? ip_literal_size(text) : reg_name_size(text);
  return size != 0 && is_port_suffix(text.substr(size));
}

Failure split_target(Request& request) {
  const std::string_view target = request.target;
  request.authority = request.path = {};
  request.query.reset();
  if (request.method == Method::kConnect) {
    request.form = TargetForm::kAuthority;
    request.authority = target;
    const bool has_port = target.back() >= '0' && target.back() <= '9' && target.contains(':');
    return is_host(target) && has_port ? Failure::kNone : Failure::kTargetFormRefused;
  }
  if (target.front() == '/') {
    request.form = TargetForm::kOrigin;
    split_path_and_query(target, request);
    return Failure::kNone;
  }
  if (target == kAsterisk) {
    request.form = TargetForm::kAsterisk;
    request.path = target;
    return request.method == Method::kOptions ? Failure::kNone : Failure::kTargetFormRefused;
  }
  request.form = TargetForm::kAbsolute;
  return split_absolute(request);
}

}  // namespace roundhouse::http
