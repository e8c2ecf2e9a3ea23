// A primary and its workers under valgrind: no error, nothing lost. (Valgrind knows no pidfd, so
// this is also how the library does without.)
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "library/cluster_program.h"

namespace roundhouse::test {
namespace {

TEST(LibraryValgrind, FindsNothingInThePrimaryNorInTheWorkers) {
  const TemporaryDirectory logs;
  const std::string fork = "fork DO=http+127.0.0.1:0";
  ClusterProgram program({std::string("setup exec=") + CLUSTER_SUBJECT, fork, fork, fork}, {},
                         {"valgrind", "--trace-children=yes", "--quiet", "--leak-check=full",
                          "--errors-for-leak-kinds=definite,indirect", "--show-leak-kinds=definite",
                          "--log-file=" + logs.path() + "/%p"});
  const Address address = program.address(1);
  ASSERT_TRUE(eventually([&] { return program.count("listening ") == 3; }));
  for (const char* path : {"/", "/big", "/stream", "/drop", "/bad", "/teapot", "/ask?a"})
    EXPECT_GE(get(address, path).status, 200) << path;
  EXPECT_EQ(Client(address).request("POST", "/length", "", "abc").body, "3");
  program.tell("tell 1 reply word");
  program.says("message 1 word");
  program.tell("kill 3 9");
  program.prints("exit 3 code 0 signal 9");
  program.tell("lend 1 /proc/version");
  program.prints("w1 read Linux");
  program.disconnects_and_ends();
  std::size_t processes = 0;
  for (const auto& log : std::filesystem::directory_iterator(logs.path())) {
    ++processes;
    const Finished shown = run(
        {"/bin/sh", "-c",
         "grep -v -e 'unhandled amd64-linux syscall' -e 'write your own handler' -e README_MISSING "
         "-e 'consider this a bug' -e 'http://valgrind.org' " +
             log.path().string() + " || true"});
    EXPECT_EQ(shown.output, "") << log.path();
  }
  EXPECT_EQ(processes, 4U);
}

}  // namespace
}  // namespace roundhouse::test
