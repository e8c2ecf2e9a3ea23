// A worker that does its worst harms nobody else.
#include <gtest/gtest.h>

#include "support/instance.h"

namespace roundhouse::test {
namespace {

// Worker 1 serves, worker 2 follows `script`.
std::string one_well_one_hostile(const TemporaryDirectory& directory, const std::string& script) {
  const std::string file = directory.write(
      "half.sh", "#!/bin/sh\n[ $ROUNDHOUSE_WORKER_ID = 2 ] && exec " + scripted_worker(script) +
                     "\nexec " + scripted_worker("serve") + "\n");
  return "app: {type: native, command: [/bin/sh, " + file + "], workers: 2}";
}

TEST(HostileWorker, AStormOfNoticesKeepsTheEdgeFromNothing) {
  TemporaryDirectory directory;
  Instance instance(one_well_one_hostile(directory, "storm"));
  ASSERT_TRUE(instance.process().prints("worker 1 (pid"));
  ASSERT_TRUE(instance.process().prints("worker 2 (pid"));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(get(instance.web()).body, "scripted worker 1\n");
  instance.process().signal(SIGQUIT);
  EXPECT_EQ(instance.process().wait(std::chrono::seconds(10)).code, 0);
}

TEST(HostileWorker, BoastedConnectionsDoNotFillTheListener) {
  TemporaryDirectory directory;
  std::string pool = one_well_one_hostile(directory, "boast");
  pool.insert(pool.rfind('}'), ", worker_connections: 100");
  Instance instance(pool);
  ASSERT_TRUE(instance.process().prints("worker 1 (pid"));
  ASSERT_TRUE(instance.process().prints("worker 2 (pid"));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(get(instance.web()).body, "scripted worker 1\n");
}

}  // namespace
}  // namespace roundhouse::test
