#include "monitor/container_memory.h"

#include <gtest/gtest.h>

#include "support/process.h"

namespace roundhouse::monitor {
namespace {

using test::TemporaryDirectory;

TEST(ContainerMemory, OfVersionTwoIsReadFromItsOwnGroup) {
  const TemporaryDirectory root;
  root.write("proc/self/cgroup", "0::/system.slice/roundhouse.service\n");
  root.write("sys/fs/cgroup/system.slice/roundhouse.service/memory.current", "1000\n");
  root.write("sys/fs/cgroup/system.slice/roundhouse.service/memory.max", "5000\n");
  const ContainerMemory memory = read_container_memory(root.path());
  EXPECT_EQ(memory.used, 1000U);
  EXPECT_EQ(memory.limit, 5000U);
}

TEST(ContainerMemory, WithoutALimitHasNone) {
  const TemporaryDirectory root;
  root.write("proc/self/cgroup", "0::/\n");
  root.write("sys/fs/cgroup/memory.current", "1000\n");
  root.write("sys/fs/cgroup/memory.max", "max\n");
  const ContainerMemory memory = read_container_memory(root.path());
  EXPECT_EQ(memory.used, 1000U);
  EXPECT_EQ(memory.limit, std::nullopt);
}

TEST(ContainerMemory, OfVersionOneIsReadFromTheMemoryHierarchy) {
  const TemporaryDirectory root;
  root.write("proc/self/cgroup", "5:cpu:/a\n4:hugetlb,memory:/docker/b\n0::/\n");
  root.write("sys/fs/cgroup/memory/docker/b/memory.usage_in_bytes", "1000\n");
  root.write("sys/fs/cgroup/memory/docker/b/memory.limit_in_bytes", "9223372036854771712\n");
  const ContainerMemory memory = read_container_memory(root.path());
  EXPECT_EQ(memory.used, 1000U);
  EXPECT_EQ(memory.limit, std::nullopt);
}

TEST(ContainerMemory, WhereTheContainerSeesItsGroupAtTheTopIsFoundThere) {
  const TemporaryDirectory root;
  root.write("proc/self/cgroup", "4:memory:/docker/b\n");
  root.write("sys/fs/cgroup/memory/memory.usage_in_bytes", "1000\n");
  root.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "5000\n");
  const ContainerMemory memory = read_container_memory(root.path());
  EXPECT_EQ(memory.used, 1000U);
  EXPECT_EQ(memory.limit, 5000U);
}

TEST(ContainerMemory, OfAWholeMachineIsNotTold) {
  const TemporaryDirectory root;
  root.write("proc/self/cgroup", "4:memory:/\n");
  root.write("sys/fs/cgroup/memory/memory.usage_in_bytes", "1000\n");
  root.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(read_container_memory(root.path()).used, std::nullopt);
  EXPECT_EQ(read_container_memory("/nowhere").used, std::nullopt);
}

}  // namespace
}  // namespace roundhouse::monitor
