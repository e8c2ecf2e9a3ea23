// What happens while a reload is under way: deaths, and other wishes.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include "support/operated.h"

namespace roundhouse::test {
namespace {

// A pool whose new workers say that they have begun, and are ready when they are let go.
class HeldReload : public testing::Test {
 protected:
  HeldReload()
      : instance_("app: {type: native, command: " + scripted_worker("serve") + ", workers: 2}") {
    // The workers may be of another user.
    std::filesystem::permissions(folder_.path(), std::filesystem::perms::all);
    EXPECT_TRUE(instance_.all_ready("app", 2));
    before_ = instance_.worker_pids(2);
  }

  void begin() {
    const std::string script = folder_.write(
        "held.sh", "#!/bin/sh\necho $$ > " + folder_.path() + "/begun\nwhile [ ! -e " +
                       folder_.path() + "/go ]; do sleep 0.01; done\nexec " +
                       scripted_worker("serve") + "\n");
    change(instance_, "command: " + scripted_worker("serve"), "command: [/bin/sh, " + script + "]");
    const Finished begun = operate(instance_, {"reload", "--no-wait"});
    ASSERT_EQ(begun.ended.code, 0) << begun.output;
    ASSERT_TRUE(eventually([&] { return new_worker() != 0; }));
  }
  void let_go() { folder_.write("go", ""); }
  // The one that began last.
  pid_t new_worker() const {
    std::ifstream file(folder_.path() + "/begun");
    pid_t pid = 0;
    file >> pid;
    return pid;
  }
  bool ended(const std::string& result) {
    return instance_.metric_reaches("roundhouse_config_reloads_total{result=\"" + result + "\"}",
                                    1);
  }

  TemporaryDirectory folder_;
  Instance instance_;
  std::vector<pid_t> before_;
};

TEST_F(HeldReload, OtherWishesAreRefusedUntilItIsDone) {
  begin();
  for (const std::vector<std::string>& wish :
       {std::vector<std::string>{"reload"}, {"restart"}, {"scale", "app", "3"}}) {
    const Finished refused = operate(instance_, wish);
    EXPECT_EQ(refused.ended.code, 78) << refused.output;
    EXPECT_NE(refused.output.find("a reload is under way"), std::string::npos) << refused.output;
  }
  let_go();
  EXPECT_TRUE(ended("applied"));
  EXPECT_EQ(operate(instance_, {"scale", "app", "3"}).ended.code, 0);
  EXPECT_TRUE(instance_.all_ready("app", 3));
}

TEST_F(HeldReload, AHupMeanwhileIsObeyedAfterwards) {
  begin();
  instance_.process().signal(SIGHUP);
  EXPECT_EQ(operate(instance_, {"restart"}).ended.code, 78);  // it has been seen
  let_go();
  EXPECT_TRUE(instance_.metric_reaches("roundhouse_config_reloads_total{result=\"applied\"}", 2));
}

TEST_F(HeldReload, WhoServesMeanwhileIsShownAsTheWorker) {
  begin();
  EXPECT_EQ(instance_.worker_pids(2), before_);
  EXPECT_EQ(instance_.metric("roundhouse_pool_workers{pool=\"app\",state=\"ready\"}"), 2);
  EXPECT_EQ(instance_.metric("roundhouse_old_generations{pool=\"app\"}"), 0);
  EXPECT_EQ(get(instance_.monitor(), "/readyz").status, 200);
}

TEST_F(HeldReload, ANewWorkerThatDiesTakesItBack) {
  begin();
  ::kill(new_worker(), SIGKILL);
  EXPECT_TRUE(ended("failed"));
  EXPECT_TRUE(instance_.process().prints("SIGKILL"));
  EXPECT_EQ(instance_.worker_pids(2), before_);
  EXPECT_EQ(get(instance_.web()).status, 200);
}

TEST_F(HeldReload, AnOldWorkerThatDiesIsReplacedAndTheReloadGoesOn) {
  begin();
  ::kill(before_[1], SIGKILL);
  EXPECT_TRUE(eventually([&] {
    const auto pids = instance_.worker_pids(2);
    return pids[0] == before_[0] && pids[1] != 0 && pids[1] != before_[1];
  }));
  EXPECT_EQ(get(instance_.web()).status, 200);
  let_go();
  EXPECT_TRUE(ended("applied"));
  EXPECT_TRUE(eventually([&] { return all_are_others(before_, instance_.worker_pids(2)); }));
  EXPECT_TRUE(instance_.all_ready("app", 2));
}

TEST_F(HeldReload, AStopEndsIt) {
  begin();
  const pid_t pid = new_worker();
  EXPECT_EQ(instance_.stop().code, 0);
  EXPECT_EQ(::kill(pid, 0), -1);
}

}  // namespace
}  // namespace roundhouse::test
