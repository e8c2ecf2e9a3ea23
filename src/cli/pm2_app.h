// One app of a PM2 ecosystem file as a pool: each of its keys a line, or a note that says what to
// do instead. PM2's names, defaults and units: its reference of the application declaration, and
// what its version 7 does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "config/program_type.h"

namespace roundhouse::cli {

struct Pm2Pool {
  struct Line {
    std::string key;    // of the pool, dotted: "timeouts.drain"
    std::string value;  // YAML
    std::string from;   // PM2's key
  };
  std::string name;  // as in the file; not yet one of ours
  std::optional<std::uint16_t> port;
  std::string port_from;           // PM2's key
  std::vector<Line> lines;         // each one that `check` accepts
  std::vector<std::string> notes;  // "KEY: VALUE: what to do", without a line break
};

// `app` is an object with a `script`. `environment`: of --env, may be empty. `files` looks into
// scripts without an extension, whose first line may name node.
Pm2Pool pool_of_pm2_app(const Json& app, std::string_view environment,
                        const config::FileLookup& files);

// How a note quotes a value: JSON, cut.
std::string quoted_in_note(const Json& value);

}  // namespace roundhouse::cli
