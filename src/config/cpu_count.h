// How many CPUs this process may use: what `workers: auto` means.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace roundhouse::config {

// The fewer of the affinity mask's CPUs and the cgroup's quota rounded up; at least 1.
std::uint32_t cpu_count();

// The quota of the cgroup that `root`/proc/self/cgroup names and of all above it, rounded up to
// whole CPUs; none if there is no limit. Versions 1 and 2, also where the container sees its own
// cgroup as the root. `root` is "" but in tests.
std::optional<std::uint32_t> cgroup_cpu_quota(const std::string& root);

}  // namespace roundhouse::config
