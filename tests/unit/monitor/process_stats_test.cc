#include "monitor/process_stats.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "support/process.h"

namespace roundhouse::monitor {
namespace {

// pid (comm) state ppid pgrp session tty tpgid flags minflt cminflt majflt cmajflt utime stime
// cutime cstime ...
constexpr const char* kStat =
    "4711 (worker) S 42 4711 42 0 -1 4194560 100 7 0 0 250 50 20 30 20 0 1 0 999 12345 67";

TEST(ProcessStats, CountUserAndSystemTimeAndThatOfChildrenWaitedFor) {
  const auto stat = parse_stat(kStat);
  ASSERT_TRUE(stat.has_value());
  EXPECT_EQ(stat->parent, 42);
  EXPECT_EQ(stat->cpu_ticks, 350U);
}

TEST(ProcessStats, AProgramsNameMayHoldAnything) {
  const auto stat = parse_stat("1 (a) R 9 (b) S 42 1 1 0 -1 0 0 0 0 0 1 2 3 4 20 0 1");
  ASSERT_TRUE(stat.has_value());
  EXPECT_EQ(stat->parent, 42);
  EXPECT_EQ(stat->cpu_ticks, 10U);
}

TEST(ProcessStats, OfTextThatIsCutAreNone) {
  const std::string whole = kStat;
  for (std::size_t size = 0; size < whole.find(" 250"); ++size) {
    EXPECT_EQ(parse_stat(whole.substr(0, size)), std::nullopt) << size;
  }
  EXPECT_EQ(parse_statm("123"), std::nullopt);
  EXPECT_EQ(parse_statm(""), std::nullopt);
}

TEST(ProcessStats, ResidentPagesAreTheSecondNumber) { EXPECT_EQ(parse_statm("900 77 5 1"), 77U); }

TEST(ProcessReader, ReadsThisProcess) {
  const ProcessReader reader;
  const auto before = reader.read(::getpid(), ::getppid());
  ASSERT_TRUE(before.has_value());
  EXPECT_GT(before->resident_bytes, 100'000U);
  ASSERT_TRUE(before->open_fds.has_value());
  const UniqueFd one_more(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(reader.read(::getpid(), 0)->open_fds, *before->open_fds + 1);
}

TEST(ProcessReader, DoesNotTakeAnotherProcessForAWorkerWhosePidItGot) {
  EXPECT_EQ(ProcessReader().read(::getpid(), ::getpid()), std::nullopt);
}

TEST(ProcessReader, OfNoProcessHasNothing) {
  EXPECT_EQ(ProcessReader().read(0, 0), std::nullopt);
  EXPECT_EQ(ProcessReader().read(-1, 0), std::nullopt);
  EXPECT_EQ(ProcessReader().read(0x7ffffff0, 0), std::nullopt);
}

TEST(ProcessReader, WithoutTheRightToLookTellsTheRest) {
  const test::TemporaryDirectory proc;
  proc.write("4711/stat", kStat);
  proc.write("4711/statm", "900 77 5 1 0 1 0");
  const auto stats = ProcessReader(proc.path()).read(4711, 42);
  ASSERT_TRUE(stats.has_value());
  EXPECT_DOUBLE_EQ(stats->cpu_seconds, 350.0 / static_cast<double>(::sysconf(_SC_CLK_TCK)));
  EXPECT_EQ(stats->open_fds, std::nullopt);
}

TEST(ProcessReader, CountsDescriptorsOneByOneWhereTheKernelDoesNot) {
  const test::TemporaryDirectory proc;
  proc.write("4711/stat", kStat);
  proc.write("4711/statm", "900 77 5 1 0 1 0");
  for (const char* fd : {"0", "1", "17"}) proc.write("4711/fd/" + std::string(fd), "");
  EXPECT_EQ(ProcessReader(proc.path()).read(4711, 42)->open_fds, 3U);
}

}  // namespace
}  // namespace roundhouse::monitor
