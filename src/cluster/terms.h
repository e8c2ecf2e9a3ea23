// What a primary tells its workers when it starts them, in the place of a configuration.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/error.h"

namespace roundhouse::membership {

struct Terms {
  std::uint32_t worker_connections = 10000;
  Duration drain = std::chrono::seconds(25);
  Duration heartbeat = std::chrono::milliseconds(200);

  std::string text() const;
  static Result<Terms> parse(const std::string& text);
};

}  // namespace roundhouse::membership
