#include "proxy/router.h"

#include <gtest/gtest.h>

#include "parsed_request.h"

namespace roundhouse::proxy {
namespace {

using config::Configuration;
using config::Route;

Configuration configuration_of(std::vector<Route> routes) {
  Configuration configuration;
  configuration.listeners = {{.name = "web"}, {.name = "admin"}};
  configuration.upstreams = {{.name = "a"}, {.name = "b"}};
  configuration.routes = std::move(routes);
  return configuration;
}

// The index of the route, -1 for none.
int route_of(const Configuration& configuration, const std::string& request,
             std::size_t listener = 0) {
  const Router router(configuration);
  const ParsedRequest parsed(request);
  const auto found =
      router.find({.request = *parsed, .path = (*parsed).path, .listener = listener});
  return found ? static_cast<int>(*found) : -1;
}

std::string asking(const std::string& host, const std::string& path = "/",
                   const std::string& method = "GET", const std::string& fields = "") {
  return method + " " + path + " HTTP/1.1\r\nHost: " + host + "\r\n" + fields + "\r\n";
}

TEST(Router, TheFirstThatMatchesWins) {
  const auto configuration =
      configuration_of({{.path = "/a", .upstream = "a"}, {.path = "/", .upstream = "b"}});
  EXPECT_EQ(route_of(configuration, asking("x", "/a")), 0);
  EXPECT_EQ(route_of(configuration, asking("x", "/a/b")), 1);
  EXPECT_EQ(Router(configuration).route(1).upstream, 1U);
}

TEST(Router, AHostIsExactOrEveryOneBelow) {
  const auto configuration = configuration_of({{.host = "example.com", .upstream = "a"},
                                               {.host = "*.example.com", .upstream = "a"},
                                               {.host = "[::1]", .upstream = "a"}});
  EXPECT_EQ(route_of(configuration, asking("example.com")), 0);
  EXPECT_EQ(route_of(configuration, asking("EXAMPLE.com:8000")), 0);
  EXPECT_EQ(route_of(configuration, asking("example.com.")), 0);
  EXPECT_EQ(route_of(configuration, asking("a.b.Example.com")), 1);
  EXPECT_EQ(route_of(configuration, asking("[::1]:80")), 2);
  EXPECT_EQ(route_of(configuration, asking("notexample.com")), -1);
  EXPECT_EQ(route_of(configuration, asking(".example.com")), -1);
}

TEST(Router, TheTargetsOwnHostIsTheHost) {
  const auto configuration = configuration_of({{.host = "inner", .upstream = "a"}});
  EXPECT_EQ(route_of(configuration, "GET http://inner/x HTTP/1.1\r\nHost: inner\r\n\r\n"), 0);
}

TEST(Router, APathIsExactOrEverythingBelow) {
  const auto configuration =
      configuration_of({{.path = "/x", .upstream = "a"}, {.path = "/api/", .upstream = "a"}});
  EXPECT_EQ(route_of(configuration, asking("h", "/x")), 0);
  EXPECT_EQ(route_of(configuration, asking("h", "/x?q=/api/")), 0);
  EXPECT_EQ(route_of(configuration, asking("h", "/api/users")), 1);
  EXPECT_EQ(route_of(configuration, asking("h", "/api/")), 1);
  EXPECT_EQ(route_of(configuration, asking("h", "/api")), -1);
  EXPECT_EQ(route_of(configuration, asking("h", "/x/")), -1);
  EXPECT_EQ(route_of(configuration, asking("h", "/X")), -1);
}

TEST(Router, MethodsFieldsAndListenersMatchToo) {
  const auto configuration =
      configuration_of({{.methods = {"PUT", "PATCH"}, .upstream = "a"},
                        {.headers = {{"X-Beta", "yes"}, {"Authorization", "*"}}, .upstream = "a"},
                        {.listener = "admin", .upstream = "a"}});
  EXPECT_EQ(route_of(configuration, asking("h", "/", "PATCH")), 0);
  EXPECT_EQ(route_of(configuration, asking("h", "/", "patch")), -1);
  EXPECT_EQ(route_of(configuration, asking("h", "/", "GET", "x-beta: yes\r\nauthorization: q\r\n")),
            1);
  EXPECT_EQ(route_of(configuration,
                     asking("h", "/", "GET", "X-Beta: no\r\nX-Beta: yes\r\nAuthorization: q\r\n")),
            1);
  EXPECT_EQ(route_of(configuration, asking("h", "/", "GET", "X-Beta: Yes\r\nAuthorization: q\r\n")),
            -1);
  EXPECT_EQ(route_of(configuration, asking("h", "/", "GET", "X-Beta: yes\r\n")), -1);
  EXPECT_EQ(route_of(configuration, asking("h"), 1), 2);
}

TEST(Router, RewritesWholeSegmentsAtTheFront) {
  EXPECT_EQ(rewritten("/api/users", "/api", ""), "/users");
  EXPECT_EQ(rewritten("/api", "/api", ""), "/");
  EXPECT_EQ(rewritten("/api/", "/api", ""), "/");
  EXPECT_EQ(rewritten("/apiary", "/api", ""), "/apiary");
  EXPECT_EQ(rewritten("/other", "/api", ""), "/other");
  EXPECT_EQ(rewritten("/users", "", "/v2"), "/v2/users");
  EXPECT_EQ(rewritten("/api/users", "/api", "/v2/x"), "/v2/x/users");
  EXPECT_EQ(rewritten("/a", "/api/long", ""), "/a");
}

}  // namespace
}  // namespace roundhouse::proxy
