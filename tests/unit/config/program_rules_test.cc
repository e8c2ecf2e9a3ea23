#include "config/program_rules.h"

#include <gtest/gtest.h>

#include <string>

#include "config/pool_endpoints.h"
#include "config/rows.h"
#include "world.h"

namespace roundhouse::config {
namespace {

const Configuration& of(const Result<Loaded>& loaded) { return loaded.value().configuration; }

TEST(Programs, OfTypePortAreServedByProxiesBeforeThem) {
  const auto loaded = load("pools: {app: {command: ./app, workers: 4}}");
  const Configuration& made = of(loaded);
  ASSERT_EQ(made.pools.size(), 2U);
  EXPECT_EQ(made.pools[0].type, PoolType::kPort);
  EXPECT_EQ(made.pools[1].name, "gateway");
  EXPECT_EQ(made.pools[1].type, PoolType::kProxy);
  EXPECT_EQ(made.pools[1].workers, 3U) << "one for each CPU";
  EXPECT_EQ(made.listeners.at(0).pool, "gateway");
  EXPECT_EQ(made.upstreams.at(0).pool, "app");
  ASSERT_EQ(made.routes.size(), 1U);
  EXPECT_EQ(made.routes[0].listener, "") << "everything goes to the only upstream";
}

TEST(Programs, WhoseVariableNoShellWouldReadAreDoubted) {
  const auto doubted = load("pools: {app: {command: ./app --port $PORT}}");
  ASSERT_EQ(doubted->warnings.size(), 1U);
  EXPECT_TRUE(doubted->warnings[0].contains("pools.app.command: $PORT stays as it is"))
      << doubted->warnings[0];
  const auto meant = load("pools: {app: {command: [/bin/sh, -c, 'exec ./app --port $PORT']}}");
  EXPECT_TRUE(meant->warnings.empty());
}

TEST(Programs, OfTypeListenFdsAcceptForThemselves) {
  const auto loaded = load("pools: {app: {command: gunicorn app:app}}");
  EXPECT_EQ(of(loaded).pools.size(), 1U);
  EXPECT_EQ(of(loaded).pools[0].policy, Policy::kNone);
  EXPECT_EQ(of(loaded).listeners.at(0).via, Via::kDirect);
}

TEST(Programs, AreServedByProxiesWhereTheListenerSaysWhatOnlyThoseCanHold) {
  for (const char* key : {"timeouts: {header: 5s}", "limits: {body: 1KiB}",
                          "connections_per_address: 4", "via: proxy"}) {
    const auto loaded = load("listeners: {web: {bind: 1, pool: app, " + std::string(key) +
                             "}}\npools: {app: {command: gunicorn app:app}}");
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(of(loaded).listeners[0].pool, "gateway") << key;
    EXPECT_EQ(of(loaded).find_pool("app")->socket, PrivateSocket::kUnix);
  }
}

TEST(Programs, AListenerThatNamesThemGetsARouteBehindTheOthers) {
  const auto loaded = load(
      "listeners: {web: {bind: 1, pool: app}, other: {bind: 2, pool: edge}}\n"
      "pools: {app: {command: ./app}, edge: {type: proxy}}\n"
      "upstreams: {site: ['127.0.0.1:80']}\n"
      "routes: [{path: /old, redirect: {to: /new}}, {listener: other, upstream: site}]");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(of(loaded).listeners[0].pool, "edge") << "the proxies that are there";
  ASSERT_EQ(of(loaded).routes.size(), 3U);
  EXPECT_EQ(of(loaded).routes[2].listener, "web");
  EXPECT_EQ(of(loaded).routes[2].upstream, "app");
}

TEST(Programs, AnUpstreamCanBeAPoolThatNoListenerNames) {
  const auto loaded =
      load("upstreams: {site: {pool: app}}\npools: {app: {command: ./app, workers: 2}}");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(of(loaded).listeners.at(0).pool, "gateway");
  const auto upstreams = pool_upstreams(of(loaded));
  ASSERT_EQ(upstreams.size(), 1U);
  EXPECT_EQ(upstreams[0].pool, 0U);
  const PoolRows& rows = of(loaded).pools[0].rows;
  EXPECT_EQ(upstreams[0].first_endpoint, kEndpointRows - rows.count());
}

TEST(Programs, APolicyForAllIsForThoseThatCanDoIt) {
  const auto loaded = load("pools: {app: {command: ./app}}", {}, {.policy = Policy::kLeast});
  EXPECT_EQ(of(loaded).pools[0].policy, Policy::kNone);
  EXPECT_EQ(of(loaded).pools[1].policy, Policy::kLeast) << "the proxies before it";
  const auto none = load("pools: {app: {command: gunicorn a:b}}", {}, {.policy = Policy::kRr});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().message,
            "--policy: rr cannot be done by workers of type listen_fds; expected none");
}

TEST(Programs, OfTheCommandLineAreThePoolOfThatName) {
  const auto loaded = load_defaults({.workers = 4, .command = {"./app", "-x"}}, surroundings());
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(of(loaded).pools.at(0).name, "app");
  EXPECT_EQ(of(loaded).pools.at(0).workers, 4U) << "and not of the proxies";
  EXPECT_EQ(of(loaded).pools.at(0).command, (Words{"./app", "-x"}));
}

struct Case {
  const char* file;
  const char* errors;
};

const Case kCases[] = {
    {"pools: {app: {command: gunicorn a:b, policy: rr}}",
     "t.yaml:1:46: pools.app.policy: rr cannot be done by workers of type listen_fds, which accept "
     "for themselves; expected none, rr_kernel, or `via: proxy` at the listener"},
    {"pools: {app: {command: ./a, policy: rr}}",
     "t.yaml:1:37: pools.app.policy: is nothing that a program of type port can do; expected no "
     "such key"},
    {"pools: {app: {command: gunicorn a:b, worker_connections: 5}}",
     "t.yaml:1:58: pools.app.worker_connections: is nothing that a program of type listen_fds can "
     "do; expected no such key"},
    {"pools: {app: {type: port}}",
     "t.yaml:1:9: pools.app: is of type port and has no command; expected `command`"},
    {"pools: {app: {command: gunicorn a:b, ready: {by: connect}}}",
     "t.yaml:1:50: pools.app.ready.by: connect says nothing of a program whose socket we hold; "
     "expected notify, http or settle"},
    {"listeners: {web: {via: direct}}\npools: {app: {command: ./a}}",
     "t.yaml:1:24: listeners.web.via: a program of type port gets no connections of ours; expected "
     "proxy"},
    {"listeners: {web: {via: direct, timeouts: {header: 1s}}}\npools: {app: {command: gunicorn "
     "a:b}}",
     "t.yaml:1:24: listeners.web.via: direct, and timeouts.header is set, which the program knows "
     "nothing of; expected proxy, or no such keys"},
    {"listeners: {web: {via: proxy}}\npools: {app: {type: native, command: ./a}}",
     "t.yaml:1:24: listeners.web.via: proxy is for programs with a socket of their own, and pool "
     "app is of type native; expected direct, or no such key"},
    {"upstreams: {site: {pool: app}}", "t.yaml:1:26: upstreams.site.pool: there is no pool 'app'"},
    {"upstreams: {site: {pool: app, servers: '127.0.0.1:1'}}\npools: {app: {command: ./a}}",
     "t.yaml:1:40: upstreams.site.servers: stands beside `pool`, whose workers are the endpoints "
     "and are watched as workers; expected no such key"},
    {"upstreams: {site: {pool: app}}\npools: {app: {type: native, command: ./a}}",
     "t.yaml:1:26: upstreams.site.pool: pool app is of type native, whose workers have no socket "
     "of their own; expected a pool of programs of type node, listen_fds or port"},
    {"upstreams: {site: {pool: app}}\npools: {app: {command: node x, policy: sticky}}",
     "t.yaml:2:40: pools.app.policy: sticky is about connections that a listener gives to the "
     "pool, and this one gets requests from proxies; expected `balance` or `sticky` of the "
     "upstream"},
    {"upstreams: {site: {pool: app}}\npools: {app: {command: node x, listen: {1: private, 2: "
     "private}}}",
     "t.yaml:2:40: pools.app.listen: leads several ports to the private sockets, of which each "
     "worker has one; expected one port that proxies forward to"},
    {"listeners: {web: {pool: app}}\nupstreams: {x: {pool: app}}\npools: {app: {command: node x}}",
     "t.yaml:2:1: upstreams: are reached by no listener: each names a pool of its own; expected "
     "one with `via: proxy`, with `pool: gateway`, or without a pool"},
    {"pools: {app: {command: node x, listen: {1: private}}}",
     "t.yaml:1:40: pools.app.listen: there is no listener 'private' of this pool; expected one "
     "with `pool: app`"},
    {"pools: {app: {command: gunicorn a:b, policy: least}}",
     "t.yaml:1:46: pools.app.policy: least cannot be done by workers of type listen_fds, which "
     "accept for themselves; expected none, rr_kernel, or `via: proxy` at the listener"}};

class ProgramCheck : public testing::TestWithParam<Case> {};

TEST_P(ProgramCheck, IsMade) { EXPECT_EQ(errors_of(GetParam().file), GetParam().errors); }

INSTANTIATE_TEST_SUITE_P(Programs, ProgramCheck, testing::ValuesIn(kCases));

}  // namespace
}  // namespace roundhouse::config
