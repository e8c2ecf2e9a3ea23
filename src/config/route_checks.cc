#include "config/route_checks.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/checks.h"
#include "config/values.h"

namespace roundhouse::config {
namespace {

std::string key_of(std::size_t index) { return "routes." + std::to_string(index + 1); }

// Whether http connections come to workers that need routes.
bool proxies_http(const Configuration& configuration) {
  return std::ranges::any_of(configuration.listeners, [&](const Listener& listener) {
    const Pool* const pool = configuration.find_pool(listener.pool);
    return listener.protocol == Protocol::kHttp && pool != nullptr &&
           pool->type == PoolType::kProxy;
  });
}

void lower(std::string& text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
}

std::string base_name(const Route& route) {
  if (!route.upstream.empty()) return route.upstream;
  return route.redirect.to.empty() ? "respond" : "redirect";
}

// "*.example.com", or labels of letters, digits, '-' and '_', or an address.
bool is_host(std::string_view host) {
  if (host.starts_with("*.")) host.remove_prefix(2);
  if (host.starts_with('[') && host.ends_with(']')) return host.size() > 2;
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  return !host.empty() && host.size() <= 253 && std::ranges::all_of(host, fits) &&
         !host.starts_with('.') && !host.contains("..");
}

// A path in the one normal form that paths of requests are brought into (http/path.h): another one
// would never match.
bool is_normal_path(std::string_view path) {
  const auto plain = [](char c) { return c > ' ' && c < 127 && c != '?' && c != '#' && c != '\\'; };
  const auto hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'); };
  if (!path.starts_with('/') || !std::ranges::all_of(path, plain)) return false;
  for (auto at = path.find('%'); at != path.npos; at = path.find('%', at + 1)) {
    if (at + 2 >= path.size() || !hex(path[at + 1]) || !hex(path[at + 2])) return false;
  }
  for (const std::string_view bad : {"//", "/./", "/../"})
    if (path.contains(bad)) return false;
  return !path.ends_with("/.") && !path.ends_with("/..");
}

class RouteCheck {
 public:
  RouteCheck(const Configuration& configuration, const Route& route, std::string key,
             Report& report)
      : configuration_(configuration), route_(route), key_(std::move(key)), report_(report) {}

  void check() {
    check_action();
    check_names();
    check_matches();
    check_rewrite();
    check_edits("request_headers", route_.request_headers);
    check_edits("response_headers", route_.response_headers);
  }

 private:
  void check_action();
  void check_names();
  void check_matches();
  void check_rewrite();
  void check_edits(const char* option, const FieldEdits& edits);
  bool is_set(const char* option) const { return report_.is_set(joined(key_, option)); }
  bool is_fine(const char* option) const { return !report_.is_refused(joined(key_, option)); }
  void add(const char* option, std::string what) {
    report_.add(joined(key_, option), std::move(what));
  }
  std::string quoted(const char* option, const std::string& value) const {
    return "'" + report_.shown(joined(key_, option), value) + "'";
  }

  const Configuration& configuration_;
  const Route& route_;
  std::string key_;
  Report& report_;
};

void RouteCheck::check_action() {
  const bool redirects = is_set("redirect.to") || is_set("redirect.status");
  const bool responds = is_set("respond.status") || is_set("respond.body");
  const int actions = (route_.upstream.empty() && !is_set("upstream") ? 0 : 1) +
                      (redirects ? 1 : 0) + (responds ? 1 : 0);
  if (actions != 1)
    report_.add(key_, std::string(actions == 0 ? "does nothing" : "does several things") +
                          "; expected one of upstream, redirect, respond");
  if (redirects && !is_set("redirect.to"))
    add("redirect", "has no target; expected `to` with a path or URL");
  const std::uint32_t to = route_.redirect.status;
  if (to != 301 && to != 302 && to != 303 && to != 307 && to != 308 && is_fine("redirect.status"))
    add("redirect.status", quoted("redirect.status", std::to_string(to)) +
                               " does not redirect; expected 301, 302, 303, 307 or 308");
  if (responds && is_fine("respond.status") && route_.respond.status < 200)
    add(is_set("respond.status") ? "respond.status" : "respond",
        "is no final status; expected `status` from 200 to 599");
}

void RouteCheck::check_names() {
  const auto missing = [&](const char* option, const std::string& name, const auto& all,
                           const char* what) {
    if (name.empty() || !is_fine(option) ||
        std::ranges::find(all, name, [](const auto& one) { return one.name; }) != all.end())
      return;
    std::string names;
    for (const auto& one : all) names += (names.empty() ? "" : ", ") + one.name;
    add(option, std::string("there is no ") + what + " " + quoted(option, name) +
                    (names.empty() ? "; expected one" : "; expected one of " + names));
  };
  missing("upstream", route_.upstream, configuration_.upstreams, "upstream");
  missing("listener", route_.listener, configuration_.listeners, "listener");
}

void RouteCheck::check_matches() {
  if (is_set("host") && is_fine("host") && !is_host(route_.host))
    add("host", quoted("host", route_.host) +
                    " is not a host; expected as in example.com or *.example.com, without a port");
  if (is_set("path") && is_fine("path") && !is_normal_path(route_.path))
    add("path", quoted("path", route_.path) +
                    " is not a path in normal form; expected as in /exactly or /below/, escapes in "
                    "upper case, without a query");
}

void RouteCheck::check_rewrite() {
  for (const auto& [option, prefix] :
       {std::pair{"strip_prefix", &route_.strip_prefix}, {"add_prefix", &route_.add_prefix}}) {
    if (!is_set(option) || !is_fine(option)) continue;
    if (!is_normal_path(*prefix) || prefix->ends_with('/'))
      add(option, quoted(option, *prefix) +
                      " is not the front of a path; expected as in /api, without a / at its end");
    if (route_.upstream.empty())
      add(option, "is for a route with an upstream; expected no such key");
  }
  const bool strips = is_set("strip_prefix") && is_fine("strip_prefix") && is_fine("path");
  const bool below =
      route_.path == route_.strip_prefix || route_.path.starts_with(route_.strip_prefix + "/");
  if (strips && is_set("path") && !below)
    add("strip_prefix", quoted("strip_prefix", route_.strip_prefix) +
                            " is not the front of `path`; expected that it is");
}

// What frames a message or ends at this hop is not an operator's to say: it would contradict what
// we write.
void RouteCheck::check_edits(const char* option, const FieldEdits& edits) {
  static constexpr std::string_view kOurs[] = {
      "connection", "content-length", "keep-alive",        "proxy-connection",
      "te",         "trailer",        "transfer-encoding", "upgrade"};
  const auto check = [&](const char* how, std::string name) {
    const std::string written = name;
    lower(name);
    const bool host = name == "host" && std::string_view(how) != "set";
    if (!host && std::ranges::find(kOurs, name) == std::end(kOurs)) return;
    const std::string key = std::string(option) + "." + how;
    const bool map = std::string_view(how) != "remove";
    report_.add(joined(key_, map ? joined(key, written) : key),
                "'" + written + "' " +
                    (host ? "is there exactly once; expected it in `set`, or nowhere"
                          : "frames the message or ends at this hop; expected another field"));
  };
  for (const Variable& field : edits.set) check("set", field.name);
  for (const Variable& field : edits.add) check("add", field.name);
  for (const std::string& name : edits.remove) check("remove", name);
}

// Whether every request that `later` matches is matched by `earlier`.
bool covers(const Route& earlier, const Route& later) {
  if (!earlier.listener.empty() && earlier.listener != later.listener) return false;
  const auto host = [&] {
    if (earlier.host.empty() || earlier.host == later.host) return true;
    return earlier.host.starts_with("*.") && later.host.size() > earlier.host.size() - 1 &&
           later.host.ends_with(earlier.host.substr(1));
  };
  const auto path = [&] {
    if (earlier.path.empty() || earlier.path == later.path) return true;
    return earlier.path.ends_with('/') && later.path.starts_with(earlier.path);
  };
  const auto methods = [&] {
    if (earlier.methods.empty()) return true;
    return !later.methods.empty() && std::ranges::all_of(later.methods, [&](const auto& method) {
      return std::ranges::find(earlier.methods, method) != earlier.methods.end();
    });
  };
  const auto headers = [&] {
    return std::ranges::all_of(earlier.headers, [&](const Variable& wanted) {
      return std::ranges::any_of(later.headers, [&](const Variable& other) {
        return wanted.name == other.name && (wanted.value == "*" || wanted.value == other.value);
      });
    });
  };
  return host() && path() && methods() && headers();
}

}  // namespace

void derive_routes(Configuration& configuration, Provenance& provenance) {
  std::vector<Route>& routes = configuration.routes;
  if (routes.empty() && !provenance.contains("routes") && configuration.upstreams.size() == 1 &&
      proxies_http(configuration)) {
    routes.push_back({.upstream = configuration.upstreams.front().name});
    for (const std::string& key : {key_of(0), key_of(0) + ".upstream"})
      provenance[key] = {Source::From::kDerived, {}, "the only upstream", false};
  }
  for (std::size_t i = 0; i < routes.size(); ++i) {
    Route& route = routes[i];
    lower(route.host);
    const std::string key = key_of(i) + ".name";
    if (provenance.contains(key)) continue;
    const auto taken = [&](const std::string& name) {
      return std::ranges::any_of(
          routes, [&](const Route& other) { return &other != &route && other.name == name; });
    };
    const std::string base = base_name(route);
    route.name = base;
    for (int n = 2; taken(route.name); ++n) route.name = base + "-" + std::to_string(n);
    provenance[key] = {Source::From::kDerived, {}, "what it does", false};
  }
}

void check_routes(const Configuration& configuration, Report& report) {
  const std::vector<Route>& routes = configuration.routes;
  if (routes.size() > kMaxRoutes)
    report.add("routes", "has " + std::to_string(routes.size()) + " entries; expected at most " +
                             std::to_string(kMaxRoutes));
  if (routes.empty() && configuration.upstreams.size() > 1 && proxies_http(configuration) &&
      !report.is_set("routes"))
    report.add("upstreams",
               "are several, and nothing says which requests are whose; expected `routes`");
  for (std::size_t i = 0; i < routes.size(); ++i) {
    RouteCheck(configuration, routes[i], key_of(i), report).check();
    for (std::size_t other = 0; other < i; ++other) {
      if (routes[other].name == routes[i].name && !routes[i].name.empty())
        report.add(key_of(i) + ".name", "'" + routes[i].name + "' is that of " + key_of(other) +
                                            "; expected a name of its own");
    }
  }
}

void doubt_routes(const Configuration& configuration, Report& report) {
  const std::vector<Route>& routes = configuration.routes;
  for (std::size_t i = 0; i < routes.size(); ++i) {
    if (routes[i].path.ends_with('*'))
      report.add(key_of(i) + ".path", "'" + report.shown(key_of(i) + ".path", routes[i].path) +
                                          "': the `*` stands for itself; a `/` at the end means "
                                          "everything below it");
    for (std::size_t earlier = 0; earlier < i; ++earlier) {
      if (!covers(routes[earlier], routes[i])) continue;
      report.add(key_of(i), "never matches: " + key_of(earlier) + " (" + routes[earlier].name +
                                ") before it takes all of its requests");
      break;
    }
  }
}

}  // namespace roundhouse::config
