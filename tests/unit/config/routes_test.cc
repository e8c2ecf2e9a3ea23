// Routes: what is filled in, refused and doubted.
#include <gtest/gtest.h>

#include <string>

#include "config/effective.h"
#include "config/explain.h"
#include "config/values.h"
#include "world.h"

namespace roundhouse::config {
namespace {

const std::string kTwo = "upstreams: {a: '127.0.0.1:1', b: '127.0.0.1:2'}\n";

std::vector<Route> routes_of(const std::string& file) {
  const auto loaded = load(file);
  EXPECT_TRUE(loaded) << loaded.error().message;
  return loaded ? loaded->configuration.routes : std::vector<Route>();
}

std::string warnings_of(const std::string& routes) {
  const auto loaded = load(kTwo + "routes:\n" + routes);
  EXPECT_TRUE(loaded) << loaded.error().message;
  std::string all;
  if (loaded)
    for (const std::string& warning : loaded->warnings) all += warning + "\n";
  return all;
}

TEST(Routes, WithoutAnyEverythingGoesToTheOnlyUpstream) {
  const auto routes = routes_of("upstreams: {site: '127.0.0.1:1'}");
  ASSERT_EQ(routes.size(), 1U);
  EXPECT_EQ(routes[0].upstream, "site");
  EXPECT_EQ(routes[0].name, "site");
  EXPECT_TRUE(routes[0].host.empty() && routes[0].path.empty());
}

TEST(Routes, OfSeveralUpstreamsSomebodyMustSayWhichRequestsAreWhose) {
  EXPECT_EQ(errors_of(kTwo),
            "t.yaml:1:1: upstreams: are several, and nothing says which requests are whose; "
            "expected `routes`");
}

TEST(Routes, AloneAreServedByAProxy) {
  const auto loaded = load("routes: [{respond: {status: 200, body: ok}}]");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->configuration.pools.at(0).type, PoolType::kProxy);
  EXPECT_EQ(loaded->configuration.listeners.at(0).pool, "gateway");
}

TEST(Routes, HaveNamesOfTheirOwn) {
  const auto routes = routes_of(kTwo +
                                "routes: [{path: /1, upstream: a}, {path: /2, upstream: a}, {path: "
                                "/3, redirect: {to: /}},\n"
                                "  {path: /4, respond: {status: 204}}, {name: a-2, upstream: b}]");
  std::string names;
  for (const Route& route : routes) names += route.name + " ";
  EXPECT_EQ(names, "a a-3 redirect respond a-2 ");
}

TEST(Routes, HostsAreInLowerCase) {
  EXPECT_EQ(routes_of(kTwo + "routes: [{host: Example.COM, upstream: a}]").at(0).host,
            "example.com");
}

TEST(Routes, KeepAllThatTheySayOnTheWayToTheWorkers) {
  const std::string file =
      kTwo +
      "routes:\n"
      "  - {name: r, host: '*.example.com', path: /api/, methods: [GET, POST], headers: {X-A: '*', "
      "X-B: b=c},\n"
      "     upstream: a, strip_prefix: /api, add_prefix: /v1, timeouts: {response: 5m, idle: 1s}, "
      "retries: 0,\n"
      "     request_headers: {set: {X-E: 'p=%{host}'}, add: {X-F: f}, remove: [X-G]},\n"
      "     response_headers: {set: {X-H: h}, add: {X-I: i}, remove: X-J}, body: 1GiB,\n"
      "     rate_limit: 100/s, allow: [10.0.0.0/8, '::1', unix]}\n"
      "  - {redirect: {to: 'https://%{host}%{target}', status: 301}}\n"
      "trusted_proxies: [10.0.0.0/8]\n"
      "log: {access: {format: json, to: /tmp/x, fields: [status, method], sample: 10}}\n";
  const auto loaded = load(file);
  ASSERT_TRUE(loaded) << loaded.error().message;
  const std::string text = to_effective_text(loaded->configuration);
  const auto again = from_effective_text(text);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(to_effective_text(*again), text);
  const Route& route = again->routes.at(0);
  EXPECT_EQ(route.retries, 0U);
  EXPECT_EQ(route.body, kGiB);
  EXPECT_EQ(route.headers.at(1).value, "b=c");
  EXPECT_EQ(route.request_headers.set.at(0).value, "p=%{host}");
  EXPECT_EQ(route.response_headers.remove.at(0), "X-J");
  EXPECT_EQ(route.rate_limit, (Rate{100, std::chrono::seconds(1)}));
  EXPECT_EQ(route.allow.size(), 3U);
  EXPECT_EQ(again->routes.at(1).redirect.status, 301U);
}

TEST(Routes, AreExplainedByWhatTheySay) {
  const auto loaded = load(kTwo + "routes: [{path: /x, upstream: a}, {upstream: b}]");
  const std::string text = explain(loaded.value());
  EXPECT_NE(text.find("routes:\n  - name: a "), std::string::npos) << text;
  EXPECT_NE(text.find("    path: /x "), std::string::npos) << text;
  EXPECT_EQ(text.find("redirect"), std::string::npos) << text;
}

TEST(Routes, ThatNeverMatchAreDoubted) {
  EXPECT_EQ(warnings_of("- {path: /a/, upstream: a}\n- {path: /a/b, upstream: b}"),
            "t.yaml:4:3: routes.2: never matches: routes.1 (a) before it takes all of its "
            "requests\n");
  for (const char* covered :
       {"- {upstream: a}\n- {host: x, upstream: b}",
        "- {host: '*.x.y', upstream: a}\n- {host: a.x.y, path: /, upstream: b}",
        "- {host: '*.y', upstream: a}\n- {host: '*.x.y', upstream: b}",
        "- {methods: [GET, PUT], upstream: a}\n- {methods: GET, upstream: b}",
        "- {headers: {A: '*'}, upstream: a}\n- {headers: {A: b, C: d}, upstream: b}",
        "- {path: /x, upstream: a}\n- {path: /x, listener: web, upstream: b}\n"})
    EXPECT_NE(warnings_of(covered), "") << covered;
  for (const char* fine : {"- {path: /a, upstream: a}\n- {path: /a/b, upstream: b}",
                           "- {path: /a/, upstream: a}\n- {path: /a, upstream: b}",
                           "- {host: '*.x.y', upstream: a}\n- {host: x.y, upstream: b}",
                           "- {methods: GET, upstream: a}\n- {upstream: b}",
                           "- {headers: {A: b}, upstream: a}\n- {headers: {A: c}, upstream: b}"})
    EXPECT_EQ(warnings_of(fine), "") << fine;
}

TEST(Routes, APathThatLooksLikeAPatternIsDoubted) {
  EXPECT_EQ(warnings_of("- {path: '/a/*', upstream: a}\n- {upstream: b}"),
            "t.yaml:3:10: routes.1.path: '/a/*': the `*` stands for itself; a `/` at the end means "
            "everything below it\n");
  EXPECT_EQ(warnings_of("- {path: '/a*b', upstream: a}\n- {upstream: b}"), "");
}

struct Wrong {
  const char* routes;
  const char* said;
};

TEST(Routes, AreRefusedWhereTheyAreWrong) {
  const Wrong all[] = {
      {"[{path: /x}]", "routes.1: does nothing; expected one of upstream, redirect, respond"},
      {"[{upstream: a, redirect: {to: /}}]",
       "routes.1: does several things; expected one of upstream, redirect, respond"},
      {"[{upstream: c}]", "routes.1.upstream: there is no upstream 'c'; expected one of a, b"},
      {"[{listener: c, upstream: a}]",
       "routes.1.listener: there is no listener 'c'; expected one of web"},
      {"[{redirect: {to: /, status: 304}}]", "routes.1.redirect.status: '304' does not redirect"},
      {"[{redirect: {status: 301}}]", "routes.1.redirect: has no target"},
      {"[{respond: {body: x}}]", "routes.1.respond: is no final status"},
      {"[{respond: {status: 100}}]", "routes.1.respond.status: is no final status"},
      {"[{host: 'x:80', upstream: a}]", "routes.1.host: 'x:80' is not a host"},
      {"[{host: 'a*.x', upstream: a}]", "routes.1.host: 'a*.x' is not a host"},
      {"[{path: x, upstream: a}]", "routes.1.path: 'x' is not a path in normal form"},
      {"[{path: /a//b, upstream: a}]", "routes.1.path: '/a//b' is not a path in normal form"},
      {"[{path: /a/../b, upstream: a}]", "routes.1.path: '/a/../b' is not a path"},
      {"[{path: '/a?b', upstream: a}]", "routes.1.path: '/a?b' is not a path"},
      {"[{path: /%2f, upstream: a}]", "routes.1.path: '/%2f' is not a path"},
      {"[{strip_prefix: /a/, upstream: a}]",
       "routes.1.strip_prefix: '/a/' is not the front of a path"},
      {"[{path: /b/, strip_prefix: /a, upstream: a}]",
       "routes.1.strip_prefix: '/a' is not the front of `path`"},
      {"[{add_prefix: /a, respond: {status: 200}}]",
       "routes.1.add_prefix: is for a route with an upstream"},
      {"[{name: x, upstream: a}, {name: x, path: /, upstream: b}]",
       "routes.2.name: 'x' is that of routes.1; expected a name of its own"},
      {"[{upstream: a, request_headers: {set: {Content-Length: 5}}}]",
       "routes.1.request_headers.set.Content-Length: 'Content-Length' frames the message"},
      {"[{upstream: a, response_headers: {remove: transfer-encoding}}]",
       "routes.1.response_headers.remove: 'transfer-encoding' frames the message"},
      {"[{upstream: a, request_headers: {remove: host}}]",
       "routes.1.request_headers.remove: 'host' is there exactly once"},
      {"[x]", "routes.1: is text; expected a map with the keys of a route"},
      {"{a: b}", "routes: is a map; expected a list of routes"},
      {"[]", "routes: is empty; expected a list of routes"},
      {"[{upstream: a, paht: /}]", "routes.1.paht: unknown key; did you mean 'path'?"}};
  for (const Wrong& wrong : all) {
    const std::string errors = errors_of(kTwo + "routes: " + wrong.routes);
    EXPECT_NE(errors.find(wrong.said), std::string::npos) << wrong.routes << "\n" << errors;
    EXPECT_NE(errors.find("t.yaml:2:"), std::string::npos) << errors;
  }
}

TEST(Upstreams, AreNamesAndProbesToo) {
  const auto loaded = load(
      "upstreams: {x: {dns: 'app.example.com:8080', health: {path: /healthz}, sticky: {cookie: "
      "rh}}}");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->configuration.upstreams.at(0).health.probe, Probe::kHttp);
  const Wrong all[] = {
      {"{dns: app}", "upstreams.x.dns: 'app' is not a name with a port"},
      {"{dns: 'a:1', srv: b}", "upstreams.x.srv: stands beside `dns`"},
      {"{srv: 'a b'}", "upstreams.x.srv: 'a b' is not a name"},
      {"{servers: '127.0.0.1:1', health: {path: x}}", "upstreams.x.health.path: 'x' is not a path"},
      {"{servers: '127.0.0.1:1', health: {path: '/a b'}}",
       "upstreams.x.health.path: '/a b' is not a path"},
      {"{servers: '127.0.0.1:1', health: {path: /x, probe: connect}}",
       "upstreams.x.health.path: is for `probe: http`"},
      {"{servers: '127.0.0.1:1', sticky: {cookie: 'a b'}}",
       "upstreams.x.sticky.cookie: 'a b' is not the name of a cookie"},
      {"{}",
       "upstreams.x: has no servers; expected `servers` with at least one address, `dns`, "
       "`srv` or `pool`"}};
  for (const Wrong& wrong : all) {
    const std::string errors = errors_of("upstreams: {x: " + std::string(wrong.routes) + "}");
    EXPECT_NE(errors.find(wrong.said), std::string::npos) << wrong.routes << "\n" << errors;
  }
}

TEST(Resolver, IsGivenByAddressesWithOrWithoutPort) {
  const auto loaded = load(
      "resolver: {servers: [10.0.0.2, '10.0.0.2:5353', 'fd00::2', '[fd00::2]:54'], timeout: 1s}");
  ASSERT_TRUE(loaded) << loaded.error().message;
  std::string all;
  for (const std::string& server : loaded->configuration.resolver.servers)
    all += parse_name_server(server)->to_string() + " ";
  EXPECT_EQ(all, "10.0.0.2:53 10.0.0.2:5353 [fd00::2]:53 [fd00::2]:54 ");
  EXPECT_NE(errors_of("resolver: {servers: dns.example.com}")
                .find("resolver.servers: 'dns.example.com' is not the address of a name server"),
            std::string::npos);
}

TEST(Listeners, OfTcpLeadToAnUpstream) {
  const auto loaded =
      load("listeners: {db: {bind: 5432, protocol: tcp}}\nupstreams: {pg: '127.0.0.1:1'}");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->configuration.listeners.at(0).upstream, "pg");
  EXPECT_TRUE(loaded->configuration.routes.empty()) << "nothing speaks HTTP";
  const Wrong all[] = {
      {"listeners: {db: {protocol: tcp}}\n",
       "listeners.db: names no upstream and there are several"},
      {"listeners: {db: {protocol: tcp, upstream: c}}\n",
       "listeners.db.upstream: there is no upstream 'c'; expected one of a, b"},
      {"listeners: {db: {upstream: a}}\n", "listeners.db.upstream: is for `protocol: tcp`"}};
  for (const Wrong& wrong : all) {
    const std::string errors = errors_of(kTwo + wrong.routes);
    EXPECT_NE(errors.find(wrong.said), std::string::npos) << wrong.routes << "\n" << errors;
  }
  for (const std::string key :
       {"timeouts: {header: 1s}", "timeouts: {body_idle: 1s}", "timeouts: {request: 1s}",
        "timeouts: {keep_alive: 1s}", "limits: {headers: 16KiB}", "limits: {line: 8KiB}",
        "limits: {header_count: 1}", "limits: {body: 1KiB}",
        "limits: {requests_per_connection: 1}"}) {
    const std::string errors =
        errors_of("listeners: {x: {protocol: tcp, " + key + "}}\nupstreams: {a: '127.0.0.1:1'}");
    EXPECT_NE(errors.find("is for HTTP, and this listener is tcp"), std::string::npos) << key;
  }
  EXPECT_NE(errors_of("listeners: {x: {protocol: tcp}}").find("tcp is for workers of type proxy"),
            std::string::npos);
}

TEST(Listeners, OfTcpAcceptAtOnceSinceTheServerMaySpeakFirst) {
  const std::string upstream = "}}\nupstreams: {pg: '127.0.0.1:1'}";
  const auto derived = load("listeners: {db: {protocol: tcp" + upstream);
  ASSERT_TRUE(derived) << derived.error().message;
  EXPECT_EQ(derived->configuration.listeners.at(0).defer_accept, Duration::zero());
  const std::string text = explain(*derived);
  EXPECT_NE(text.find("tcp: the server may speak first"), std::string::npos) << text;
  EXPECT_EQ(text.find("keep_alive: 65s"), std::string::npos) << "of HTTP:\n" << text;
  const auto set = load("listeners: {db: {defer_accept: 3s, protocol: tcp" + upstream);
  EXPECT_EQ(set->configuration.listeners.at(0).defer_accept, 3s);
}

TEST(Listeners, OfAProxyToTcpServersAreTcp) {
  const Overrides overrides{.to = {{.address = "127.0.0.1:5432"}}, .protocol = Protocol::kTcp};
  const auto loaded = load("", {}, overrides);
  ASSERT_TRUE(loaded) << loaded.error().message;
  const Listener& listener = loaded->configuration.listeners.at(0);
  EXPECT_EQ(listener.protocol, Protocol::kTcp);
  EXPECT_EQ(listener.upstream, "site");
  EXPECT_EQ(listener.defer_accept, Duration::zero());
  EXPECT_TRUE(loaded->configuration.routes.empty());
}

}  // namespace
}  // namespace roundhouse::config
