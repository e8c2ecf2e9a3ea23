#include "config/locate.h"

#include <unistd.h>

#include "config/loader.h"

namespace roundhouse::config {

Location locate_configuration(const std::string& flag, const VariableLookup& variable,
                              const std::function<bool(const std::string& path)>& exists) {
  if (!flag.empty()) return {flag, "-c"};
  if (const auto named = variable("ROUNDHOUSE_CONFIG"); named && !named->empty())
    return {*named, "ROUNDHOUSE_CONFIG"};
  if (exists("roundhouse.yaml")) return {"roundhouse.yaml", "the working directory"};
  if (exists("/etc/roundhouse/roundhouse.yaml"))
    return {"/etc/roundhouse/roundhouse.yaml", "/etc/roundhouse"};
  return {"", "the default"};
}

Location locate_configuration(const std::string& flag) {
  return locate_configuration(
      flag, surroundings_of_this_process().variable,
      [](const std::string& path) { return ::access(path.c_str(), F_OK) == 0; });
}

}  // namespace roundhouse::config
