#include "support/prometheus.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <regex>

#include "support/client.h"

namespace roundhouse::test {
namespace {

std::string percent_encoded(const std::string& text) {
  std::string encoded;
  for (const char c : text) {
    char code[4];
    std::snprintf(code, sizeof code, "%%%02X",
                  static_cast<unsigned>(static_cast<unsigned char>(c)));
    encoded += code;
  }
  return encoded;
}

}  // namespace

Prometheus::Prometheus(const std::vector<Address>& targets, const std::string& rules)
    : process_({"/usr/bin/prometheus", "--config.file=" + configuration_for(targets, rules),
                "--storage.tsdb.path=" + folder_.path() + "/data",
                "--web.listen-address=127.0.0.1:0"}) {
  EXPECT_TRUE(eventually([this] { return find_port() && get(address_, "/-/ready").status == 200; }))
      << process_.output();
}

std::optional<Json> Prometheus::get_data(const std::string& path) const {
  const auto answer = parse_json(get(address_, "/api/v1/" + path).body);
  if (!answer || answer->value("status", "") != "success") return std::nullopt;
  return answer->at("data");
}

std::optional<Json> Prometheus::series(const std::string& expression) const {
  auto data = get_data("query?query=" + percent_encoded(expression));
  if (!data) return std::nullopt;
  return data->at("result");
}

std::optional<double> Prometheus::query(const std::string& expression) const {
  const auto found = series(expression);
  if (!found || found->empty()) return std::nullopt;
  return std::stod(found->at(0).at("value").at(1).get<std::string>());
}

std::string Prometheus::configuration_for(const std::vector<Address>& targets,
                                          const std::string& rules) const {
  std::string list;
  for (const Address& target : targets)
    list += (list.empty() ? "'" : ", '") + target.to_string() + "'";
  return folder_.write(
      "prometheus.yml",
      "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\n" +
          (rules.empty() ? "" : "rule_files: ['" + rules + "']\n") +
          "scrape_configs: [{job_name: roundhouse, static_configs: [{targets: [" + list +
          "]}]}]\n");
}

bool Prometheus::find_port() {
  static const std::regex listening(R"re("Listening on" address=127\.0\.0\.1:(\d+))re");
  const std::string output = process_.output();
  std::smatch match;
  if (!std::regex_search(output, match, listening)) return false;
  address_ = Address::loopback(static_cast<std::uint16_t>(std::stoi(match[1].str())));
  return true;
}

}  // namespace roundhouse::test
