// What operators change while it serves: reload, restart, scale.
#include <gtest/gtest.h>

#include <csignal>
#include <string>

#include "support/operated.h"

namespace roundhouse::test {
namespace {

// On a new connection each time.
Load new_load(const Address& server) {
  return Load(1, [server] { return [server] { return get(server).status == 200; }; });
}

TEST(Reload, PutsAnotherConfigurationInForceAndNoRequestFails) {
  Instance instance("hello: {workers: 2}");
  const auto before = instance.worker_pids(2);
  Load load = new_load(instance.web());
  for (int i = 0; i < 5; ++i) {
    change(instance, "workers: 2", "workers: 2, worker_connections: " + std::to_string(500 + i));
    const Finished done = operate(instance, {"reload"});
    EXPECT_EQ(done.ended.code, 0) << done.output;
    EXPECT_TRUE(load.asks(5));
    change(instance, ", worker_connections: " + std::to_string(500 + i), "");
  }
  EXPECT_EQ(load.failed(), 0);
  EXPECT_TRUE(eventually([&] { return all_are_others(before, instance.worker_pids(2)); }));
  EXPECT_TRUE(instance.metric_reaches("roundhouse_config_reloads_total{result=\"applied\"}", 5));
  EXPECT_TRUE(eventually(
      [&] { return instance.metric("roundhouse_old_generations{pool=\"hello\"}") == 0; }));
}

TEST(Reload, OfTheSameLeavesTheWorkersAlone) {
  Instance instance("hello: {workers: 2}");
  const auto before = instance.worker_pids(2);
  const Finished done = operate(instance, {"reload"});
  EXPECT_EQ(done.ended.code, 0) << done.output;
  EXPECT_TRUE(eventually([&] { return instance.worker_pids(2) == before; }));
}

TEST(Reload, ByHupIsTheSame) {
  Instance instance("hello: {workers: 1}");
  change(instance, "workers: 1", "workers: 3");
  instance.process().signal(SIGHUP);
  EXPECT_TRUE(instance.all_ready("hello", 3));
  EXPECT_TRUE(instance.process().prints("reload: configuration 2; pool hello: 2 new workers"));
}

TEST(Reload, RefusedSaysAllThatIsWrongAndWhereAndNothingChanges) {
  Instance instance("hello: {workers: 2}");
  const auto before = instance.worker_pids(2);
  change(instance, "workers: 2", "workers: zwei, polcy: rr");
  const Finished done = operate(instance, {"reload"});
  EXPECT_EQ(done.ended.code, 78);
  EXPECT_NE(done.output.find("pools.hello.workers"), std::string::npos) << done.output;
  EXPECT_NE(done.output.find("did you mean 'policy'?"), std::string::npos) << done.output;
  EXPECT_TRUE(instance.metric_reaches("roundhouse_config_reloads_total{result=\"refused\"}", 1));
  EXPECT_EQ(instance.worker_pids(2), before);
  EXPECT_EQ(get(instance.web()).status, 200);
}

TEST(Reload, ThatWouldNeedANewStartIsRefused) {
  Instance instance("hello: {workers: 1}");
  change(instance, "monitor: {bind: '127.0.0.1:0'", "monitor: {bind: '127.0.0.2:0'");
  const Finished done = operate(instance, {"reload"});
  EXPECT_EQ(done.ended.code, 78);
  EXPECT_NE(done.output.find("/roundhouse.yaml:"), std::string::npos) << done.output;
  EXPECT_NE(done.output.find(": monitor.bind: it changes only by a new start"), std::string::npos);
  EXPECT_EQ(get(instance.web()).status, 200);
}

TEST(Reload, WhoseWorkersDoNotBecomeReadyIsTakenBack) {
  Instance instance("app: {type: native, command: " + scripted_worker("serve") + ", workers: 2}");
  const auto before = instance.worker_pids(2);
  change(instance, scripted_worker("serve"), scripted_worker("exit 3"));
  const Finished done = operate(instance, {"reload"});
  EXPECT_EQ(done.ended.code, 1) << done.output;
  EXPECT_NE(done.output.find("exit code 3"), std::string::npos) << done.output;
  EXPECT_TRUE(instance.metric_reaches("roundhouse_config_reloads_total{result=\"failed\"}", 1));
  EXPECT_EQ(instance.worker_pids(2), before);
  // And the next one finds a whole instance.
  change(instance, scripted_worker("exit 3"), scripted_worker("serve"));
  EXPECT_EQ(operate(instance, {"reload"}).ended.code, 0);
}

TEST(Reload, OfACommandThatIsGoneIsRefused) {
  Instance instance("app: {type: native, command: " + scripted_worker("serve") + ", workers: 1}");
  change(instance, scripted_worker("serve"), "/nowhere/program");
  const Finished done = operate(instance, {"reload"});
  EXPECT_EQ(done.ended.code, 78);
  EXPECT_NE(done.output.find("/nowhere/program"), std::string::npos) << done.output;
}

TEST(Reload, ChangesThePolicyWithoutAFailedRequest) {
  Instance instance("hello: {workers: 2, policy: rr}");
  Load load = new_load(instance.web());
  for (const auto& [from, to] :
       {std::pair("policy: rr", "policy: none"), std::pair("policy: none", "policy: rr_kernel"),
        std::pair("policy: rr_kernel", "policy: least"),
        std::pair("policy: least", "policy: rr_kernel"),
        std::pair("policy: rr_kernel", "policy: none"), std::pair("policy: none", "policy: rr")}) {
    change(instance, from, to);
    const Finished done = operate(instance, {"reload"});
    EXPECT_EQ(done.ended.code, 0) << to << ": " << done.output;
    EXPECT_TRUE(load.asks(20));
  }
  EXPECT_EQ(load.failed(), 0);
}

TEST(Reload, AnotherPolicyThatIsTakenBackLeavesTheSocketsAsTheyWere) {
  const TemporaryDirectory folder;
  Instance instance(
      "hello: {workers: 2, policy: rr}, app: {type: native, command: " + scripted_worker("serve") +
          ", workers: 1}",
      "",
      {.listener = "pool: hello",
       .more_listeners = ", app: {bind: 'unix:" + folder.path() + "/a.sock', pool: app}"});
  Load load = new_load(instance.web());
  change(instance, "policy: rr", "policy: rr_kernel");
  change(instance, scripted_worker("serve"), scripted_worker("exit 3"));
  EXPECT_EQ(operate(instance, {"reload"}).ended.code, 1);
  EXPECT_TRUE(load.asks(20));
  change(instance, scripted_worker("exit 3"), scripted_worker("serve"));
  const Finished done = operate(instance, {"reload"});
  EXPECT_EQ(done.ended.code, 0) << done.output;
  EXPECT_TRUE(load.asks(20));
  EXPECT_EQ(load.failed(), 0);
}

TEST(Reload, AnAddressThatMovesToAnotherListenerStaysOpen) {
  const TemporaryDirectory folder;
  const std::string path = "unix:" + folder.path() + "/a.sock";
  Instance instance("hello: {workers: 1}", "",
                    {.listener = "pool: hello",
                     .more_listeners = ", first: {bind: '" + path + "', pool: hello}"});
  Load load = new_load(*Address::parse(path));
  for (const auto& [from, to] : {std::pair("first", "second"), std::pair("second", "third")}) {
    change(instance, from, to);
    const Finished done = operate(instance, {"reload"});
    EXPECT_EQ(done.ended.code, 0) << done.output;
    EXPECT_TRUE(load.asks(20));
  }
  EXPECT_EQ(load.failed(), 0);
  EXPECT_GE(instance.metric("roundhouse_listener_accepted_total{listener=\"third\"}"), 1);
}

TEST(Reload, ListenersAndPoolsComeAndGo) {
  Instance instance("hello: {workers: 1}");
  change(instance, "pools: {hello: {workers: 1}}",
         "pools: {hello: {workers: 1}, other: {type: hello, workers: 1}}");
  change(instance, "listeners: {web: {bind: ['127.0.0.1:0']}}",
         "listeners: {web: {bind: ['127.0.0.1:0'], pool: hello}, more: {bind: 'unix:" +
             instance.directory() + "/more.sock', pool: other}}");
  const Finished added = operate(instance, {"reload"});
  EXPECT_EQ(added.ended.code, 0) << added.output;
  const Address more = *Address::parse("unix:" + instance.directory() + "/more.sock");
  EXPECT_EQ(get(more).status, 200);
  EXPECT_EQ(get(instance.web()).status, 200);
  change(instance, ", other: {type: hello, workers: 1}", "");
  change(instance, "pool: other", "pool: hello");
  const Finished moved = operate(instance, {"reload"});
  EXPECT_EQ(moved.ended.code, 0) << moved.output;
  EXPECT_EQ(get(more).status, 200);
  EXPECT_TRUE(eventually(
      [&] { return instance.metric("roundhouse_old_generations{pool=\"other\"}") == -1; }));
}

TEST(Reload, CountersGoOn) {
  Instance instance("hello: {workers: 1}");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(get(instance.web()).status, 200);
  const std::string requests = "roundhouse_worker_requests_total{pool=\"hello\",worker=\"1\"}";
  const std::string accepted = "roundhouse_listener_accepted_total{listener=\"web\"}";
  ASSERT_TRUE(instance.metric_reaches(requests, 10));
  change(instance, "workers: 1", "workers: 1, worker_connections: 77");
  ASSERT_EQ(operate(instance, {"reload"}).ended.code, 0);
  EXPECT_GE(instance.metric(requests), 10);
  EXPECT_GE(instance.metric(accepted), 10);
  EXPECT_EQ(get(instance.web()).status, 200);
  EXPECT_TRUE(instance.metric_reaches(requests, 11));
}

TEST(Restart, ReplacesWorkersOneAfterTheOtherAndNoRequestFails) {
  Instance instance("hello: {workers: 3}");
  const auto before = instance.worker_pids(3);
  Load load = new_load(instance.web());
  const Finished done = operate(instance, {"restart"});
  EXPECT_EQ(done.ended.code, 0) << done.output;
  EXPECT_EQ(load.failed(), 0);
  EXPECT_TRUE(eventually([&] { return all_are_others(before, instance.worker_pids(3)); }));
  const auto now = instance.worker_pids(3);
  ASSERT_EQ(operate(instance, {"restart", "hello/2"}).ended.code, 0);
  EXPECT_TRUE(eventually([&] {
    const auto pids = instance.worker_pids(3);
    return pids[0] == now[0] && pids[1] != now[1] && pids[1] != 0 && pids[2] == now[2];
  }));
  EXPECT_EQ(instance.metric("roundhouse_worker_restarts_total{pool=\"hello\",worker=\"2\",reason="
                            "\"operator\"}"),
            2);
}

TEST(Restart, OfWhatThereIsNotIsRefusedAndSaysSo) {
  Instance instance("hello: {workers: 1}");
  const auto says = [&](const std::string& subject, const std::string& what, int code) {
    const Finished done = operate(instance, {"restart", subject});
    EXPECT_EQ(done.ended.code, code) << done.output;
    EXPECT_NE(done.output.find(what), std::string::npos) << done.output;
  };
  says("nobody", "there is no pool 'nobody'", 78);
  says("hello/7", "has no worker '7'", 78);
  says("hello world", "'hello world' cannot be the name of a pool", 64);
  says("hello/x", "'x' is no number of a worker", 64);
}

TEST(Restart, ThatTakesItsTimeTellsHowFarItIs) {
  const TemporaryDirectory folder;
  const std::string script =
      folder.write("worker.sh", "sleep 0.7\nexec " + scripted_worker("serve") + "\n");
  Instance instance("app: {type: native, command: [sh, " + script + "], workers: 3}");
  ASSERT_TRUE(instance.all_ready("app", 3));
  const Finished done = operate(instance, {"restart", "app"});
  EXPECT_EQ(done.ended.code, 0) << done.output;
  EXPECT_NE(done.output.find("restart: 2 of 3 new workers serve\n"), std::string::npos)
      << done.output;
}

TEST(Restart, StopsWithTheFirstNewWorkerThatIsNotReadyAndSaysWhy) {
  const TemporaryDirectory folder;
  const std::string script =
      folder.write("worker.sh", "[ -e " + folder.path() + "/broken ] && exit 3\nexec " +
                                    scripted_worker("serve") + "\n");
  Instance instance("app: {type: native, command: [sh, " + script + "], workers: 2}");
  ASSERT_TRUE(instance.all_ready("app", 2));
  const auto before = instance.worker_pids(2);
  folder.write("broken", "");
  const Finished done = operate(instance, {"restart", "app"});
  EXPECT_EQ(done.ended.code, 1);
  EXPECT_NE(done.output.find("exit code 3"), std::string::npos) << done.output;
  EXPECT_EQ(instance.worker_pids(2), before);
  EXPECT_EQ(get(instance.web()).status, 200);
}

TEST(Scale, StartsMoreAndTakesAwayWithoutAFailedRequest) {
  Instance instance("hello: {workers: 2}");
  Load load = new_load(instance.web());
  ASSERT_EQ(operate(instance, {"scale", "hello", "5"}).ended.code, 0);
  EXPECT_TRUE(instance.all_ready("hello", 5));
  EXPECT_TRUE(load.asks(20));
  ASSERT_EQ(operate(instance, {"scale", "hello", "1"}).ended.code, 0);
  EXPECT_TRUE(eventually([&] {
    return instance.metric("roundhouse_pool_workers{pool=\"hello\",state=\"ready\"}") == 1;
  }));
  EXPECT_EQ(load.failed(), 0);
  const std::string status = operate(instance, {"status", "hello"}).output;
  EXPECT_NE(status.find("1 of 1 workers ready"), std::string::npos) << status;
  EXPECT_EQ(status.find("gone"), std::string::npos) << status;
}

TEST(Scale, ThoseThatWereTakenAwayCountOn) {
  Instance instance("hello: {workers: 2, policy: none}");
  const std::string accepted = "roundhouse_listener_accepted_total{listener=\"web\"}";
  ASSERT_EQ(operate(instance, {"scale", "hello", "4"}).ended.code, 0);
  ASSERT_TRUE(instance.all_ready("hello", 4));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(get(instance.web()).status, 200);
  EXPECT_TRUE(instance.metric_reaches(accepted, 20));
  ASSERT_EQ(operate(instance, {"scale", "hello", "1"}).ended.code, 0);
  EXPECT_TRUE(eventually([&] { return instance.worker_pids(4)[3] == 0; }));
  EXPECT_GE(instance.metric(accepted), 20);
}

TEST(Scale, BeyondWhatCanBeIsRefused) {
  Instance instance("hello: {workers: 2}");
  const Finished none = operate(instance, {"scale", "hello", "0"});
  EXPECT_EQ(none.ended.code, 78);
  EXPECT_NE(none.output.find("expected 1 to 1024"), std::string::npos) << none.output;
  const Finished many = operate(instance, {"scale", "hello", "900"});
  EXPECT_EQ(many.ended.code, 78);
  EXPECT_NE(many.output.find("can have 1 to 10 workers"), std::string::npos) << many.output;
  EXPECT_EQ(operate(instance, {"scale", "hello", "10000"}).ended.code, 78);
  EXPECT_EQ(operate(instance, {"scale", "hello", "many"}).ended.code, 64);
  EXPECT_NE(operate(instance, {"scale", "nobody", "2"}).output.find("there is no pool"),
            std::string::npos);
  EXPECT_TRUE(instance.all_ready("hello", 2));
}

TEST(Operations, AStopEndsWhatRuns) {
  Instance instance("app: {type: native, command: " + scripted_worker("serve") +
                    ", workers: 1, "
                    "timeouts: {drain: 1s}}");
  change(instance, scripted_worker("serve"), scripted_worker("never-ready"));
  const Finished begun = operate(instance, {"reload", "--no-wait"});
  EXPECT_EQ(begun.ended.code, 0) << begun.output;
  EXPECT_TRUE(instance.process().prints("the configuration is read anew"));
  EXPECT_EQ(instance.stop().code, 0);
}

}  // namespace
}  // namespace roundhouse::test
