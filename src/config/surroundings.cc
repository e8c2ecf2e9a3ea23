// What a configuration takes from this machine.
#include <pwd.h>

#include <cstdlib>
#include <utility>

#include "base/file.h"
#include "config/cpu_count.h"
#include "config/document.h"
#include "config/loader.h"

namespace roundhouse::config {

Surroundings surroundings_of_this_process() {
  Surroundings surroundings;
  surroundings.variable = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  surroundings.file = [](const std::string& path) -> std::optional<std::string> {
    auto content = read_file(path, kMaxDocumentBytes);
    return content ? std::optional(*std::move(content)) : std::nullopt;
  };
  surroundings.cpus = cpu_count();
  if (getpwnam("roundhouse") != nullptr) surroundings.user = "roundhouse";
  return surroundings;
}

}  // namespace roundhouse::config
