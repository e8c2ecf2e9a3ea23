#include "config/worker_text.h"

#include <gtest/gtest.h>

#include "world.h"

namespace roundhouse::config {
namespace {

std::string text_of(const std::string& yaml, const std::string& pool) {
  const auto loaded = load(yaml);
  EXPECT_TRUE(loaded) << loaded.error().message;
  return worker_text(loaded->configuration, *loaded->configuration.find_pool(pool));
}

TEST(WorkerText, IsTheSameWhereThereAreMoreOfThem) {
  EXPECT_EQ(text_of("pools: {hello: {workers: 2}}", "hello"),
            text_of("pools: {hello: {workers: 3}}", "hello"));
}

TEST(WorkerText, OfBuiltInWorkersIsAnotherWithTheirListeners) {
  EXPECT_NE(
      text_of("listeners: {web: {bind: 8000}}\npools: {hello: {}}", "hello"),
      text_of("listeners: {web: {bind: 8000, limits: {body: 1MiB}}}\npools: {hello: {}}", "hello"));
}

TEST(WorkerText, OfProgramsIsNotWhatTheEdgeAloneGoesBy) {
  const std::string before =
      text_of("pools: {app: {type: listen_fds, command: ./app, workers: 2}}", "app");
  EXPECT_EQ(before, text_of("pools: {app: {type: listen_fds, command: ./app, workers: 2, "
                            "restart: {burst: 3}, timeouts: {drain: 5s}}}\n"
                            "log: {level: debug}",
                            "app"));
  EXPECT_NE(before, text_of("pools: {app: {type: listen_fds, command: ./app, workers: 2, "
                            "env: {A: b}}}",
                            "app"));
}

TEST(WorkerText, OfProxiesIsAnotherWithARouteAndThatOfTheProgramBehindThemIsNot) {
  const std::string program =
      "pools: {app: {command: ./app, type: port, workers: 1}}\n"
      "upstreams: {app: {pool: app}}\n";
  const std::string before =
      program + "routes: [{path: /a, respond: {status: 200}}, {upstream: app}]";
  const std::string after =
      program + "routes: [{path: /b, respond: {status: 200}}, {upstream: app}]";
  EXPECT_EQ(text_of(before, "app"), text_of(after, "app"));
  EXPECT_NE(text_of(before, "gateway"), text_of(after, "gateway"));
}

}  // namespace
}  // namespace roundhouse::config
