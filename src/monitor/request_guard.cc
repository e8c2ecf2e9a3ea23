#include "monitor/request_guard.h"

#include <algorithm>

#include "base/address.h"

namespace roundhouse::monitor {
namespace {

bool same(std::string_view one, std::string_view other) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(one, other, {}, lower, lower);
}

// "[::1]:80" and "[::1]" become "[::1]".
std::string_view without_port(std::string_view host) {
  const auto colon = host.rfind(':');
  const auto bracket = host.rfind(']');
  const bool port = colon != host.npos && (bracket == host.npos || colon > bracket) &&
                    host.find_first_not_of("0123456789", colon + 1) == host.npos;
  return port ? host.substr(0, colon) : host;
}

bool is_known(std::string_view host, std::span<const std::string> allowed_hosts) {
  const std::string_view name = without_port(host);
  if (same(name, "localhost")) return true;
  if (Address::parse(std::string(name) + ":1")) return !name.starts_with("unix");
  return std::ranges::any_of(allowed_hosts,
                             [&](const std::string& allowed) { return same(allowed, name); });
}

}  // namespace

std::string refusal_of(std::string_view host, std::string_view origin,
                       std::span<const std::string> allowed_hosts) {
  if (host.empty()) return "the request has no Host";
  if (!is_known(host, allowed_hosts))
    return "the Host is neither an address nor localhost nor one of monitor.allowed_hosts";
  if (origin.empty()) return "";
  const auto scheme = origin.find("://");
  if (scheme != origin.npos && same(origin.substr(scheme + 3), host)) return "";
  return "the request comes from a page of another origin";
}

}  // namespace roundhouse::monitor
