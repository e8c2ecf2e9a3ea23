// What users deploy: the manifests of docker/kubernetes and the compose file agree with each other
// and with the program.
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <csignal>
#include <filesystem>
#include <string>

#include "support/client.h"
#include "support/instance.h"

namespace roundhouse::test {
namespace {

const std::string kFolder = std::string(PROJECT) + "/docker/kubernetes/";

YAML::Node manifest(const std::string& name) { return YAML::LoadFile(kFolder + name + ".yaml"); }

// Of everything in `wanted`, `has` has the same.
bool matches(const YAML::Node& wanted, const YAML::Node& has) {
  if (!wanted.IsMap() || wanted.size() == 0) return false;
  for (const auto& label : wanted) {
    const YAML::Node value = has[label.first.as<std::string>()];
    if (!value || value.as<std::string>() != label.second.as<std::string>()) return false;
  }
  return true;
}

TEST(Kubernetes, EveryResourceIsThereAndNamesTheOthersRight) {
  const YAML::Node kustomization = manifest("kustomization");
  std::size_t kinds = 0;
  for (const YAML::Node& file : kustomization["resources"]) {
    const YAML::Node resource = YAML::LoadFile(kFolder + file.as<std::string>());
    EXPECT_TRUE(resource["kind"] && resource["apiVersion"]) << file;
    EXPECT_EQ(resource["metadata"]["name"].as<std::string>(), "roundhouse") << file;
    ++kinds;
  }
  EXPECT_EQ(kinds, 5U);
  const YAML::Node pod = manifest("deployment")["spec"]["template"];
  const YAML::Node labels = pod["metadata"]["labels"];
  EXPECT_TRUE(matches(manifest("deployment")["spec"]["selector"]["matchLabels"], labels));
  EXPECT_TRUE(matches(manifest("service")["spec"]["selector"], labels));
  EXPECT_TRUE(matches(manifest("disruption")["spec"]["selector"]["matchLabels"], labels));
  EXPECT_TRUE(matches(manifest("podmonitor")["spec"]["selector"]["matchLabels"], labels));
  std::map<std::string, int> ports;
  const YAML::Node container = pod["spec"]["containers"][0];
  for (const YAML::Node& port : container["ports"])
    ports[port["name"].as<std::string>()] = port["containerPort"].as<int>();
  for (const YAML::Node& port : manifest("service")["spec"]["ports"])
    EXPECT_TRUE(ports.contains(port["targetPort"].as<std::string>()));
  for (const YAML::Node& endpoint : manifest("podmonitor")["spec"]["podMetricsEndpoints"])
    EXPECT_TRUE(ports.contains(endpoint["port"].as<std::string>()));
  for (const char* probe : {"startupProbe", "livenessProbe", "readinessProbe"})
    EXPECT_TRUE(ports.contains(container[probe]["httpGet"]["port"].as<std::string>())) << probe;
  const std::string volume = container["volumeMounts"][0]["name"].as<std::string>();
  EXPECT_EQ(pod["spec"]["volumes"][0]["name"].as<std::string>(), volume);
  EXPECT_EQ(pod["spec"]["volumes"][0]["configMap"]["name"].as<std::string>(),
            kustomization["configMapGenerator"][0]["name"].as<std::string>());
}

// The program as the manifests configure it, on ports of this machine's choosing.
TEST(Kubernetes, ThePortsPathsAndTimesAreThoseOfTheProgram) {
  const std::string file = kFolder + "roundhouse.yaml";
  const Finished checked = run({binary(), "check", "-c", file});
  EXPECT_EQ(checked.ended.code, 0) << checked.output;
  const YAML::Node configuration = YAML::LoadFile(file);
  const YAML::Node pod = manifest("deployment")["spec"]["template"]["spec"];
  const YAML::Node container = pod["containers"][0];
  EXPECT_EQ(configuration["listeners"]["web"]["bind"].as<std::string>(),
            container["ports"][0]["containerPort"].as<std::string>());
  EXPECT_EQ(configuration["monitor"]["bind"].as<std::string>(),
            "0.0.0.0:" + container["ports"][1]["containerPort"].as<std::string>());
  const std::string deadline = configuration["shutdown"]["deadline"].as<std::string>();
  EXPECT_LT(std::stoi(deadline), pod["terminationGracePeriodSeconds"].as<int>());
  const Instance instance("hello: {workers: 1}");
  for (const char* probe : {"startupProbe", "livenessProbe", "readinessProbe"})
    EXPECT_EQ(get(instance.monitor(), container[probe]["httpGet"]["path"].as<std::string>()).status,
              200)
        << probe;
}

TEST(Compose, MountsWhatThereIsAndWaitsLongEnough) {
  const std::string folder = std::string(PROJECT) + "/docker/";
  const YAML::Node services = YAML::LoadFile(folder + "compose.yaml")["services"];
  std::size_t mounts = 0;
  for (const auto& service : services) {
    for (const YAML::Node& volume : service.second["volumes"]) {
      const std::string text = volume.as<std::string>();
      if (!text.starts_with('.')) continue;
      ++mounts;
      EXPECT_TRUE(std::filesystem::exists(folder + text.substr(0, text.find(':')))) << text;
    }
  }
  EXPECT_GE(mounts, 4U);
  EXPECT_EQ(services["roundhouse"]["stop_grace_period"].as<std::string>(), "45s");
  EXPECT_TRUE(services["roundhouse"]["read_only"].as<bool>());
  for (const YAML::Node& rules : YAML::LoadFile(folder + "prometheus.yml")["rule_files"])
    EXPECT_TRUE(std::filesystem::exists(folder + rules.as<std::string>())) << rules;
}

// Endpoints lag behind: whoever is sent here meanwhile must be served.
TEST(Kubernetes, AfterATermNobodyIsRefusedForTheWholeDelay) {
  constexpr auto kDelay = std::chrono::seconds(2);
  Instance instance("hello: {workers: 2}", "shutdown: {delay: 2s}");
  ASSERT_TRUE(instance.all_ready("hello", 2));
  instance.process().signal(SIGTERM);
  const auto told = std::chrono::steady_clock::now();
  EXPECT_TRUE(eventually([&] { return get(instance.monitor(), "/readyz").status == 503; }));
  int answered = 0;
  for (;;) {
    const auto begun = std::chrono::steady_clock::now();
    if (get(instance.web()).status != 200) {
      // Its clock began a moment before ours.
      EXPECT_GE(begun - told, kDelay * 95 / 100) << "after " << answered << " answers";
      break;
    }
    ++answered;
  }
  EXPECT_GT(answered, 20);
  EXPECT_EQ(instance.process().wait().code, 0);
}

}  // namespace
}  // namespace roundhouse::test
