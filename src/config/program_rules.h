// What follows from a pool being one of programs: its type, how it is started, its policy, and the
// built-in workers that are put in front of it.
#pragma once

#include "config/document.h"
#include "config/options.h"
#include "config/program_type.h"
#include "config/provenance.h"
#include "config/report.h"

namespace roundhouse::config {

// `type: auto`, and launchers. `files`: paths as the configuration has them. Refused commands
// become problems.
void choose_types(Configuration& configuration, Provenance& provenance, const FileLookup& files,
                  Problems& problems);

// A listener whose pool is reached by way of built-in workers gets those, and an upstream and a
// last route to the pool, where there are none. REQUIRES: every listener that can have a pool has
// it.
void put_proxies_in_front(Configuration& configuration, Provenance& provenance);

// Whether workers of this type can be given connections by this policy.
bool can_do(PoolType type, Policy policy);
// Where the operator left it out: the policy of listen_fds and port, the private socket.
void derive_program_values(Pool& pool, Provenance& provenance);

void check_program(const Configuration& configuration, const Pool& pool, Report& report);
void check_via(const Configuration& configuration, const Listener& listener,
               const Provenance& provenance, Report& report);
void check_upstream_pool(const Configuration& configuration, const Upstream& upstream,
                         Report& report);

// What is allowed and hardly meant: a variable where no shell would put its value.
void doubt_commands(const Configuration& configuration, Report& report);

// The listener sets what only HTTP workers can hold: the first such key, or an empty one.
std::string http_key_of(const Listener& listener, const Provenance& provenance);

}  // namespace roundhouse::config
