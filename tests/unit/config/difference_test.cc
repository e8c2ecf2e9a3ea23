#include "config/difference.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "config/effective.h"
#include "config/explain.h"
#include "config/settle.h"
#include "world.h"

namespace roundhouse::config {
namespace {

using PoolKind = Difference::PoolEffect::Kind;
using SocketKind = Difference::SocketEffect::Kind;

Configuration configuration(const std::string& yaml) {
  auto loaded = load(yaml, {{"TOKEN", "swordfish"}, {"OTHER", "rosebud"}});
  EXPECT_TRUE(loaded) << loaded.error().message;
  return std::move(loaded->configuration);
}

// As the edge, the monitor and `roundhouse diff` hand it on.
Comparable told(const Configuration& running,
                const std::map<std::string, std::uint32_t>& wanted = {}) {
  const auto read = from_effective_text(to_effective_text(running));
  EXPECT_TRUE(read) << read.error().message;
  const auto json = parse_json(to_text(to_json(comparable(*read, "key", wanted))));
  return comparable_from(*json).value();
}

Difference between(const std::string& before, const std::string& after) {
  return difference(told(configuration(before)), comparable(configuration(after), "key"));
}

const Difference::PoolEffect& of_pool(const Difference& difference, const std::string& name) {
  return *std::ranges::find(difference.pools, name, &Difference::PoolEffect::name);
}

const std::string kSite =
    "listeners: {web: {bind: '127.0.0.1:8000', pool: gateway}}\n"
    "pools: {gateway: {type: proxy, workers: 2}, app: {type: listen_fds, command: ./app, workers: "
    "2}}\n"
    "upstreams: {site: {pool: app}, far: {servers: ['10.0.0.1:80'], sticky: {cookie: A}}}\n";
const std::string kRoutes = "routes: [{path: /a, upstream: far}, {upstream: site}]\n";

TEST(Difference, OfTheSameIsNothing) {
  const Difference same = between(kSite + kRoutes, "# words\n" + kSite + kRoutes);
  EXPECT_TRUE(same.nothing());
  EXPECT_TRUE(same.changes.empty());
  EXPECT_EQ(same.sockets.at(0).kind, SocketKind::kStays);
}

TEST(Difference, ARouteReplacesProxiesAlone) {
  const Difference found =
      between(kSite + kRoutes, kSite + "routes: [{path: /b, upstream: far}, {upstream: site}]\n");
  ASSERT_EQ(found.changes.size(), 1U);
  EXPECT_EQ(found.changes[0].key, "routes.far.path");
  EXPECT_EQ(found.changes[0].before, "/a");
  EXPECT_EQ(found.changes[0].after, "/b");
  EXPECT_EQ(of_pool(found, "gateway").kind, PoolKind::kReplaced);
  EXPECT_EQ(of_pool(found, "gateway").because, std::vector<std::string>{"routes.far.path"});
  EXPECT_TRUE(of_pool(found, "gateway").together);
  EXPECT_EQ(of_pool(found, "app").kind, PoolKind::kStays);
  EXPECT_FALSE(found.nothing());
}

TEST(Difference, TheOrderOfRoutesIsAChange) {
  const std::string turned = "routes: [{upstream: site}, {path: /a, upstream: far}]\n";
  const Difference found = between(kSite + kRoutes, kSite + turned);
  EXPECT_EQ(found.changes.at(0).key, "routes");
  EXPECT_EQ(of_pool(found, "gateway").kind, PoolKind::kReplaced);
  EXPECT_EQ(of_pool(found, "gateway").because, std::vector<std::string>{"routes"});
}

TEST(Difference, MoreWorkersAreStartedAndWhatTheEdgeGoesByChangesInPlace) {
  const std::string before = "pools: {app: {type: listen_fds, command: ./app, workers: 2}}";
  const Difference more =
      between(before, "pools: {app: {type: listen_fds, command: ./app, workers: 3}}");
  EXPECT_EQ(of_pool(more, "app").kind, PoolKind::kScaled);
  EXPECT_EQ(of_pool(more, "app").after, 3U);
  const Difference place = between(
      before,
      "pools: {app: {type: listen_fds, command: ./app, workers: 2, timeouts: {drain: 5s}}}");
  EXPECT_EQ(of_pool(place, "app").kind, PoolKind::kInPlace);
  EXPECT_EQ(place.changes.at(0).before, "25s");
  EXPECT_EQ(place.changes.at(0).after, "5s");
}

TEST(Difference, AReloadTakesBackWhatWasScaled) {
  const Configuration same = configuration("pools: {hello: {workers: 2}}");
  const Difference found = difference(told(same, {{"hello", 5}}), comparable(same, "key"));
  EXPECT_FALSE(found.nothing());
  EXPECT_EQ(of_pool(found, "hello").kind, PoolKind::kScaled);
  EXPECT_EQ(of_pool(found, "hello").before, 5U);
  EXPECT_EQ(of_pool(found, "hello").after, 2U);
}

TEST(Difference, SocketsComeAndGoAndStayUnderAnotherName) {
  const Difference found =
      between("listeners: {a: {bind: ['127.0.0.1:1', '127.0.0.1:2']}}\npools: {hello: {}}",
              "listeners: {b: {bind: ['127.0.0.1:2', '127.0.0.1:3']}}\npools: {hello: {}}");
  ASSERT_EQ(found.sockets.size(), 3U);
  EXPECT_EQ(found.sockets[0].kind, SocketKind::kStays);
  EXPECT_EQ(found.sockets[0].listener, "b");
  EXPECT_EQ(found.sockets[1].kind, SocketKind::kAdded);
  EXPECT_EQ(found.sockets[2].kind, SocketKind::kRemoved);
  EXPECT_EQ(found.sockets[2].address, "127.0.0.1:1");
  EXPECT_TRUE(found.refusals.empty());
}

TEST(Difference, PoolsComeAndGo) {
  const auto with = [](const std::string& name, int workers) {
    return "listeners: {web: {bind: 81, pool: a}, more: {bind: 82, pool: " + name +
           "}}\npools: {a: {}, " + name + ": {workers: " + std::to_string(workers) + "}}";
  };
  const Difference found = between(with("b", 4), with("c", 2));
  EXPECT_EQ(of_pool(found, "a").kind, PoolKind::kStays);
  EXPECT_EQ(of_pool(found, "b").kind, PoolKind::kRemoved);
  EXPECT_EQ(of_pool(found, "c").kind, PoolKind::kNew);
  EXPECT_EQ(of_pool(found, "c").after, 2U);
}

TEST(Difference, SecretsAreComparedAndNotShown) {
  const auto with = [](const std::string& token) {
    return "pools: {app: {type: listen_fds, command: ./app, cwd: '${" + token + "}', env: {T: '${" +
           token + "}'}}}";
  };
  const Configuration running = configuration(with("TOKEN"));
  const std::string json = to_text(to_json(told(running)));
  EXPECT_EQ(json.find("swordfish"), std::string::npos);
  EXPECT_EQ(explain_in_force(running).find("swordfish"), std::string::npos);
  const Difference found = between(with("TOKEN"), with("OTHER"));
  ASSERT_EQ(found.changes.size(), 2U);
  for (const auto& change : found.changes) EXPECT_NE(change.after.find("***"), std::string::npos);
  EXPECT_EQ(of_pool(found, "app").kind, PoolKind::kReplaced);
  EXPECT_TRUE(between(with("TOKEN"), with("TOKEN")).nothing());
}

TEST(Difference, WhatTakesANewStartIsRefused) {
  const Difference found =
      between("pools: {hello: {workers: 2}}",
              "pools: {hello: {workers: 400}}\nmonitor: {bind: '127.0.0.1:7'}\nuser: someone");
  std::vector<std::string> keys;
  for (const auto& refusal : found.refusals) keys.push_back(refusal.key);
  EXPECT_EQ(keys, (std::vector<std::string>{"user", "monitor.bind", "pools.hello.workers"}));
}

TEST(Difference, QueuesInTheKernelOfProgramsTakeANewStart) {
  const std::string program =
      "pools: {app: {type: listen_fds, command: ./app, workers: 2, policy: ";
  const std::string listener = "listeners: {web: {bind: '127.0.0.1:8000'}}\n";
  const Difference found =
      between(listener + program + "none}}", listener + program + "rr_kernel}}");
  ASSERT_EQ(found.refusals.size(), 1U);
  EXPECT_EQ(found.refusals[0].key, "listeners.web.bind");
  EXPECT_TRUE(between("pools: {hello: {policy: rr}}", "pools: {hello: {policy: rr_kernel}}")
                  .refusals.empty());
}

TEST(Difference, AKeyThatWasMadeHereStaysAsLongAsTheFileSaysAuto) {
  Configuration running = configuration(kSite + kRoutes);
  settle_sticky_keys(running, [](const std::string&) { return std::string("made-here"); });
  EXPECT_TRUE(
      difference(told(running), comparable(configuration(kSite + kRoutes), "key")).nothing());
  EXPECT_EQ(explain_in_force(running).find("made-here"), std::string::npos);
}

TEST(Difference, ThePolicyThatStandsForAnotherIsNoDifference) {
  const std::string wish =
      "pools: {hello: {policy: rr_kernel}, app: {type: listen_fds, command: "
      "./app, policy: rr_kernel}}\n"
      "listeners: {a: {bind: 1, pool: hello}, b: {bind: 2, pool: app}}";
  Configuration running = configuration(wish);
  EXPECT_EQ(rotation_of(told(running)), Rotation::kWorks);
  replace_kernel_rotation(running);
  EXPECT_EQ(running.find_pool("app")->policy, Policy::kNone);
  EXPECT_EQ(rotation_of(told(running)), Rotation::kReplaced);
  Configuration next = configuration(wish);
  replace_kernel_rotation(next);
  EXPECT_TRUE(difference(told(running), comparable(next, "key")).nothing());
  EXPECT_EQ(rotation_of(told(configuration("pools: {hello: {}}"))), Rotation::kUnknown);
}

TEST(Difference, WhatIsOfAnotherFormIsAnError) {
  for (const char* text : {"{}", "[]", "3", R"({"key": 5})"})
    EXPECT_FALSE(comparable_from(*parse_json(text))) << text;
}

}  // namespace
}  // namespace roundhouse::config
