// From a file, the environment and flags to the configuration that is run; the rules for what is
// left out.
//
// No file: a pool `hello` and a listener `web` on 8000. A pool and no listener: that listener. A
// listener and no pool: that pool. Upstreams or routes and no pool of proxies: `gateway`. One
// upstream and no routes: everything goes there. A pool of type port: proxies before it. Policy:
// flag, ROUNDHOUSE_SCHED_POLICY, file, NODE_CLUSTER_SCHED_POLICY, default.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/options.h"
#include "config/program_type.h"
#include "config/provenance.h"
#include "config/substitution.h"
#include "config/tls_rules.h"

namespace roundhouse::config {

// What the flags of `run` set over the file.
struct Overrides {
  std::optional<std::uint16_t> port;
  std::optional<std::uint32_t> workers;  // 0: auto
  std::optional<Policy> policy;
  std::optional<AccessFormat> access_log;
  std::string to_name;                  // of `proxy`: NAME:PORT, whose addresses are the servers
  std::vector<Server> to;               // of `proxy`: the servers of the only upstream, `site`
  Protocol protocol = Protocol::kHttp;  // what they speak
  std::vector<std::string> command;     // behind `--`: the only pool, `app`
  std::optional<PoolType> type;         // of that
};

// What a configuration takes from the machine; a test has its own.
struct Surroundings {
  VariableLookup variable;
  FileLookup file;              // what launchers look into; none: no files
  std::uint32_t cpus = 1;       // what `workers: auto` means
  std::string user = "nobody";  // what an absent `user` means
  TlsKnowledge tls = {};        // none: certificates are not looked at
};
Surroundings surroundings_of_this_process();

struct Loaded {
  Configuration configuration;
  Provenance provenance;
  std::string file;  // as given; empty without one
  // What is allowed and hardly meant, a line each: routes that can never match.
  std::vector<std::string> warnings;
};

// Errors: everything that is wrong, a line each, with kConfiguration; kSystem for a file that
// cannot be read; kUsage for flags that do not fit the file (-p and -n want one listener and one
// pool).
Result<Loaded> load_file(const std::string& path, const Overrides& overrides,
                         const Surroundings& surroundings);
// `name` stands for the file in what is said, and its folder is where relative paths begin.
Result<Loaded> load_text(std::string_view text, const std::string& name, const Overrides& overrides,
                         const Surroundings& surroundings);
Result<Loaded> load_defaults(const Overrides& overrides, const Surroundings& surroundings);

}  // namespace roundhouse::config
