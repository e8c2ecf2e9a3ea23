// Routes of the real program: which requests go where, and what happens to them on the way.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "support/instance.h"
#include "support/origin.h"
#include "support/proxied.h"

namespace roundhouse::test {
namespace {

using Reply = Origin::Reply;
using Seen = Origin::Seen;

// Two servers, a and b, and routes before them.
struct World {
  explicit World(const std::string& routes, const std::string& more = "")
      : instance(kOneProxy, "upstreams:\n  a: '" + a.address().to_string() + "'\n  b: '" +
                                b.address().to_string() + "'\nroutes:\n" + routes + "\n" + more) {}

  static Reply answer(const Seen& seen, const std::string& name) {
    const std::string target = seen.head.substr(0, seen.head.find(" HTTP"));
    return {.bytes = ok(name + " " + target, "X-Origin: " + name + "\r\nX-Old: 1\r\n")};
  }
  Response ask(const std::string& host, const std::string& target,
               const std::string& method = "GET", const std::string& fields = "",
               const std::string& body = "") const {
    Client client(instance.web());
    std::string request = method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\n" + fields;
    if (!body.empty()) request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    client.send(request + "\r\n" + body);
    return client.receive(method == "HEAD");
  }

  Origin a{[](const Seen& seen) { return answer(seen, "a"); }};
  Origin b{[](const Seen& seen) { return answer(seen, "b"); }};
  Instance instance;
};

bool holds(const std::string& head, const std::string& line) {
  return head.find("\r\n" + line + "\r\n") != head.npos;
}

TEST(Routing, RequestsFindTheirUpstreamByHostPathMethodAndField) {
  const World world(
      "  - {host: a.test, upstream: a}\n"
      "  - {host: '*.b.test', path: /only/, upstream: b}\n"
      "  - {methods: [PUT], upstream: b}\n"
      "  - {headers: {X-Beta: '*'}, upstream: b}\n"
      "  - {path: /exact, upstream: a}");
  EXPECT_EQ(world.ask("A.test:80", "/x?y=1").body, "a GET /x?y=1");
  EXPECT_EQ(world.ask("x.b.test", "/only/1").body, "b GET /only/1");
  EXPECT_EQ(world.ask("x.b.test", "/%6fnly/%2e/1").body, "b GET /%6fnly/%2e/1")
      << "sent as it came";
  EXPECT_EQ(world.ask("other", "/x", "PUT", "", "1").body, "b PUT /x");
  EXPECT_EQ(world.ask("other", "/x", "GET", "x-beta: 1\r\n").body, "b GET /x");
  EXPECT_EQ(world.ask("other", "/a/../exact").body, "a GET /a/../exact");
  const Response nobody = world.ask("other", "/x");
  EXPECT_EQ(nobody.status, 404);
  EXPECT_EQ(nobody.body, "404 Not Found: Nothing is configured for this host and path.\n");
}

TEST(Routing, NoWayOfWritingAPathGetsAroundARoute) {
  const World world(
      "  - {path: /admin/, respond: {status: 403, body: no}}\n"
      "  - {upstream: a}");
  for (const char* target : {"/admin/x", "//admin/x", "/./admin/x", "/%61dmin/x", "/x/../admin/x",
                             "/x/%2e%2e/admin/x", "/x//../../admin/x", "/ADMIN/../admin/x"}) {
    const Response response = world.ask("t", target);
    EXPECT_TRUE(response.status == 403 || response.status == 400)
        << target << " " << response.status;
  }
  EXPECT_TRUE(world.a.seen().empty());
  EXPECT_EQ(world.ask("t", "/admin%2Fx").body, "a GET /admin%2Fx") << "one segment";
}

TEST(Routing, RedirectsAndFixedAnswersNeedNoServer) {
  const World world(
      "  - {path: /old, redirect: {to: /new, status: 301}}\n"
      "  - {host: www.t, redirect: {to: 'https://t%{target}'}}\n"
      "  - {path: /slash/, redirect: {to: '%{path}'}}\n"
      "  - {path: /health, respond: {status: 200, body: ok}, response_headers: {set: {X-Up: "
      "'%{route}'}}}\n"
      "  - {path: /gone, respond: {status: 410}}");
  const Response old = world.ask("t", "/old?x");
  EXPECT_EQ(old.status, 301);
  EXPECT_EQ(old.headers.at("location"), "/new");
  const Response www = world.ask("www.t", "/a/b?c=d");
  EXPECT_EQ(www.status, 308);
  EXPECT_EQ(www.headers.at("location"), "https://t/a/b?c=d");
  EXPECT_EQ(world.ask("t", "//slash/evil.test").headers.at("location"), "/slash/evil.test")
      << "never another host";
  const Response health = world.ask("t", "/health");
  EXPECT_EQ(health.status, 200);
  EXPECT_EQ(health.body, "ok");
  EXPECT_EQ(health.headers.at("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(health.headers.at("x-up"), "respond");
  EXPECT_EQ(world.ask("t", "/health", "HEAD").headers.at("content-length"), "2");
  EXPECT_EQ(world.ask("t", "/gone").status, 410);
}

TEST(Routing, ARedirectNeverLeadsToAHostThatTheClientMadeUp) {
  const World world(
      "  - {host: path.t, redirect: {to: '%{path}'}}\n"
      "  - {host: below.t, redirect: {to: '/%{path}'}}\n"
      "  - {host: field.t, redirect: {to: '%{header:X-To}'}}\n"
      "  - {redirect: {to: '%{target}'}}");
  for (const char* host : {"path.t", "below.t", "t"}) {
    for (const char* start : {"/", "//", "/\\", "/\\/", "//\\", "/\\\\/", "///\\/\\"}) {
      const Response response = world.ask(host, start + std::string("evil.test/x"));
      EXPECT_EQ(response.status, 308) << start;
      EXPECT_EQ(response.headers.at("location"), "/evil.test/x") << host << " " << start;
    }
  }
  EXPECT_EQ(world.ask("path.t", "/a//b\\c").headers.at("location"), "/a//b\\c");
  for (const char* to : {"\\\\evil.test/x", "\\/evil.test/x"})
    EXPECT_EQ(world.ask("field.t", "/", "GET", "X-To: " + std::string(to) + "\r\n")
                  .headers.at("location"),
              "/evil.test/x");
}

TEST(Routing, ARedirectThatIsTooLongIsCountedAsTheRefusalThatItBecomes) {
  const Instance instance(kOneProxy,
                          "routes: [{name: twice, redirect: {to: '/a%{target}%{target}'}}]",
                          {.listener = "limits: {line: 64KiB, headers: 128KiB}"});
  EXPECT_EQ(get(instance.web(), "/x").headers.at("location"), "/a/x/x");
  EXPECT_EQ(get(instance.web(), "/" + std::string(30'000, 'x')).status, 431);
  const std::string total = "roundhouse_http_requests_total{route=\"twice\",code=";
  EXPECT_TRUE(instance.metric_reaches(total + "\"431\"}", 1));
  EXPECT_EQ(instance.metric(total + "\"308\"}"), 1);
  EXPECT_EQ(instance.metric("roundhouse_http_failures_total{failure=\"head_too_long\"}"), 1);
}

TEST(Routing, AFixedAnswerMayBeLong) {
  const std::string page(200'000, 'p');
  const World world("  - {respond: {status: 503, body: " + page + "}}");
  Client client(world.instance.web());
  for (int i = 0; i < 3; ++i) {
    const Response response = client.get("/");
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(response.body, page);
  }
}

TEST(Routing, PathsAreRewrittenInTheirNormalForm) {
  const World world(
      "  - {path: /api/, strip_prefix: /api, add_prefix: /v2, upstream: a}\n"
      "  - {path: /x, strip_prefix: /x, upstream: b}");
  EXPECT_EQ(world.ask("t", "/api/users?q=%20").body, "a GET /v2/users?q=%20");
  EXPECT_EQ(world.ask("t", "/api//%7euser/../me").body, "a GET /v2/me");
  EXPECT_EQ(world.ask("t", "/x").body, "b GET /");
}

TEST(Routing, FieldsAreSetAddedAndRemovedBothWays) {
  const World world(
      "  - upstream: a\n"
      "    request_headers:\n"
      "      set: {X-Env: prod, X-Forwarded-Proto: https, Host: inner.test, X-Who: "
      "'%{client_address} %{host}'}\n"
      "      add: {X-More: '2'}\n"
      "      remove: [X-Debug, Cookie]\n"
      "    response_headers:\n"
      "      set: {X-Origin: '%{upstream} %{endpoint}', Strict-Transport-Security: max-age=1}\n"
      "      remove: [X-Old, Via]");
  const Response response =
      world.ask("outer.test", "/", "GET",
                "X-Env: dev\r\nX-Debug: 1\r\ncookie: a=b\r\nX-More: 1\r\nX-Kept: k\r\n");
  const std::string head = world.a.seen().at(0).head;
  EXPECT_TRUE(holds(head, "X-Env: prod")) << head;
  EXPECT_TRUE(holds(head, "Host: inner.test")) << head;
  EXPECT_TRUE(holds(head, "X-Who: 127.0.0.1 outer.test")) << head;
  EXPECT_TRUE(holds(head, "X-Forwarded-Proto: https")) << head;
  EXPECT_TRUE(holds(head, "X-More: 1") && holds(head, "X-More: 2")) << head;
  EXPECT_TRUE(holds(head, "X-Kept: k")) << head;
  for (const char* gone : {"dev", "X-Debug", "cookie", "\r\nHost: outer.test", "Proto: http\r"})
    EXPECT_EQ(head.find(gone), head.npos) << gone << " in " << head;
  EXPECT_EQ(response.headers.at("x-origin"), "a " + world.a.address().to_string());
  EXPECT_EQ(response.headers.at("strict-transport-security"), "max-age=1");
  EXPECT_EQ(response.headers.count("x-old"), 0);
}

TEST(Routing, ALimitOfTheRouteIsInsteadOfTheListeners) {
  const World world(
      "  - {path: /small, body: 10B, upstream: a}\n"
      "  - {path: /large, body: 20MiB, upstream: a}\n"
      "  - {upstream: a}");
  EXPECT_EQ(world.ask("t", "/small", "POST", "", std::string(11, 'x')).status, 413);
  EXPECT_EQ(world.ask("t", "/small", "POST", "", std::string(10, 'x')).status, 200);
  EXPECT_EQ(world.ask("t", "/other", "POST", "Content-Length: 11000000\r\n").status, 413);
  EXPECT_EQ(world.ask("t", "/large", "POST", "", std::string(11'000'000, 'x')).status, 200);
  for (const Seen& seen : world.a.seen()) EXPECT_NE(seen.body.size(), 11U) << "never arrived";
}

TEST(Routing, OnlyWhoIsAllowedMayAsk) {
  const World world(
      "  - {path: /in, allow: [127.0.0.0/8], upstream: a}\n"
      "  - {path: /out, allow: [10.0.0.0/8, unix], upstream: a}");
  EXPECT_EQ(world.ask("t", "/in").status, 200);
  const Response response = world.ask("t", "/out");
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(response.body, "403 Forbidden: This address may not ask for that.\n");
}

TEST(Routing, ATrustedProxyIsBelievedAboutTheClient) {
  const World world(
      "  - {path: /in, allow: [192.0.2.0/24], upstream: a}\n"
      "  - {upstream: a, request_headers: {set: {X-Client: '%{client_address}'}}}",
      "trusted_proxies: [127.0.0.1]");
  const std::string said =
      "X-Forwarded-For: 6.6.6.6, 192.0.2.9\r\nX-Forwarded-Proto: https\r\n"
      "X-Forwarded-Host: shop.test\r\nForwarded: for=192.0.2.9\r\n";
  EXPECT_EQ(world.ask("t", "/in", "GET", said).status, 200);
  world.ask("t", "/", "GET", said);
  const std::string head = world.a.seen().at(1).head;
  for (const char* line :
       {"X-Client: 192.0.2.9", "X-Forwarded-For: 6.6.6.6, 192.0.2.9", "X-Forwarded-For: 127.0.0.1",
        "X-Forwarded-Proto: https", "X-Forwarded-Host: shop.test", "Forwarded: for=192.0.2.9"})
    EXPECT_TRUE(holds(head, line)) << line << " in " << head;
}

TEST(Routing, ARouteHasItsOwnPatience) {
  const Origin silent([](const Seen&) { return Reply{}; });
  const Instance instance(kOneProxy, "upstreams: {s: {servers: '" + silent.address().to_string() +
                                         "', timeouts: {response: 60s}}}\n"
                                         "routes: [{upstream: s, timeouts: {response: 200ms}, "
                                         "retries: 0}]");
  EXPECT_EQ(get(instance.web()).status, 504);
  EXPECT_EQ(silent.seen().size(), 1U);
}

TEST(Routing, RequestsAreCountedByRoute) {
  const World world(
      "  - {name: first, path: /a, upstream: a}\n"
      "  - {path: /b, respond: {status: 204}}");
  world.ask("t", "/a");
  world.ask("t", "/a");
  world.ask("t", "/b");
  world.ask("t", "/c");
  const std::string total = "roundhouse_http_requests_total";
  EXPECT_TRUE(world.instance.metric_reaches(total + "{route=\"first\",code=\"200\"}", 2));
  EXPECT_EQ(world.instance.metric(total + "{route=\"respond\",code=\"204\"}"), 1);
  EXPECT_EQ(world.instance.metric(total + "{route=\"none\",code=\"404\"}"), 1);
}

TEST(Routing, ACookieKeepsAClientWithItsServer) {
  const Origin one("one");
  const Origin two("two");
  const Instance instance(kTwoProxies,
                          upstream_of({&one, &two}, ", balance: rr, sticky: {cookie: rh}"));
  Client first(instance.web());
  const Response given = first.get("/");
  const std::string cookie = given.headers.at("set-cookie");
  EXPECT_TRUE(cookie.starts_with("rh=")) << cookie;
  EXPECT_TRUE(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax")) << cookie;
  EXPECT_EQ(cookie.find("127.0.0.1"), cookie.npos);
  const std::string field = "Cookie: other=1; " + cookie.substr(0, cookie.find(';')) + "\r\n";
  for (int i = 0; i < 10; ++i) {
    Client client(instance.web());
    const Response response = client.request("GET", "/", field);
    EXPECT_EQ(response.body, given.body) << "in every worker";
    EXPECT_EQ(response.headers.count("set-cookie"), 0) << "it is known";
  }
  std::set<std::string> bodies;
  for (int i = 0; i < 4; ++i) {
    const Response response = Client(instance.web()).request("GET", "/", "Cookie: rh=forged\r\n");
    bodies.insert(response.body);
    EXPECT_EQ(response.headers.count("set-cookie"), 1);
  }
  EXPECT_EQ(bodies.size(), 2U);
}

TEST(Routing, WhoseServerIsGoneFindsAnother) {
  Origin one("one");
  Origin two("two");
  const Instance instance(kOneProxy, upstream_of({&one, &two}, ", sticky: {cookie: rh}"));
  const Response given = get(instance.web());
  const std::string cookie = given.headers.at("set-cookie");
  (given.body == "one" ? one : two).stop();
  Client client(instance.web());
  const Response response =
      client.request("GET", "/", "Cookie: " + cookie.substr(0, cookie.find(';')) + "\r\n");
  EXPECT_EQ(response.status, 200);
  EXPECT_NE(response.body, given.body);
  EXPECT_NE(response.headers.at("set-cookie"), cookie);
}

TEST(Routing, CheckDoubtsWhatNeverMatches) {
  const TemporaryDirectory folder;
  const std::string file = folder.write(
      "r.yaml",
      "upstreams: {a: '127.0.0.1:1'}\nroutes: [{upstream: a}, {path: /x, upstream: a}]\n");
  const Finished finished = run({binary(), "check", "-c", file});
  EXPECT_EQ(finished.ended.code, 0);
  EXPECT_NE(finished.output.find("1 pool, "), std::string::npos) << finished.output;
  EXPECT_NE(finished.output.find("2 routes, 1 upstream"), std::string::npos) << finished.output;
  EXPECT_NE(finished.output.find("warning: " + file + ":2:25: routes.2: never matches"),
            std::string::npos)
      << finished.output;
}

}  // namespace
}  // namespace roundhouse::test
