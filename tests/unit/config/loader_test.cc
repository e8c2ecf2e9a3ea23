#include "config/loader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "config/effective.h"
#include "golden_file.h"
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
  const auto loaded =
      load("pools: {app: {type: native, command: ./server --fast 'a b', workers: 4}}");
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

TEST(Loader, APolicyComesFromTheFlagThenOurVariableThenTheFileThenNodesVariable) {
  const std::string file = "pools: {app: {policy: sticky}}";
  const std::map<std::string, std::string> both = {{"ROUNDHOUSE_SCHED_POLICY", "least"},
                                                   {"NODE_CLUSTER_SCHED_POLICY", "none"}};
  const std::map<std::string, std::string> nodes = {{"NODE_CLUSTER_SCHED_POLICY", "none"}};
  const auto policy = [](const Result<Loaded>& loaded) {
    return loaded.value().configuration.pools.at(0).policy;
  };
  EXPECT_EQ(policy(load(file, both, {.policy = Policy::kRr})), Policy::kRr);
  EXPECT_EQ(policy(load(file, both)), Policy::kLeast);
  EXPECT_EQ(policy(load(file, nodes)), Policy::kSticky);
  EXPECT_EQ(policy(load("", nodes)), Policy::kNone);
  EXPECT_EQ(policy(load("")), Policy::kRr);
  EXPECT_EQ(policy(load("", {{"ROUNDHOUSE_SCHED_POLICY", ""}})), Policy::kRr);
}

TEST(Loader, AVariableWithAnUnknownPolicyIsAnErrorThatNamesIt) {
  EXPECT_EQ(errors_of("", {{"NODE_CLUSTER_SCHED_POLICY", "least"}}),
            "NODE_CLUSTER_SCHED_POLICY: 'least' is not known; expected rr or none");
  EXPECT_EQ(errors_of("", {{"ROUNDHOUSE_SCHED_POLICY", "random"}}),
            "ROUNDHOUSE_SCHED_POLICY: 'random' is not known; expected one of rr, none, least, "
            "sticky, rr_kernel");
}

TEST(Loader, FlagsReplaceThePortAndTheWorkersOfTheOnlyListenerAndPool) {
  const auto loaded =
      load("listeners: {a: {bind: 127.0.0.1:80}}", {}, {.port = 9000, .workers = 7});
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->configuration.listeners.at(0).bind.at(0).to_string(), "127.0.0.1:9000");
  EXPECT_EQ(loaded->configuration.pools.at(0).workers, 7U);
  EXPECT_EQ(load("pools: {a: {workers: 9}}", {}, {.workers = 0})->configuration.pools.at(0).workers,
            3U);
}

TEST(Loader, TheFlagOfTheAccessLogIsBeforeTheFile) {
  const std::string file = "log: {access: {format: json, to: /var/log/a, fields: [status]}}";
  const auto loaded = load(file, {}, {.access_log = AccessFormat::kCombined});
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->configuration.log.access.format, AccessFormat::kCombined);
  EXPECT_EQ(loaded->configuration.log.access.to, "/var/log/a");
  EXPECT_EQ(loaded->provenance.at("log.access.format").name, "--access-log");
  EXPECT_EQ(load("")->configuration.log.access.format, AccessFormat::kOff);
}

TEST(Loader, FlagsThatDoNotFitTheFileAreAUsageError) {
  const std::string two =
      "listeners: {a: {bind: 1, pool: x}, b: {bind: 2, pool: y}}\npools: {x: {}, y: {}}";
  for (const auto& loaded : {load(two, {}, {.port = 9000}), load(two, {}, {.workers = 2}),
                             load("listeners: {a: {bind: [1, 2]}}", {}, {.port = 9000}),
                             load("listeners: {a: {bind: 'unix:/x'}}", {}, {.port = 9000})}) {
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, ExitCode::kUsage);
    EXPECT_TRUE(loaded.error().message.starts_with("-")) << loaded.error().message;
  }
}

TEST(Loader, AFileThatCannotBeReadIsOneLineAndASystemError) {
  for (const char* path : {"/nonexistent/roundhouse.yaml", "/"}) {
    const auto loaded = load_file(path, {}, surroundings());
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, ExitCode::kSystem);
    EXPECT_TRUE(loaded.error().message.starts_with("reading " + std::string(path) + ": "))
        << loaded.error().message;
  }
}

TEST(Loader, EveryErrorOfABadFileIsReportedAtOnceWithItsPlace) {
  const auto loaded = load_text(checkout_file("tests/unit/config/golden/bad.yaml"), "bad.yaml", {},
                                surroundings({{"SECRET", "hunter2"}}));
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ExitCode::kConfiguration);
  EXPECT_EQ(loaded.error().message + "\n", checkout_file("tests/unit/config/golden/bad.txt"));
  EXPECT_EQ(loaded.error().message.find("hunter2"), std::string::npos);
}

TEST(Loader, TheExamplesAreValid) {
  int examples = 0;
  for (const auto& entry : std::filesystem::directory_iterator(checkout_path("conf"))) {
    if (entry.path().extension() != ".yaml") continue;
    const auto loaded = load_file(entry.path(), {}, surroundings());
    EXPECT_TRUE(loaded) << loaded.error().message;
    ++examples;
  }
  EXPECT_GE(examples, 2);
}

TEST(Loader, TheCommentedExampleIsWhatRunsWithoutAFile) {
  const auto written = load_file(checkout_path("conf/roundhouse.yaml"), {}, surroundings());
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ(to_effective_text(written->configuration),
            to_effective_text(load_defaults({}, surroundings())->configuration));
}

TEST(Loader, ManyErrorsAreCutAtANumber) {
  std::string file;
  for (int i = 0; i < 1000; ++i) file += "key" + std::to_string(i) + ": 1\n";
  const std::string errors = errors_of(file);
  EXPECT_EQ(std::ranges::count(errors, '\n'), 200);
  EXPECT_TRUE(errors.ends_with("t.yaml: and 800 more")) << errors.substr(errors.size() - 60);
}

}  // namespace
}  // namespace roundhouse::config
