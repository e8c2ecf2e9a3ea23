// Reads the configuration anew, in a process of its own: what is in a file can neither crash nor
// block the edge.
//
// That process is this program with the arguments that the edge was started with, and kLoadVariable
// in its environment: it prints what it has read as a LoadReport and exits.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "config/options.h"
#include "edge/own_process.h"
#include "net/event_loop.h"

namespace roundhouse::edge {

inline constexpr const char* kLoadVariable = "ROUNDHOUSE_LOAD";

struct LoadReport {
  Result<config::Configuration> configuration;  // or all that is wrong with it
  std::vector<std::string> warnings;
  // Where values were written that a reload may refuse: by key, "roundhouse.yaml:3:5".
  std::map<std::string, std::string> places = {};

  std::string text() const;
  // Error in place of the configuration if the text is none of text()'s.
  static LoadReport from_text(const std::string& text);
};

class ConfigurationLoader {
 public:
  using Done = std::function<void(LoadReport)>;
  // `arguments`: of the edge itself, [0] included.
  ConfigurationLoader(EventLoop& loop, std::vector<std::string> arguments, Done done);

  // Done is called later, once, whatever becomes of it. REQUIRES: it was, for the last start.
  void start() { process_.start(); }
  // True if the process was the one that reads.
  bool reaped(pid_t pid) { return process_.reaped(pid); }

 private:
  const Done done_;
  OwnProcess process_;
};

}  // namespace roundhouse::edge
