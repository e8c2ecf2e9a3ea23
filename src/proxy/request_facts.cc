#include "proxy/request_facts.h"

#include <algorithm>
#include <optional>

namespace roundhouse::proxy {
namespace {

constexpr std::size_t kHopsMax = 32;  // addresses of X-Forwarded-For that are looked at

std::string_view value_of(const config::TextTemplate::Part& part, const RequestFacts& facts,
                          std::string& made) {
  using enum config::Placeholder;
  const http::Request& request = facts.request;
  switch (part.what) {
    case kText:
      return part.text;
    case kClientAddress:
      return made = facts.client.host();
    case kClientPort:
      return made = std::to_string(facts.client.port());
    case kScheme:
      return facts.scheme;
    case kHost:
      return request.authority;
    case kMethod:
      return request.method_name;
    case kTarget:
      made = request.path;
      if (request.query) made.append("?").append(*request.query);
      return made;
    case kPath:
      return request.path;
    case kQuery:
      return request.query.value_or("");
    case kRequestId:
      return facts.id;
    case kListener:
      return facts.listener;
    case kRoute:
      return facts.route;
    case kUpstream:
      return facts.upstream;
    case kEndpoint:
      return facts.endpoint;
    case kHeader:
      return request.fields.find(part.text).value_or("");
    case kCookie:
      return cookie_of(request, part.text);
  }
  return {};
}

// An address of X-Forwarded-For: with or without a port, IPv6 with or without brackets.
std::optional<Address> address_of(std::string_view text) {
  const bool bare_v6 = std::ranges::count(text, ':') > 1 && !text.starts_with('[');
  const bool has_port = !bare_v6 && text.find(':', text.find(']') + 1) != text.npos;
  std::string whole = bare_v6 ? "[" + std::string(text) + "]" : std::string(text);
  if (!has_port) whole += ":0";
  if (whole.starts_with("localhost")) return std::nullopt;
  auto address = Address::parse(whole);
  if (!address || address->is_unix()) return std::nullopt;
  return *address;
}

}  // namespace

std::string filled_in(const config::TextTemplate& text, const RequestFacts& facts) {
  std::string result;
  std::string made;
  for (const config::TextTemplate::Part& part : text.parts()) result += value_of(part, facts, made);
  return result;
}

std::string_view cookie_of(const http::Request& request, std::string_view name) {
  std::string_view rest = request.fields.find("Cookie").value_or("");
  while (!rest.empty()) {
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    const std::string_view pair = rest.substr(0, rest.find(';'));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
    if (pair.starts_with(name) && pair.substr(name.size()).starts_with('='))
      return pair.substr(name.size() + 1);
  }
  return {};
}

bool is_trusted(const Address& address, std::span<const Network> trusted) {
  return std::ranges::any_of(trusted,
                             [&](const Network& network) { return network.contains(address); });
}

Address client_of(const http::Request& request, const Address& peer,
                  std::span<const Network> trusted) {
  Address client = peer;
  std::size_t hops = 0;
  for (std::size_t i = request.fields.size(); i-- > 0 && is_trusted(client, trusted);) {
    const http::Field field = request.fields[i];
    if (!http::equals_ignoring_case(field.name, "X-Forwarded-For")) continue;
    std::string_view rest = field.value;
    while (!rest.empty() && is_trusted(client, trusted)) {
      const auto comma = rest.rfind(',');
      std::string_view hop = comma == rest.npos ? rest : rest.substr(comma + 1);
      rest = comma == rest.npos ? std::string_view() : rest.substr(0, comma);
      const auto begin = std::min(hop.find_first_not_of(" \t"), hop.size());
      hop = hop.substr(begin, hop.find_last_not_of(" \t") + 1 - begin);
      const auto address = address_of(hop);
      if (!address || ++hops > kHopsMax) return client;
      client = *address;
    }
  }
  return client;
}

}  // namespace roundhouse::proxy
