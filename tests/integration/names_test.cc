// Upstreams that are given by name: whom the requests reach as the name servers' answers change.
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <map>
#include <string>
#include <vector>

#include "support/instance.h"
#include "support/name_server.h"
#include "support/origin.h"
#include "support/proxied.h"

namespace roundhouse::test {
namespace {

using Reply = Origin::Reply;
using Seen = Origin::Seen;

Origin::Script says(const std::string& body) {
  return [body](const Seen&) { return Reply{.bytes = ok(body)}; };
}

Address at(const std::string& host, std::uint16_t port = 0) {
  return Address::parse(host + ":" + std::to_string(port)).value();
}

// Two servers on the same port of 127.0.0.2 and 127.0.0.3, which one name may lead to.
class Pair {
 public:
  explicit Pair(const Origin::Script& first = says("two"),
                const Origin::Script& second = says("three"))
      : two(first, at("127.0.0.2")), three(second, at("127.0.0.3", two.address().port())) {}
  std::string upstream(const std::string& more = "") const {
    return "upstreams: {site: {dns: 'app.test:" + std::to_string(two.address().port()) + "'" +
           more + "}}\n";
  }

  Origin two;
  Origin three;
};

bool reaches(const Instance& instance, const std::string& body) {
  return eventually([&] { return get(instance.web()).body == body; });
}

double resolutions(const Instance& instance, const std::string& result) {
  return instance.metric("roundhouse_upstream_resolutions_total{upstream=\"site\",result=\"" +
                         result + "\"}");
}

std::size_t endpoints_of(const Instance& instance) {
  const std::string text = get(instance.monitor(), "/metrics").body;
  std::size_t count = 0;
  const std::string line = "\nroundhouse_upstream_requests_total{upstream=\"site\"";
  for (auto found = text.find(line); found != text.npos; found = text.find(line, found + 1))
    ++count;
  return count;
}

TEST(Names, AnUpstreamMayBeAName) {
  NameServer names;
  const Pair pair;
  names.set("app.test", {"127.0.0.2", "127.0.0.3"}, 300);
  const Instance instance(kOneProxy, names.resolver() + pair.upstream(", balance: rr"));
  EXPECT_TRUE(reaches(instance, "two"));
  EXPECT_TRUE(reaches(instance, "three"));
  EXPECT_GE(resolutions(instance, "answered"), 1);
}

TEST(Names, WhenANameMovesTrafficFollowsAndWhatWasBegunFinishes) {
  NameServer names;
  std::atomic<bool> held = true;
  std::atomic<bool> slow_came = false;
  const Pair pair([&](const Seen& seen) {
    if (seen.head.starts_with("GET /slow ")) {
      slow_came = true;
      eventually([&] { return !held; });
    }
    return Reply{.bytes = ok("two")};
  });
  names.set("app.test", {"127.0.0.2"});
  const Instance instance(kOneProxy, names.resolver() + pair.upstream());
  EXPECT_TRUE(reaches(instance, "two"));
  Client slow(instance.web());
  EXPECT_TRUE(slow.send("GET /slow HTTP/1.1\r\nHost: t\r\n\r\n"));
  EXPECT_TRUE(eventually([&] { return slow_came.load(); }));
  names.set("app.test", {"127.0.0.3"});
  EXPECT_TRUE(reaches(instance, "three"));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(get(instance.web()).body, "three");
  EXPECT_EQ(endpoints_of(instance), 2U) << "the one that leaves is shown until it has finished";
  held = false;
  EXPECT_EQ(slow.receive().body, "two");
  EXPECT_TRUE(eventually([&] { return endpoints_of(instance) == 1; }));
}

TEST(Names, WhileTheNameServerFailsTheLastEndpointsStay) {
  NameServer names;
  const Pair pair;
  names.set("app.test", {"127.0.0.2"});
  Instance instance(kOneProxy, names.resolver() + pair.upstream());
  EXPECT_TRUE(reaches(instance, "two"));
  for (const auto mood : {NameServer::Mood::kSilent, NameServer::Mood::kRefuses}) {
    names.be(mood);
    const double failed = resolutions(instance, "failed");
    EXPECT_TRUE(eventually([&] { return resolutions(instance, "failed") > failed; }));
    EXPECT_EQ(get(instance.web()).body, "two");
  }
  names.forget("app.test");
  names.be(NameServer::Mood::kAnswers);
  EXPECT_TRUE(eventually([&] { return resolutions(instance, "negative") >= 1; }));
  EXPECT_EQ(get(instance.web()).body, "two");
  EXPECT_TRUE(instance.process().prints("cannot be resolved"));
  names.set("app.test", {"127.0.0.3"});
  EXPECT_TRUE(reaches(instance, "three"));
  EXPECT_TRUE(instance.process().prints("is resolved again"));
  const std::string output = instance.process().output();
  EXPECT_EQ(output.find("cannot be resolved"), output.rfind("cannot be resolved"))
      << "said once: " << output;
}

TEST(Names, ANameThatIsNotThereAtTheStartIsAnsweredWith503UntilItIs) {
  NameServer names;
  const Pair pair;
  Instance instance(kOneProxy, names.resolver() + pair.upstream());
  EXPECT_TRUE(instance.process().prints("there is no such name; it has no endpoints"));
  const Response response = get(instance.web());
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.headers.count("retry-after"), 1);
  names.set("app.test", {"127.0.0.2"});
  EXPECT_TRUE(reaches(instance, "two"));
}

TEST(Names, ForgedAnswersLeadNobodyAstray) {
  NameServer names;
  names.forge("127.0.0.3");
  const Pair pair;
  names.set("app.test", {"127.0.0.2"});
  const Instance instance(kOneProxy, names.resolver() + pair.upstream());
  EXPECT_TRUE(reaches(instance, "two"));
  EXPECT_TRUE(eventually([&] { return resolutions(instance, "answered") >= 3; }));
  EXPECT_TRUE(pair.three.seen().empty());
}

TEST(Names, OfAHundredAddressesAndMoreAHundredAreUsed) {
  NameServer names;
  std::vector<std::string> many;
  for (int i = 1; i <= 130; ++i) many.push_back("127.0.9." + std::to_string(i));
  names.set("app.test", many);
  const Instance instance(kOneProxy, names.resolver() + "upstreams: {site: {dns: 'app.test:9'}}\n");
  EXPECT_TRUE(eventually([&] { return endpoints_of(instance) == 100; }));
  EXPECT_GE(names.asked_over_tcp(), 1U);
  names.set("app.test", {"127.0.9.7"});
  EXPECT_TRUE(eventually([&] { return endpoints_of(instance) == 1; }));
}

TEST(Names, ServersAndNamesOfOneUpstreamServeTogether) {
  NameServer names;
  const Pair pair;
  const Origin fixed(says("fixed"));
  names.set("app.test", {"127.0.0.2"});
  const Instance instance(kOneProxy,
                          names.resolver() + pair.upstream(", balance: rr, servers: ['" +
                                                           fixed.address().to_string() + "']"));
  EXPECT_TRUE(reaches(instance, "two"));
  EXPECT_TRUE(reaches(instance, "fixed"));
  names.forget("app.test");
  EXPECT_TRUE(eventually([&] { return resolutions(instance, "negative") >= 2; }))
      << "what the first one did has been taken up by the worker since";
  EXPECT_TRUE(reaches(instance, "two"));
  EXPECT_TRUE(reaches(instance, "fixed"));
}

TEST(Names, SrvRecordsGivePortsAndWeightsAndOnlyTheLowestPriorityCounts) {
  NameServer names;
  const Origin heavy(says("heavy"));
  const Origin light(says("light"));
  const Origin spare(says("spare"));
  names.set("host.test", {"127.0.0.1"});
  const auto service = [](std::uint16_t priority, std::uint16_t weight, const Origin& origin) {
    return NameServer::Service{priority, weight, origin.address().port(), "host.test"};
  };
  names.set_services("_http._tcp.test",
                     {service(20, 9, spare), service(10, 3, heavy), service(10, 1, light)});
  const Instance instance(
      kOneProxy, names.resolver() + "upstreams: {site: {srv: _http._tcp.test, balance: rr}}\n");
  EXPECT_TRUE(eventually([&] { return get(instance.web()).status == 200; }));
  std::map<std::string, int> answers;
  for (int i = 0; i < 40; ++i) ++answers[get(instance.web()).body];
  EXPECT_EQ(answers, (std::map<std::string, int>{{"heavy", 30}, {"light", 10}}));
  names.set_services("_http._tcp.test", {service(20, 9, spare)});
  EXPECT_TRUE(reaches(instance, "spare"));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(get(instance.web()).body, "spare");
}

TEST(Names, AKilledMonitorLosesNoEndpoint) {
  NameServer names;
  const Pair pair;
  names.set("app.test", {"127.0.0.2"});
  Instance instance(kOneProxy, names.resolver() + pair.upstream());
  EXPECT_TRUE(reaches(instance, "two"));
  names.be(NameServer::Mood::kSilent);
  const pid_t monitor = instance.monitor_pid();
  ASSERT_GT(monitor, 0);
  ::kill(monitor, SIGKILL);
  EXPECT_TRUE(eventually([&] {
    EXPECT_EQ(get(instance.web()).body, "two");
    const pid_t now = instance.monitor_pid();
    return now != 0 && now != monitor;
  }));
  EXPECT_TRUE(eventually([&] { return resolutions(instance, "failed") >= 1; }));
  EXPECT_EQ(get(instance.web()).body, "two");
  names.be(NameServer::Mood::kAnswers);
  names.set("app.test", {"127.0.0.3"});
  EXPECT_TRUE(reaches(instance, "three"));
}

TEST(Names, AreProbedAsEveryEndpointIs) {
  NameServer names;
  std::atomic<bool> well = true;
  const Pair pair([&](const Seen& seen) {
    if (!seen.head.starts_with("GET /healthz ") || well) return Reply{.bytes = ok("two")};
    return Reply{.bytes = "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"};
  });
  names.set("app.test", {"127.0.0.2"}, 300);
  const Instance instance(
      kOneProxy, names.resolver() + pair.upstream(", health: {path: /healthz, interval: 50ms}"));
  EXPECT_TRUE(reaches(instance, "two"));
  well = false;
  EXPECT_TRUE(eventually([&] { return get(instance.web()).status == 503; }));
  well = true;
  EXPECT_TRUE(reaches(instance, "two"));
}

}  // namespace
}  // namespace roundhouse::test
