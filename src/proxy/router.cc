#include "proxy/router.h"

#include <algorithm>

#include "base/check.h"

namespace roundhouse::proxy {
namespace {

template <typename Structure>
std::optional<std::size_t> index_of(const std::vector<Structure>& all, std::string_view name) {
  if (name.empty()) return std::nullopt;
  const auto found = std::ranges::find(all, name, &Structure::name);
  CHECK(found != all.end());
  return static_cast<std::size_t>(found - all.begin());
}

bool host_matches(std::string_view wanted, std::string_view host) {
  if (wanted.empty()) return true;
  if (!wanted.starts_with('*')) return http::equals_ignoring_case(host, wanted);
  const std::string_view below = wanted.substr(1);  // ".example.com"
  return host.size() > below.size() &&
         http::equals_ignoring_case(host.substr(host.size() - below.size()), below);
}

bool path_matches(std::string_view wanted, std::string_view path) {
  if (wanted.empty()) return true;
  return wanted.ends_with('/') ? path.starts_with(wanted) : path == wanted;
}

bool has_field(const http::FieldTable& fields, const config::Variable& wanted) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (http::equals_ignoring_case(fields[i].name, wanted.name) &&
        (wanted.value == "*" || fields[i].value == wanted.value))
      return true;
  }
  return false;
}

}  // namespace

PreparedRoute::PreparedRoute(const config::Route& route, const config::Configuration& configuration)
    : config(route),
      listener(index_of(configuration.listeners, route.listener)),
      upstream(index_of(configuration.upstreams, route.upstream)),
      redirect(config::TextTemplate::parse(route.redirect.to).value()),
      request_edits(route.request_headers),
      response_edits(route.response_headers) {}

Router::Router(const config::Configuration& configuration) {
  routes_.reserve(configuration.routes.size());
  for (const config::Route& route : configuration.routes)
    routes_.emplace_back(route, configuration);
}

std::optional<std::size_t> Router::find(const Question& question) const {
  const http::Request& request = question.request;
  const std::string_view host = host_of(request.authority);
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    const PreparedRoute& route = routes_[i];
    const std::vector<std::string>& methods = route.config.methods;
    if (route.listener && *route.listener != question.listener) continue;
    if (!host_matches(route.config.host, host) || !path_matches(route.config.path, question.path))
      continue;
    if (!methods.empty() && std::ranges::find(methods, request.method_name) == methods.end())
      continue;
    if (std::ranges::all_of(route.config.headers, [&](const config::Variable& wanted) {
          return has_field(request.fields, wanted);
        }))
      return i;
  }
  return std::nullopt;
}

std::string_view host_of(std::string_view authority) {
  const auto colon = authority.rfind(':');
  const bool has_port = colon != authority.npos && authority.find(']', colon) == authority.npos;
  std::string_view host = has_port ? authority.substr(0, colon) : authority;
  if (host.ends_with('.')) host.remove_suffix(1);
  return host;
}

std::string rewritten(std::string_view path, std::string_view strip, std::string_view add) {
  if (path.starts_with(strip)) {
    const std::string_view rest = path.substr(strip.size());
    if (rest.empty() || rest.starts_with('/')) path = rest;
  }
  std::string result(add);
  if (!path.starts_with('/')) result += '/';
  return result += path;
}

}  // namespace roundhouse::proxy
