// What this instance's cgroup uses of memory, and may use. Versions 1 and 2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace roundhouse::monitor {

struct ContainerMemory {
  std::optional<std::uint64_t> used;   // bytes; none outside a container or service
  std::optional<std::uint64_t> limit;  // bytes; none if there is no limit
};

// `root` is "" but in tests.
ContainerMemory read_container_memory(const std::string& root = "");

}  // namespace roundhouse::monitor
