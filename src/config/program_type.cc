#include "config/program_type.h"

#include <algorithm>
#include <span>
#include <string_view>

namespace roundhouse::config {
namespace {

constexpr int kMaxLaunchers = 4;  // one that starts another that starts another

// Servers that take listening sockets by systemd's convention, and what makes them look for these.
struct Server {
  std::string_view name;
  std::vector<std::string_view> arguments;
  std::vector<std::string_view> unless;  // one of these is there already
};
const Server kServers[] = {
    {"gunicorn", {}, {}},
    {"uvicorn", {"--fd", "3"}, {"--fd", "--uds"}},
    {"puma", {"--bind-to-activated-sockets", "only"}, {"--bind-to-activated-sockets"}}};

// Programs that start another Node for the program, or watch over it as we do.
struct Wrapper {
  std::string_view name;
  std::string_view instead;
};
constexpr Wrapper kWrappers[] = {{"tsx", "node --import tsx"},
                                 {"ts-node", "node --require ts-node/register"},
                                 {"nodemon", "node"},
                                 {"forever", "node"}};

std::string joined_words(std::span<const std::string> words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + word;
  return line;
}

// Where in the command the program's own name stands: behind `env`, `python -m`, `bundle exec`,
// which become the program without another process.
std::size_t program_at(const Words& words) {
  std::size_t at = 0;
  if (base_name(words[0]) == "env") {
    at = 1;
    while (at < words.size() && words[at].contains('=')) ++at;
  }
  if (at >= words.size()) return 0;
  const std::string_view name = base_name(words[at]);
  const auto next = [&](std::string_view word) {
    return at + 2 < words.size() && words[at + 1] == word;
  };
  if (name.starts_with("python") && next("-m")) return at + 2;
  if (name == "bundle" && next("exec")) return at + 2;
  if ((name == "poetry" || name == "pipenv") && next("run")) return at + 2;
  return at;
}

Parsed<ProgramChoice> choose(Words program) {
  const std::size_t at = program_at(program);
  const std::string_view name = base_name(program[at]);
  const auto behind = std::span(program).subspan(at + 1);
  const auto named = [&](const auto& row) { return row.name == name; };
  if (name == "node" || name == "nodejs")
    return ProgramChoice{PoolType::kNode, program, {}, "the executable is node"};
  if (name == "pm2" || name == "pm2-runtime") {
    return std::unexpected(
        "has pm2 do what this program does; expected the program itself, as in "
        "`command: node server.js`");
  }
  const auto* wrapper = std::ranges::find_if(kWrappers, named);
  if (wrapper != std::end(kWrappers)) {
    return std::unexpected(
        "has " + std::string(name) + " start another Node for the program; expected `command: " +
        std::string(wrapper->instead) + " " + joined_words(behind) + "`, or `type: port`");
  }
  const auto* server = std::ranges::find_if(kServers, named);
  if (server == std::end(kServers))
    return ProgramChoice{PoolType::kPort, program, {}, "nothing better is known of the command"};
  ProgramChoice choice{PoolType::kListenFds, program, {}, "it is " + std::string(name)};
  const bool there = std::ranges::any_of(behind, [&](const std::string& word) {
    return std::ranges::find(server->unless, word.substr(0, word.find('='))) !=
           server->unless.end();
  });
  if (!there) choice.arguments.assign(server->arguments.begin(), server->arguments.end());
  return choice;
}

}  // namespace

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

Parsed<ProgramChoice> choose_program(const Words& command, const FileLookup& files) {
  Words program = command;
  std::string launcher;
  for (int i = 0; i < kMaxLaunchers; ++i) {
    auto launched = launched_by(program, files);
    if (!launched) return std::unexpected(std::move(launched.error()));
    if (!*launched) {
      auto choice = choose(std::move(program));
      if (choice && !launcher.empty()) choice->why += ", started without " + launcher;
      return choice;
    }
    if (launcher.empty()) launcher = base_name(program.front());
    program = **std::move(launched);
  }
  return std::unexpected("has launchers that start one another; expected the program itself");
}

}  // namespace roundhouse::config
