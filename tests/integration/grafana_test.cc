// The dashboard and the rules that users deploy, on a real Prometheus that scrapes a real instance
// in trouble: every query returns something.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <thread>

#include "support/certificate_files.h"
#include "support/client.h"
#include "support/name_server.h"
#include "support/operated.h"
#include "support/origin.h"
#include "support/prometheus.h"
#include "support/proxied.h"
#include "support/tls_client.h"
#include "support/tls_origin.h"

namespace roundhouse::test {
namespace {

std::string content_of(const std::string& path) {
  std::ifstream file(std::string(PROJECT) + "/" + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// What Grafana makes of a query.
std::string with_variables(std::string expression) {
  for (const auto& [variable, value] :
       {std::pair("$instance", ".*"), std::pair("$pool", ".*"), std::pair("$__rate_interval", "5s"),
        std::pair("$__interval", "5s")}) {
    for (auto at = expression.find(variable); at != std::string::npos;
         at = expression.find(variable, at))
      expression.replace(at, std::string(variable).size(), value);
  }
  return expression;
}

// By the panel that asks.
std::map<std::string, std::string> queries_of_the_dashboard() {
  std::map<std::string, std::string> queries;
  const auto dashboard = parse_json(content_of("grafana/roundhouse.json"));
  EXPECT_TRUE(dashboard);
  for (const Json& panel : dashboard->at("panels")) {
    if (!panel.contains("targets")) continue;
    for (const Json& target : panel.at("targets"))
      queries[panel.at("title").get<std::string>() + " " +
              std::to_string(panel.at("id").get<int>()) + target.at("refId").get<std::string>()] =
          with_variables(target.at("expr").get<std::string>());
  }
  return queries;
}

// What a machine without a memory limit on the test's cgroup cannot tell.
bool is_told_here(const std::string& query, const Instance& instance) {
  for (const char* metric : {"container_memory_limit_bytes", "container_memory_bytes"}) {
    const bool asks = query.contains(metric) || (query.contains("container_memory:ratio"));
    if (asks &&
        !get(instance.monitor(), "/metrics").body.contains("roundhouse_" + std::string(metric)))
      return false;
  }
  return true;
}

// A proxy before a well and a dead endpoint, one with a name and one with TLS; clients that speak
// HTTP/2, resume sessions and come behind a balancer; hello workers that crash; a program that
// prints; an access log.
class InTrouble {
 public:
  InTrouble()
      : well_("well"),
        secured_({.pem = pem_}, "secured"),
        instance_(
            "gateway: {type: proxy, workers: 2}, hello: {type: hello, workers: 2}, "
            "app: {type: port, command: " +
                scripted_program("chatter") + ", workers: 1}",
            names_.resolver() + upstreams() +
                "routes: [{path: /program/, upstream: program}, {path: /named/, upstream: named}, "
                "{path: /secured/, upstream: secured}, {upstream: site}]\n",
            {.log = "access: {format: json, to: " + folder_.path() + "/access.log}",
             .listener = "pool: gateway, connections_per_address: 64",
             .more_listeners = ", hello: {bind: 'unix:" + folder_.path() +
                               "/hello.sock', pool: hello}" +
                               ", safe: {bind: '127.0.0.1:0', pool: gateway, " + files_.tls() +
                               ", proxy_protocol: require, proxy_protocol_from: [127.0.0.0/8]}"}),
        load_(2,
              [this] {
                return [this, hello = *Address::parse("unix:" + folder_.path() + "/hello.sock"),
                        n = 0]() mutable {
                  get(instance_.web(), "/");
                  get(instance_.web(), n % 2 == 0 ? "/program/" : "/named/");
                  Client(instance_.web()).request("GET", "bad target");
                  get(hello, ++n % 20 == 0 ? "/die" : "/");
                  return true;
                };
              }),
        secure_load_(1, [this] {
          return [this, last = std::shared_ptr<TlsClient>()]() mutable {
            last = ask_under_tls(last.get());
            return true;
          };
        }) {}

  const Instance& instance() const { return instance_; }

 private:
  std::string upstreams() {
    names_.set("app.test", {"127.0.0.1"});
    const std::string port = std::to_string(well_.address().port());
    return "upstreams: {site: {servers: ['" + well_.address().to_string() +
           "', '127.0.0.1:9'], health: {path: /, interval: 200ms, timeout: 1s}}, named: {dns: "
           "'app.test:" +
           port + "'}, program: {pool: app}, secured: {servers: '" +
           secured_.address().to_string() + "', protocol: http/1.1, tls: {verify: false}}}\n";
  }

  // Behind a header of the PROXY protocol.
  std::unique_ptr<TlsClient> ask_under_tls(const TlsClient* resumes) {
    Client opened(instance_.listening().back());
    opened.send("PROXY TCP4 192.0.2.1 192.0.2.2 1000 443\r\n");
    auto client = std::make_unique<TlsClient>(UniqueFd(::fcntl(opened.fd(), F_DUPFD_CLOEXEC, 0)),
                                              TlsClient::Options{.resumes = resumes});
    if (client->shake_hands())
      client->send("GET /secured/ HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
    bool orderly = false;
    client->receive_all(orderly);
    return client;
  }

  TemporaryDirectory folder_;
  const Pem pem_ = make_certificate({.names = {"a.test"}});
  const CertificateFiles files_{pem_};
  NameServer names_;
  Origin well_;
  TlsOrigin secured_;
  Instance instance_;
  Load load_;
  Load secure_load_;
};

TEST(Grafana, EveryQueryOfTheDashboardReturnsSomethingOfAnInstanceInTrouble) {
  const InTrouble trouble;
  const Prometheus prometheus({trouble.instance().monitor()},
                              std::string(PROJECT) + "/docker/rules.yml");
  std::map<std::string, std::string> silent = queries_of_the_dashboard();
  EXPECT_GT(silent.size(), 60U);
  std::erase_if(silent,
                [&](const auto& query) { return !is_told_here(query.second, trouble.instance()); });
  EXPECT_TRUE(eventually(
      [&] {
        std::erase_if(silent, [&](const auto& query) {
          const auto series = prometheus.series(query.second);
          EXPECT_TRUE(series) << query.first << " is no query: " << query.second;
          return !series || !series->empty();
        });
        return silent.empty();
      },
      std::chrono::seconds(60)));
  for (const auto& [panel, query] : silent) ADD_FAILURE() << panel << ": no data for " << query;
}

TEST(Grafana, EveryRuleIsEvaluatedWithoutAnError) {
  const InTrouble trouble;
  const Prometheus prometheus({trouble.instance().monitor()},
                              std::string(PROJECT) + "/docker/rules.yml");
  std::map<std::string, std::string> health;
  EXPECT_TRUE(eventually([&] {
    const auto data = prometheus.get_data("rules");
    if (!data) return false;
    health.clear();
    for (const Json& group : data->at("groups")) {
      for (const Json& rule : group.at("rules"))
        health[rule.at("name")] =
            rule.at("health").get<std::string>() + " " + rule.value("lastError", "");
    }
    return health.size() > 30 &&
           std::ranges::all_of(health, [](const auto& one) { return one.second == "ok "; });
  }));
  for (const auto& [rule, how] : health) EXPECT_EQ(how, "ok ") << rule;
}

}  // namespace
}  // namespace roundhouse::test
