#include "config/loader.h"

#include <gtest/gtest.h>

#include "config/effective.h"
#include "world.h"

namespace roundhouse::config {
namespace {

TEST(Loader, WithoutAFileTheExampleIsServedOnPort8000) {
  const auto loaded = load_defaults({}, surroundings());
  ASSERT_TRUE(loaded) << loaded.error().message;
  const Configuration& configuration = loaded->configuration;
  ASSERT_EQ(configuration.pools.size(), 1U);
  EXPECT_EQ(configuration.pools[0].name, "hello");
  EXPECT_EQ(configuration.pools[0].type, PoolType::kHello);
  EXPECT_EQ(configuration.pools[0].workers, 3U);
  EXPECT_EQ(configuration.pools[0].policy, Policy::kRr);
  ASSERT_EQ(configuration.listeners.size(), 1U);
  EXPECT_EQ(configuration.listeners[0].name, "web");
  EXPECT_EQ(configuration.listeners[0].pool, "hello");
  ASSERT_EQ(configuration.listeners[0].bind.size(), 1U);
  EXPECT_EQ(configuration.listeners[0].bind[0].to_string(), "[::]:8000");
  EXPECT_EQ(configuration.monitor.bind->to_string(), "127.0.0.1:9901");
  EXPECT_EQ(configuration.user, "nobody");
}

TEST(Loader, APoolAloneIsServedOnPort8000) {
  const auto loaded = load("pools: {app: {command: ./server --fast 'a b', workers: 4}}");
  ASSERT_TRUE(loaded) << loaded.error().message;
  const Pool& pool = loaded->configuration.pools.at(0);
  EXPECT_EQ(pool.type, PoolType::kNative);
  EXPECT_EQ(pool.workers, 4U);
  EXPECT_EQ(pool.command, (std::vector<std::string>{"./server", "--fast", "a b"}));
  EXPECT_EQ(loaded->configuration.listeners.at(0).pool, "app");
  EXPECT_EQ(loaded->configuration.listeners.at(0).bind.at(0).port(), 8000);
}

TEST(Loader, AListenerAloneServesHello) {
  const auto loaded = load("listeners: {front: {bind: [127.0.0.1:81, 'unix:/tmp/x']}}");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->configuration.pools.at(0).name, "hello");
  EXPECT_EQ(loaded->configuration.listeners.at(0).pool, "hello");
  EXPECT_EQ(loaded->configuration.listeners.at(0).bind.size(), 2U);
}

TEST(Loader, EveryErrorIsReportedAtOnceWithItsPlace) {
  EXPECT_EQ(errors_of("pools:\n"
                      "  app:\n"
                      "    worker: 3\n"
                      "    policy: rr_kernel\n"
                      "    command: x\n"
                      "    timeouts: {drain: 5}\n"
                      "listeners:\n"
                      "  web: {pool: ap, bind: 99999}\n"),
            "t.yaml:3:5: pools.app.worker: unknown key; did you mean 'workers'?\n"
            "t.yaml:4:13: pools.app.policy: rr_kernel is not available in this version; expected "
            "one of rr, none, "
            "least, sticky\n"
            "t.yaml:6:23: pools.app.timeouts.drain: '5' has no unit; expected a duration from 0s "
            "to 1h, as in 250ms, "
            "30s, 5m or 1h\n"
            "t.yaml:8:15: listeners.web.pool: there is no pool 'ap'; expected one of app\n"
            "t.yaml:8:25: listeners.web.bind: '99999' is not an address; expected a port, "
            "host:port with a numeric "
            "host, [v6]:port or unix:/path, or a list of these");
}

TEST(Loader, TheEffectiveTextGivesTheSameConfigurationBack) {
  const auto loaded = load(
      "pools: {app: {command: [a, \"b\\tc\\n\\\\d\", ''], env: {A: 'x=y'}, recycle: {memory: "
      "400MiB}}}");
  ASSERT_TRUE(loaded) << loaded.error().message;
  const std::string text = to_effective_text(loaded->configuration);
  const auto again = from_effective_text(text);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(to_effective_text(*again), text);
  EXPECT_EQ(again->pools.at(0).command, loaded->configuration.pools.at(0).command);
  EXPECT_EQ(again->pools.at(0).env, loaded->configuration.pools.at(0).env);
  EXPECT_EQ(again->pools.at(0).workers, 3U);
}

}  // namespace
}  // namespace roundhouse::config
