// What npm, npx, yarn, pnpm, bun and `sh -c` would start.
#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "base/json.h"
#include "config/program_type.h"

namespace roundhouse::config {
namespace {

using Launched = Parsed<std::optional<Words>>;

std::unexpected<std::string> refused(std::string_view launcher, const std::string& why) {
  return std::unexpected("has " + std::string(launcher) +
                         " stand between us and the program, and " + why +
                         "; expected the program itself, as in `command: node server.js`, or "
                         "`type: port`");
}

// A line that means the same without a shell: one program and its arguments, no variable, no
// pattern, no second command, nothing set before it.
bool is_plain(std::string_view line) {
  if (line.find_first_of("$`;&|<>()*?[]{}~#!\n\\") != line.npos) return false;
  const std::string_view first = line.substr(0, line.find_first_of(" \t"));
  return !first.contains('=');
}

Launched words_of(std::string_view launcher, std::string_view what, std::string_view line) {
  if (line.starts_with("exec ")) line.remove_prefix(5);
  auto words = is_plain(line) ? split_words(line) : std::unexpected(std::string());
  if (words && !words->empty()) return *std::move(words);
  return refused(launcher,
                 std::string(what) + " (`" + std::string(line.substr(0, 100)) + "`) needs a shell");
}

// The programs that need us as their parent, or have our process id for theirs.
bool names_a_known_program(std::string_view line) {
  static constexpr std::array kKnown = {"node", "nodejs", "gunicorn", "uvicorn", "puma"};
  for (std::size_t at = 0; at < line.size();) {
    const std::size_t end = std::min(line.find_first_of(" \t;&|()", at), line.size());
    if (std::ranges::find(kKnown, base_name(line.substr(at, end - at))) != kKnown.end())
      return true;
    at = end + 1;
  }
  return false;
}

Launched from_shell(const Words& command) {
  const std::string_view line = command[2];
  if (command.size() == 3 && (is_plain(line) || names_a_known_program(line)))
    return words_of(base_name(command[0]), "its line", line);
  return std::nullopt;  // a program of many parts, and nothing that we know is among them
}

class PackageScripts {
 public:
  PackageScripts(std::string_view launcher, const FileLookup& files)
      : launcher_(launcher), files_(files) {
    const auto text = files("package.json");
    const auto json = text ? parse_json(*text) : std::nullopt;
    if (json && json->is_object() && json->contains("scripts")) scripts_ = (*json)["scripts"];
  }

  bool has(const std::string& name) const {
    return scripts_.is_object() && scripts_.contains(name) && scripts_[name].is_string();
  }

  Launched run(const std::string& name, std::span<const std::string> arguments) const {
    if (!has(name) && name == "start" && launcher_ == "npm" && files_("server.js"))
      return with(Words{"node", "server.js"}, arguments);  // npm's own default
    if (!has(name)) return refused(launcher_, "package.json has no script '" + name + "'");
    for (const std::string& around : {"pre" + name, "post" + name}) {
      if (has(around)) return refused(launcher_, "package.json has a script '" + around + "' too");
    }
    auto words =
        words_of(launcher_, "the script '" + name + "'", scripts_[name].get<std::string>());
    if (!words || !*words) return words;
    (*words)->front() = program((*words)->front());
    return with(**std::move(words), arguments);
  }

  // Of node_modules/.bin, if it is there.
  std::string program(const std::string& name) const {
    const std::string installed = "node_modules/.bin/" + name;
    return !name.contains('/') && files_(installed) ? installed : name;
  }

  static Launched with(Words words, std::span<const std::string> arguments) {
    if (!arguments.empty() && arguments.front() == "--") arguments = arguments.subspan(1);
    words.insert(words.end(), arguments.begin(), arguments.end());
    return words;
  }

 private:
  std::string_view launcher_;
  const FileLookup& files_;
  Json scripts_;
};

Launched from_packages(const Words& command, const FileLookup& files) {
  const std::string_view launcher = base_name(command[0]);
  const PackageScripts scripts(launcher, files);
  std::span<const std::string> rest(command.begin() + 1, command.end());
  const auto next = [&] {
    const std::string word = rest.empty() ? "" : rest.front();
    if (!rest.empty()) rest = rest.subspan(1);
    return word;
  };
  std::string verb = launcher == "npx" ? "exec" : next();
  if (launcher == "bun" && verb != "run") return std::nullopt;
  if (verb == "run-script") verb = "run";
  std::string name = verb == "run" || verb == "exec" ? next() : verb;
  while (verb == "exec" && (name == "--" || name == "-y" || name == "--yes")) name = next();
  if (name.empty() || name.starts_with('-') || name == "dlx")
    return refused(launcher, "what it would start cannot be told");
  if (verb != "exec" && (verb == "run" || verb == "start" || scripts.has(name))) {
    if (launcher == "bun" && !scripts.has(name))
      return PackageScripts::with(Words{"bun", name}, rest);
    return scripts.run(name, rest);
  }
  if (launcher == "npm" && verb != "exec")
    return refused(launcher, "what it would start cannot be told");
  const std::string program = scripts.program(name);
  if (program == name && name != "node")
    return refused(launcher, "node_modules/.bin has no program '" + name + "'");
  return PackageScripts::with(Words{program}, rest);
}

}  // namespace

Launched launched_by(const Words& command, const FileLookup& files) {
  static constexpr std::array kShells = {"sh", "bash", "dash", "ash", "zsh"};
  static constexpr std::array kPackages = {"npm", "npx", "yarn", "pnpm", "bun"};
  const std::string_view name = base_name(command[0]);
  if (std::ranges::find(kShells, name) != kShells.end() && command.size() >= 3 &&
      command[1] == "-c")
    return from_shell(command);
  if (std::ranges::find(kPackages, name) != kPackages.end()) return from_packages(command, files);
  return std::nullopt;
}

}  // namespace roundhouse::config
