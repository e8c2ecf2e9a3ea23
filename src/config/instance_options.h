// What an operator can set once, for the whole instance.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/clock.h"
#include "base/log.h"
#include "config/access_log_options.h"

namespace roundhouse::config {

using namespace std::chrono_literals;

struct Shutdown {
  Duration delay = 0s;
  Duration deadline = 28s;
};

struct Monitor {
  std::optional<Address> bind = Address::loopback(9901);  // none: off
  std::string socket = "auto";                            // or the path of the control socket
};

struct Resolver {
  std::vector<std::string> servers;  // address, or address:port; empty: what the system says
  Duration timeout = 2s;
};

struct Log {
  log::Level level = log::Level::kInfo;
  log::Format format = log::Format::kAuto;
  AccessLog access;
};

}  // namespace roundhouse::config
