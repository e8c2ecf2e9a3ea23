// The real program, started by a test on free loopback ports, and what a test asks of it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "support/client.h"
#include "support/process.h"

namespace roundhouse::test {

// The program under test.
std::string binary();
// A command line of tests/support/scripted_worker.cc.
std::string scripted_worker(const std::string& script);
// And of tests/support/scripted_program.cc.
std::string scripted_program(const std::string& script);

class Instance {
 public:
  struct Options {
    std::vector<std::string> arguments = {};  // after `run -c FILE`
    Process::Options process = {};
    std::string log = {};             // more of the section `log`: "access: {format: json}"
    bool wait = true;                 // until every listener's pool has a ready worker
    std::string listener = {};        // more keys of `web`, YAML
    std::string also_bind = {};       // an address of `web` beside the free port
    std::string more_listeners = {};  // ", admin: {...}"
    std::string monitor = {};         // more keys of `monitor`: ", allowed_hosts: [name]"
  };
  // `pools` and `more` are YAML; a listener `web`, on a free port of 127.0.0.1 unless options say
  // otherwise, and the monitor are added.
  //   Instance instance("app: {type: hello, workers: 2}");
  explicit Instance(const std::string& pools) : Instance(pools, "", Options{}) {}
  Instance(const std::string& pools, const std::string& more) : Instance(pools, more, Options{}) {}
  Instance(const std::string& pools, const std::string& more, const Options& options);

  Process& process() { return *process_; }
  const Address& web() const { return web_; }
  // Where the listeners listen, in the order of the file; those that listen on 127.0.0.1.
  std::vector<Address> listening() const;
  const Address& monitor() const { return monitor_; }
  const std::string& directory() const { return directory_.path(); }
  std::string control_socket() const { return directory_.path() + "/control.sock"; }

  // The value of one series of /metrics, as `roundhouse_name{labels}`; -1 if it is absent.
  double metric(const std::string& series) const;
  bool metric_reaches(const std::string& series, double value) const;
  // Of the monitor that the edge runs now; 0 if there is none.
  pid_t monitor_pid() const;
  // Pids of the workers that /metrics knows, by id from 1; 0 for one that is not running. `pool`:
  // where there are several.
  std::vector<pid_t> worker_pids(std::size_t workers, const std::string& pool = "") const;
  // Waits until /readyz says 200 and all `workers` of `pool` are in state ready.
  bool all_ready(const std::string& pool, int workers) const;
  // TERM, then its end.
  Ended stop();

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<Process> process_;
  Address web_;
  Address monitor_;
};

}  // namespace roundhouse::test
