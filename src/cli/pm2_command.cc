#include "cli/pm2_command.h"

#include <algorithm>

namespace roundhouse::cli {
namespace {

using config::Words;

struct Interpreter {
  std::string_view extension;
  std::string_view program;
};
constexpr Interpreter kByName[] = {
    {".js", "node"}, {".cjs", "node"}, {".mjs", "node"}, {".py", "python3"}, {".sh", "bash"},
    {".rb", "ruby"}, {".php", "php"},  {".pl", "perl"},  {".ts", "bun"},     {".tsx", "bun"}};

// A script of Node's begins with a line that names node, or without such a line; PM2 takes what it
// cannot look into for one, if it lies in the app's folder.
bool is_for_node(const std::string& script, const config::FileLookup& files) {
  const auto text = files ? files(script) : std::nullopt;
  if (!text) return !script.starts_with('/');
  if (text->starts_with("#!"))
    return text->substr(0, text->find('\n')).find("node") != std::string::npos;
  return text->find('\0') == std::string::npos;
}

}  // namespace

std::string_view extension_of(std::string_view script) {
  const std::string_view name = config::base_name(script);
  const auto dot = name.rfind('.');
  return dot == name.npos || dot == 0 ? "" : name.substr(dot);
}

Words pm2_interpreter(std::string_view given, const std::string& script,
                      const config::FileLookup& files) {
  if (given == "none") return {};
  // Those that would start another Node.
  if (config::base_name(given) == "tsx") return {"node", "--import", "tsx"};
  if (config::base_name(given) == "ts-node") return {"node", "--require", "ts-node/register"};
  if (!given.empty()) return {std::string(given)};
  if (script.ends_with('/')) return {"node"};  // its index.js
  const auto* const row = std::ranges::find(kByName, extension_of(script), &Interpreter::extension);
  if (row != std::end(kByName)) return {std::string(row->program)};
  // A name alone is looked up as a shell does, and so npm and its like are recognised.
  return script.contains('/') && is_for_node(script, files) ? Words{"node"} : Words{};
}

}  // namespace roundhouse::cli
