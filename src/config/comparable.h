// What of a configuration is compared to tell what a reload would do, as one process tells it to
// another. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "config/options.h"

namespace roundhouse::config {

// A fingerprint is the same exactly where a value is; without its key it tells nothing of it
// (base/signature.h).
struct Comparable {
  struct Setting {
    std::string key;    // full, as in "pools.app.workers"
    std::string shown;  // as YAML; *** where it is secret
    std::string fingerprint;
  };
  struct Pool {
    std::string name;
    std::uint32_t workers = 0;  // configured
    std::uint32_t wanted = 0;   // as now scaled
    PoolRows rows;
    bool foreign = false;
    bool together = false;                       // its new workers start all at once
    std::string fingerprint;                     // of worker_text()
    std::map<std::string, std::string> goes_by;  // of each line of it, by key
  };
  struct Socket {
    std::string address;
    std::string listener;
    std::string pool;
    bool in_kernel = false;  // the kernel rotates
  };
  std::string key;  // of the fingerprints
  std::vector<Setting> settings;
  std::vector<Pool> pools;
  std::vector<Socket> sockets;
  std::vector<std::string> settled;  // Configuration::settled

  const Pool* find_pool(std::string_view name) const;
};

// `wanted`: how many workers a pool has been scaled to, by name; absent: as configured.
Comparable comparable(const Configuration& configuration, const std::string& key,
                      const std::map<std::string, std::uint32_t>& wanted = {});
Json to_json(const Comparable& comparable);
// Error: it is from another version of the program.
Result<Comparable> comparable_from(const Json& json);

// Whether the kernel rotates for this instance, as far as it tells.
enum class Rotation : std::uint8_t { kUnknown, kWorks, kReplaced };
Rotation rotation_of(const Comparable& running);

}  // namespace roundhouse::config
