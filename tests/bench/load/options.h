// What the load client is asked to do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"

namespace roundhouse::bench {

// One request to a connection and its end awaited; or as many as the server allows; or one whose
// connection is kept, idle, until `hold` after the start.
enum class Mode { kClose, kKeepAlive, kHold };

struct Options {
  std::uint16_t port = 0;  // on 127.0.0.1
  Mode mode = Mode::kClose;
  std::uint32_t clients = 64;
  std::string path = "/";
  std::string expected;        // how the body must begin; empty: any
  std::uint64_t requests = 0;  // in all; 0: no such bound
  Duration time{};             // in which requests are begun; zero: no such bound
  double rate = 0;             // requests a second, begun on time; 0: as fast as they are answered
  Duration connect_timeout = std::chrono::seconds(3);
  Duration timeout = std::chrono::seconds(10);  // from begun to answered
  Duration hold{};
};

// Without a value where the command line is wrong; `why` then says so.
std::optional<Options> parse_options(int argc, char** argv, std::string& why);
extern const char kUsage[];

}  // namespace roundhouse::bench
