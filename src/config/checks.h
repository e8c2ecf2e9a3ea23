// What can be wrong with a configuration although each of its values is right.
#pragma once

#include <string_view>

#include "config/document.h"
#include "config/options.h"
#include "config/provenance.h"

namespace roundhouse::config {

inline constexpr std::size_t kMaxPools = 64;
inline constexpr std::size_t kMaxRoutes = 256;
inline constexpr std::size_t kMaxUpstreams = 64;
inline constexpr std::size_t kMaxServers = 256;  // of all upstreams
inline constexpr std::size_t kMaxListeners = 64;
inline constexpr std::size_t kMaxBinds = 16;        // of one listener
inline constexpr std::uint32_t kMaxWorkers = 4096;  // of all pools

// Whether pools of this type have the option: some are only for programs, some only for built-in
// workers.
bool has_option(PoolType type, std::string_view key);
// Whether listeners of this protocol have it.
bool has_option(Protocol protocol, std::string_view key);

// For a configuration in which everything has been filled in. Problems are appended.
void check_configuration(const Configuration& configuration, const Provenance& provenance,
                         Problems& problems);

}  // namespace roundhouse::config
