// `roundhouse diff`, and that a reload then does what it said.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "base/json.h"
#include "support/operated.h"

namespace roundhouse::test {
namespace {

Finished diff(const Instance& instance, std::vector<std::string> words = {}) {
  words.insert(words.begin(), {"diff", "-c", instance.directory() + "/roundhouse.yaml"});
  return operate(instance, words);
}

Json told(const Instance& instance) {
  const auto json = parse_json(diff(instance, {"--json"}).output);
  EXPECT_TRUE(json);
  return json.value_or(Json());
}

// Of the running instance: its processes by pool, those that drain left out.
std::map<std::string, std::set<pid_t>> pids(const Instance& instance) {
  std::map<std::string, std::set<pid_t>> all;
  const auto status = parse_json(operate(instance, {"status", "--json"}).output);
  for (const Json& pool : (*status)["pools"]) {
    for (const Json& worker : pool["workers"])
      if (worker["state"] == "ready") all[pool["name"]].insert(worker["pid"].get<pid_t>());
  }
  return all;
}

// What diff says of each pool, and then is so after a reload.
void expect_said_and_done(const Instance& instance) {
  const auto before = pids(instance);
  const Json said = told(instance);
  const Finished done = operate(instance, {"reload"});
  if (!said["refusals"].empty()) {
    EXPECT_EQ(done.ended.code, 78) << done.output;
    EXPECT_EQ(pids(instance), before);
    return;
  }
  ASSERT_EQ(done.ended.code, 0) << done.output;
  for (const Json& pool : said["pools"]) {
    const std::string name = pool["name"];
    const std::string effect = pool["effect"];
    ASSERT_TRUE(eventually([&] {
      auto now = pids(instance);
      return now[name].size() == pool["workers_after"].get<std::size_t>();
    })) << name;
    auto now = pids(instance);
    const std::set<pid_t> own = before.contains(name) ? before.at(name) : std::set<pid_t>();
    std::size_t kept = 0;
    for (const pid_t pid : now[name]) kept += own.count(pid);
    if (effect == "stays" || effect == "in_place") {
      EXPECT_EQ(now[name], own) << name;
    } else {
      const std::size_t stay = effect == "scaled" ? std::min(own.size(), now[name].size()) : 0;
      EXPECT_EQ(kept, stay) << name << " " << effect;
    }
  }
  EXPECT_EQ(diff(instance).ended.code, 0) << diff(instance).output;
}

TEST(Diff, SaysWhatAReloadThenDoes) {
  const TemporaryDirectory folder;
  Instance instance("gateway: {type: proxy, workers: 2}, app: {type: native, command: " +
                        scripted_worker("serve") + ", workers: 2}, hello: {workers: 1}",
                    "upstreams: {far: {servers: ['127.0.0.1:9'], sticky: {cookie: A}}}\n"
                    "routes: [{path: /a, upstream: far}]\n",
                    {.listener = "pool: hello",
                     .more_listeners = ", app: {bind: 'unix:" + folder.path() +
                                       "/a', pool: app}, site: {bind: 'unix:" + folder.path() +
                                       "/b', pool: gateway}"});
  ASSERT_TRUE(instance.all_ready("gateway", 2));
  ASSERT_TRUE(instance.all_ready("app", 2));
  const Finished same = diff(instance);
  EXPECT_EQ(same.ended.code, 0);
  EXPECT_EQ(same.output, "nothing to do: that is what is in force\n");
  for (const auto& [from, to] : {
           std::pair<std::string, std::string>("path: /a", "path: /b"),
           {"hello: {workers: 1", "hello: {workers: 3"},
           {"hello: {workers: 3", "hello: {workers: 2, policy: least"},
           {"sticky: {cookie: A}", "sticky: {cookie: A, key: 0123456789abcdef0123456789abcdef}"},
           {"level: debug", "level: info"},
           {"/b', pool: gateway", "/c', pool: gateway"},
           {"app: {bind", "renamed: {bind"},
           {"monitor: {", "user: somebody\nmonitor: {"},
       }) {
    SCOPED_TRACE(from + " -> " + to);
    change(instance, from, to);
    EXPECT_NE(diff(instance).ended.code, 0);
    expect_said_and_done(instance);
  }
}

TEST(Diff, SaysWhichPoolsComeAndGoAndThenTheyDo) {
  const TemporaryDirectory folder;
  Instance instance("hello: {workers: 1}", "", {.listener = "pool: hello"});
  const std::string listener = ", more: {bind: 'unix:" + folder.path() + "/m', pool: more}";
  change(instance, "pool: hello}", "pool: hello}" + listener);
  change(instance, "hello: {workers: 1}", "hello: {workers: 1}, more: {type: hello, workers: 2}");
  EXPECT_NE(diff(instance).output.find("pool more   is new, with 2 workers"), std::string::npos)
      << diff(instance).output;
  expect_said_and_done(instance);
  change(instance, listener, "");
  change(instance, ", more: {type: hello, workers: 2}", "");
  EXPECT_NE(diff(instance).output.find("pool more   is removed, its 2 workers drain"),
            std::string::npos);
  expect_said_and_done(instance);
}

TEST(Diff, SaysInWordsWhichKeysWhichWorkersAndWhichSockets) {
  Instance instance("hello: {workers: 2}");
  change(instance, "workers: 2", "workers: 2, worker_connections: 500");
  const Finished done = diff(instance);
  EXPECT_EQ(done.ended.code, 1);
  EXPECT_TRUE(done.output.starts_with("a reload changes this:\n\n")) << done.output;
  for (const char* line : {"  pools.hello.worker_connections  10000 -> 500\n",
                           "  pool hello  2 new workers, started all at once, in place of 2, for "
                           "pools.hello.worker_connections\n",
                           "  stays open, listener web\n"})
    EXPECT_NE(done.output.find(line), std::string::npos) << done.output;
}

TEST(Diff, OfWhatIsScaledIsThatAReloadTakesItBack) {
  Instance instance("hello: {workers: 2}");
  ASSERT_EQ(operate(instance, {"scale", "hello", "4"}).ended.code, 0);
  EXPECT_TRUE(eventually([&] {
    return diff(instance).output.find("pool hello  2 workers fewer") != std::string::npos;
  }));
  expect_said_and_done(instance);
}

TEST(Diff, RefusalsAndErrorsNameTheirPlace) {
  Instance instance("hello: {workers: 2}");
  const std::string place = instance.directory() + "/roundhouse.yaml:";
  change(instance, "workers: 2", "workers: 500");
  const Finished refused = diff(instance);
  EXPECT_EQ(refused.ended.code, 78);
  EXPECT_TRUE(refused.output.starts_with("a reload is refused:\n  " + place)) << refused.output;
  EXPECT_NE(refused.output.find(": pools.hello.workers: pool hello has room for 10 workers"),
            std::string::npos);
  EXPECT_EQ(operate(instance, {"reload"}).ended.code, 78);
  change(instance, "workers: 500", "workers: zwei");
  const Finished wrong = diff(instance);
  EXPECT_EQ(wrong.ended.code, 78);
  EXPECT_TRUE(wrong.output.starts_with(place)) << wrong.output;
}

TEST(Diff, WithoutAnInstanceIsNeitherTheSameNorAnother) {
  const TemporaryDirectory folder;
  const std::string file = folder.write("a.yaml", "pools: {hello: {}}\n");
  const Finished done =
      run({binary(), "diff", "-c", file, "--socket", folder.path() + "/none.sock"});
  EXPECT_EQ(done.ended.code, 71);
  EXPECT_NE(done.output.find("no roundhouse answers on"), std::string::npos) << done.output;
}

TEST(Diff, SecretsOfTheInstanceAreNotTold) {
  Instance instance("app: {type: native, command: " + scripted_worker("serve") +
                    ", workers: 1, env: {TOKEN: swordfish}}");
  const auto reply = parse_json(run({"curl", "-s", "--unix-socket", instance.control_socket(),
                                     "http://localhost/api/v1/configuration"})
                                    .output);
  ASSERT_TRUE(reply);
  EXPECT_EQ(to_text(*reply).find("swordfish"), std::string::npos);
  EXPECT_NE((*reply)["text"].get<std::string>().find("env: {TOKEN: \"***\"}"), std::string::npos);
  const Response over_tcp = get(instance.monitor(), "/api/v1/configuration");
  EXPECT_EQ(over_tcp.status, 200);
  EXPECT_EQ(over_tcp.body.find("swordfish"), std::string::npos);
  EXPECT_EQ(over_tcp.body.find("comparable"), std::string::npos);
}

}  // namespace
}  // namespace roundhouse::test
