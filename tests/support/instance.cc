#include "support/instance.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>

namespace roundhouse::test {
namespace {

Address printed_address(const std::string& output, const std::string& before) {
  std::smatch match;
  const std::regex pattern(before + "(127\\.0\\.0\\.1:[0-9]+)");
  if (!std::regex_search(output, match, pattern)) return {};
  return *Address::parse(match[1].str());
}

}  // namespace

std::string binary() { return ROUNDHOUSE_BINARY; }

// A copy that everybody may execute: the checkout can be in a folder that the workers' user cannot
// enter.
static std::string copied(const std::string& program) {
  static const TemporaryDirectory directory;
  const std::string copy =
      directory.path() + "/" + std::filesystem::path(program).filename().string();
  std::filesystem::copy_file(program, copy, std::filesystem::copy_options::skip_existing);
  return copy;
}

std::string scripted_worker(const std::string& script) {
  return copied(SCRIPTED_WORKER) + " " + script;
}

std::string scripted_program(const std::string& script) {
  return copied(SCRIPTED_PROGRAM) + " " + script;
}

Instance::Instance(const std::string& pools, const std::string& more, const Options& options) {
  const std::string also = options.also_bind.empty() ? "" : ", '" + options.also_bind + "'";
  const std::string web = "{bind: ['127.0.0.1:0'" + also + "]" +
                          std::string(options.listener.empty() ? "" : ", ") + options.listener +
                          "}";
  const std::string file =
      directory_.write("roundhouse.yaml", "listeners: {web: " + web + options.more_listeners +
                                              "}\n"
                                              "monitor: {bind: '127.0.0.1:0', socket: " +
                                              control_socket() + options.monitor +
                                              "}\n"
                                              "log: {format: text, level: debug" +
                                              (options.log.empty() ? "" : ", " + options.log) +
                                              "}\n"
                                              "pools: {" +
                                              pools + "}\n" + more);
  std::vector<std::string> command{binary(), "run", "-c", file};
  command.insert(command.end(), options.arguments.begin(), options.arguments.end());
  process_ = std::make_unique<Process>(command, options.process);
  if (!options.wait) return;
  EXPECT_TRUE(process_->prints("metrics on http://")) << process_->output();
  const std::string output = process_->output();
  web_ = printed_address(output, "listening on ");
  monitor_ = printed_address(output, "metrics on http://");
  EXPECT_TRUE(eventually([this] { return get(monitor_, "/readyz").status == 200; }))
      << process_->output();
}

double Instance::metric(const std::string& series) const {
  const std::string text = "\n" + get(monitor_, "/metrics").body;
  const std::size_t at = text.find("\n" + series + " ");
  return at == text.npos ? -1 : std::strtod(text.c_str() + at + series.size() + 2, nullptr);
}

std::vector<Address> Instance::listening() const {
  std::vector<Address> addresses;
  const std::string output = process_->output();
  const std::regex of_listener("listening on (.*) for ");
  const std::regex of_address("(127\\.0\\.0\\.1|\\[::1\\]):[0-9]+");
  const std::sregex_iterator end;
  for (std::sregex_iterator line(output.begin(), output.end(), of_listener); line != end; ++line) {
    const std::string bound = (*line)[1].str();
    for (std::sregex_iterator at(bound.begin(), bound.end(), of_address); at != end; ++at)
      addresses.push_back(*Address::parse(at->str()));
  }
  return addresses;
}

bool Instance::metric_reaches(const std::string& series, double value) const {
  return eventually([&] { return metric(series) >= value; });
}

pid_t Instance::monitor_pid() const {
  const std::string edge = std::to_string(process_->pid());
  std::ifstream children("/proc/" + edge + "/task/" + edge + "/children");
  for (pid_t pid = 0; children >> pid;) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/cmdline");
    const std::string command(std::istreambuf_iterator<char>(file), {});
    if (command.find("monitor") != command.npos) return pid;
  }
  return 0;
}

std::vector<pid_t> Instance::worker_pids(std::size_t workers, const std::string& pool) const {
  std::vector<pid_t> pids(workers, 0);
  const std::string text = get(monitor_, "/metrics").body;
  const std::regex pattern("roundhouse_worker_info\\{([^}]*)\\} 1");
  const std::regex pid_label("pid=\"([0-9]+)\"");
  const std::regex worker_label("worker=\"([0-9]+)\"");
  for (std::sregex_iterator at(text.begin(), text.end(), pattern), end; at != end; ++at) {
    const std::string labels = (*at)[1].str();
    if (!pool.empty() && !labels.contains("pool=\"" + pool + "\"")) continue;
    std::smatch pid;
    std::smatch worker;
    if (!std::regex_search(labels, pid, pid_label) ||
        !std::regex_search(labels, worker, worker_label))
      continue;
    const auto id = static_cast<std::size_t>(std::stoi(worker[1].str()));
    if (id >= 1 && id <= workers) pids[id - 1] = std::stoi(pid[1].str());
  }
  return pids;
}

bool Instance::all_ready(const std::string& pool, int workers) const {
  return metric_reaches("roundhouse_pool_workers{pool=\"" + pool + "\",state=\"ready\"}", workers);
}

Ended Instance::stop() {
  process_->signal(SIGTERM);
  return process_->wait();
}

}  // namespace roundhouse::test
