#include "edge/pool_setting.h"

#include <cstdlib>
#include <filesystem>
#include <utility>

namespace roundhouse::edge {
namespace {

// A path is relative to the directory in which the program will run; a mere name is looked up.
std::string placed(const std::string& command, const std::string& cwd) {
  if (cwd.empty() || command.find('/') == command.npos) return command;
  return (std::filesystem::absolute(cwd) / command).string();
}

bool ask_alike(const PoolGeneration& one, const PoolGeneration& other) {
  return one.options->listen == other.options->listen &&
         one.options->policy == other.options->policy &&
         one.setting.identity == other.setting.identity &&
         one.setting.served == other.setting.served;
}

}  // namespace

Result<std::shared_ptr<PoolGeneration>> PoolGeneration::create(std::uint32_t number,
                                                               const config::Pool& options,
                                                               PoolSetting setting, Time now,
                                                               const PoolGeneration* before) {
  auto generation = std::make_shared<PoolGeneration>();
  generation->number = number;
  generation->options = std::make_shared<const config::Pool>(options);
  generation->setting = std::move(setting);
  if (options.command.empty()) {
    generation->executable = "/proc/self/exe";
  } else {
    const char* path = std::getenv("PATH");
    generation->executable = TRY(find_executable(placed(options.command.front(), options.cwd),
                                                 path == nullptr ? "/usr/bin:/bin" : path));
  }
  if (generation->setting.limits)
    generation->limits =
        std::make_shared<ipc::Limits>(TRY(ipc::Limits::create(*generation->setting.limits, now)));
  if (options.type != config::PoolType::kNode) return generation;
  // What workers have bound in common stays theirs, unless it is to be another.
  if (before != nullptr && before->node_listens != nullptr && ask_alike(*before, *generation))
    generation->node_listens = before->node_listens;
  else
    generation->node_listens = std::make_shared<NodeListens>(
        generation->options, generation->setting.served, generation->setting.identity);
  return generation;
}

}  // namespace roundhouse::edge
