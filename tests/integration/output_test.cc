// What programs print: where it goes, what is kept of it, and that it harms nobody.
#include <gtest/gtest.h>

#include <csignal>
#include <string>

#include "support/instance.h"

namespace roundhouse::test {
namespace {

std::string pool_of(const std::string& script, const std::string& more) {
  return "app: {command: " + scripted_program(script) + ", type: port, " + more + "}";
}

TEST(Output, LinesPassUnchangedToOurOwn) {
  Instance instance(pool_of("serve", "workers: 1"));
  get(instance.web(), "/say/hello");
  EXPECT_TRUE(instance.process().prints("\nout hello\n")) << instance.process().output();
  EXPECT_TRUE(instance.process().prints("\nerr hello\n"));
}

TEST(Output, LinesSayWhoseTheyAreIfThatIsWanted) {
  Instance instance(pool_of("serve", "workers: 1, output: prefix"));
  get(instance.web(), "/say/hello");
  EXPECT_TRUE(instance.process().prints("\napp/1 | out hello\n")) << instance.process().output();
  EXPECT_TRUE(instance.process().prints("\napp/1 | err hello\n"));
}

TEST(Output, TheEndOfStderrIsInTheLogAndInTheRecordOfTheExit) {
  Instance instance(pool_of("serve", "workers: 1"));
  get(instance.web(), "/say/alas");
  get(instance.web(), "/die");
  EXPECT_TRUE(instance.process().prints("; the end of its stderr: err alas"))
      << instance.process().output();
  const Finished status = run({binary(), "status", "--socket", instance.control_socket(), "app/1"});
  EXPECT_NE(status.output.find("the end of its stderr:\n      err alas\n"), std::string::npos)
      << status.output;
  const Response told = get(instance.monitor(), "/api/v1/status");
  EXPECT_EQ(told.status, 200);
  EXPECT_EQ(told.body.find("alas"), std::string::npos) << "it is for operators alone";
}

TEST(Output, LogsShowsTheLastLinesAndFollows) {
  Instance instance(pool_of("serve", "workers: 1"));
  get(instance.web(), "/say/one");
  EXPECT_TRUE(eventually([&] {
    return run({binary(), "logs", "--socket", instance.control_socket()}).output ==
           "app/1 | out one\napp/1 | err one\n";
  }));
  Process follower({binary(), "logs", "-f", "--socket", instance.control_socket(), "app/1"});
  EXPECT_TRUE(follower.prints("out one\nerr one\n"));
  get(instance.web(), "/say/two");
  EXPECT_TRUE(follower.prints("out two\n")) << follower.output();
  EXPECT_EQ(run({binary(), "logs", "--socket", instance.control_socket(), "nobody"}).ended.code, 1);
  instance.stop();
  EXPECT_EQ(follower.wait().code, 0) << "the instance has gone";
}

TEST(Output, IsNotToldOverTcp) {
  Instance instance("hello: {workers: 1}");
  EXPECT_EQ(get(instance.monitor(), "/api/v1/logs").status, 403);
}

TEST(Output, AProgramThatNeverStopsPrintingHarmsNobody) {
  Instance instance(pool_of("chatter", "workers: 1") + ", quiet: {workers: 1}", "",
                    {.arguments = {},
                     .listener = "pool: quiet",
                     .more_listeners = ", other: {bind: '127.0.0.1:0', pool: app}"});
  ASSERT_TRUE(instance.metric_reaches(
      R"(roundhouse_worker_output_lines_total{pool="app",worker="1"})", 100'000));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(get(instance.web()).status, 200);
  EXPECT_EQ(get(instance.monitor(), "/healthz").status, 200);
  instance.process().signal(SIGTERM);
  EXPECT_EQ(instance.process().wait().code, 0);
}

}  // namespace
}  // namespace roundhouse::test
