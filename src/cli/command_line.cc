#include "cli/command_line.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <optional>

#include "config/option_table.h"
#include "config/suggestion.h"
#include "config/values.h"

namespace roundhouse::cli {
namespace {

struct Row {
  Command command;
  std::string_view name;
  std::string_view arguments;
  std::string_view help;  // empty: not shown
};

constexpr std::array kCommands = {
    Row{Command::kRun, "run", "[-c FILE] [FLAGS] [-- PROGRAM ARGS...]",
        "serve, what the file says or this program"},
    Row{Command::kProxy, "proxy", "--to URL... [-p PORT] [-n WORKERS] [FLAGS]",
        "a reverse proxy to these servers"},
    Row{Command::kCheck, "check", "[AS run]", "say all that is wrong with a configuration"},
    Row{Command::kExplain, "explain", "[AS run]", "print what is in effect, and where from"},
    Row{Command::kDiff, "diff", "[--json] [--socket PATH] [AS run]",
        "what a reload with it would do"},
    Row{Command::kStatus, "status", "[--json] [--socket PATH] [POOL/ID]",
        "the workers of the running instance"},
    Row{Command::kTop, "top", "[--socket PATH]", "the same, live; keys sort and restart"},
    Row{Command::kLogs, "logs", "[-f] [--socket PATH] [POOL[/ID]]",
        "what programs print; -f: and go on"},
    Row{Command::kHealth, "health", "[--socket PATH]", "exit 0 if every pool has a ready worker"},
    Row{Command::kStop, "stop", "[--socket PATH]", "drain and stop the running instance"},
    Row{Command::kReload, "reload", "[--no-wait] [--socket PATH]",
        "put the file in force, dropping nothing"},
    Row{Command::kRestart, "restart", "[--no-wait] [--socket PATH] [POOL[/ID]]",
        "replace workers one by one (pm2's reload)"},
    Row{Command::kScale, "scale", "[--no-wait] [--socket PATH] POOL WORKERS",
        "more or fewer workers"},
    Row{Command::kImport, "import", "pm2 FILE [--env NAME]",
        "a configuration from PM2's ecosystem file"},
    Row{Command::kVersion, "version", "", "print the version"},
    Row{Command::kGenerate, "generate",
        "config-schema|config-reference|metrics-reference|failures-reference", ""}};

constexpr std::string_view kHelpEnd =
    "\n"
    "  -c FILE              else $ROUNDHOUSE_CONFIG, ./roundhouse.yaml, "
    "/etc/roundhouse/roundhouse.yaml,\n"
    "                       else hello workers, one per CPU, on port 8000\n"
    "  -p PORT              instead of the port of the only listener\n"
    "  -n WORKERS           instead of the workers of the only pool; a number or auto\n"
    "  --policy POLICY      how connections are given out: rr, none, least, sticky, rr_kernel\n"
    "  --access-log FORMAT  a line for each request: json, logfmt, combined or off; to standard\n"
    "                       output, unless the file says where\n"
    "  --type TYPE          how PROGRAM gets them: auto, node, listen_fds, port, native\n"
    "  -- PROGRAM ...       instead of a file: this program as the only pool, as in\n"
    "                       roundhouse run -p 8000 -n 4 -- node server.js\n"
    "\n"
    "Exit codes: 0, 64 usage, 78 configuration, 71 system, 1 otherwise.\n";

bool takes_program(Command command) {
  return command == Command::kRun || command == Command::kCheck || command == Command::kExplain ||
         command == Command::kDiff;
}

const Row& row_of(Command command) { return *std::ranges::find(kCommands, command, &Row::command); }

Outcome help() {
  std::string text =
      "roundhouse: every core behind one port\n\nusage: roundhouse [COMMAND] [FLAGS]\n\n";
  for (const Row& row : kCommands) {
    if (row.help.empty()) continue;
    std::string line = "  " + std::string(row.name) + " " + std::string(row.arguments);
    line.resize(std::max<std::size_t>(line.size() + 1, 58), ' ');
    text += line + std::string(row.help) + "\n";
  }
  return {ExitCode::kOk, text + std::string(kHelpEnd), ""};
}

Outcome misuse(Command command, std::string_view what) {
  return {ExitCode::kUsage, "",
          "roundhouse: " + std::string(what) + "\nusage: " + usage(command) + "\n"};
}

// Flags as they were written, before they are checked.
struct Words {
  CommandLine line;
  std::optional<std::string> port;
  std::optional<std::string> workers;
  std::optional<std::string> policy;
  std::optional<std::string> access_log;
  std::optional<std::string> type;
  std::vector<std::string> to;
  bool version = false;
};

void add_overrides(CLI::App& app, Words& words) {
  app.add_option("-p,--port", words.port);
  app.add_option("-n,--workers", words.workers);
  app.add_option("--policy", words.policy);
  app.add_option("--access-log", words.access_log);
}

void add_run_options(CLI::App& app, Words& words) {
  app.add_option("-c,--config", words.line.file);
  app.add_option("--type", words.type);
  add_overrides(app, words);
}

void add_options(CLI::App& app, Command command, Words& words) {
  switch (command) {
    case Command::kRun:
    case Command::kCheck:  // what run would do with the same flags
    case Command::kExplain:
      return add_run_options(app, words);
    case Command::kDiff:
      app.add_flag("--json", words.line.json);
      app.add_option("--socket", words.line.socket);
      return add_run_options(app, words);
    case Command::kProxy:
      app.add_option("--to", words.to)->required()->take_all();
      return add_overrides(app, words);
    case Command::kStatus:
      app.add_flag("--json", words.line.json);
      app.add_option("--socket", words.line.socket);
      app.add_option("subject", words.line.subject);
      return;
    case Command::kLogs:
      app.add_flag("-f,--follow", words.line.follow);
      app.add_option("--socket", words.line.socket);
      app.add_option("subject", words.line.subject);
      return;
    case Command::kTop:
    case Command::kHealth:
    case Command::kStop:
      app.add_option("--socket", words.line.socket);
      return;
    case Command::kReload:
    case Command::kRestart:
    case Command::kScale:
      app.add_option("--socket", words.line.socket);
      app.add_flag("--no-wait", words.line.no_wait);
      // Not empty: that would be all, where a script's variable is unset.
      if (command == Command::kRestart)
        app.add_option("subject", words.line.subject)->check([](const std::string& subject) {
          return std::string(subject.empty() ? "the pool's name is empty" : "");
        });
      if (command != Command::kScale) return;
      app.add_option("subject", words.line.subject)->required();
      app.add_option("workers", words.line.count)->required();
      return;
    case Command::kImport:
      app.add_option("subject", words.line.subject)->required();
      app.add_option("file", words.line.file)->required();
      app.add_option("--env", words.line.environment);
      return;
    case Command::kVersion:
      return;
    case Command::kGenerate:
      app.add_option("subject", words.line.subject)->required();
      return;
  }
}

// The word that stands where a command should, if it is none.
std::string unknown_command(int count, const char* const* arguments) {
  if (count < 2 || arguments[1][0] == '-') return "";
  const std::string_view word = arguments[1];
  std::vector<std::string_view> names;
  names.reserve(kCommands.size());
  for (const Row& row : kCommands) names.push_back(row.name);
  if (word == "help" || std::ranges::find(names, word) != names.end()) return "";
  const std::string what = "there is no command '" + std::string(word) + "'; ";
  const std::string_view near = config::nearest(word, names);
  // Nobody shall stop what runs by following a hint.
  if (!near.empty() && near != "stop") return what + "did you mean '" + std::string(near) + "'?";
  std::string known;
  for (const Row& row : kCommands)
    if (!row.help.empty()) known += (known.empty() ? "" : ", ") + std::string(row.name);
  return what + "expected one of " + known;
}

// Digits and dots were meant to be an address.
bool is_numeric(std::string_view host_and_port) {
  return host_and_port.find_first_not_of("0123456789.:") == host_and_port.npos;
}

constexpr std::string_view kTcpScheme = "tcp://";

// "http://HOST:PORT/", "tcp://HOST:PORT" or what may stand in `servers`; or a name in place of the
// host, which stands alone. The error is what is wrong.
std::expected<void, std::string> add_target(const std::string& text, config::Overrides& overrides) {
  constexpr std::string_view kScheme = "http://";
  std::string_view rest = text;
  if (rest.starts_with(kTcpScheme)) rest.remove_prefix(kTcpScheme.size());
  if (rest.starts_with("https://"))
    return std::unexpected("--to: '" + text + "' is not served in plain text; expected http://");
  if (rest.starts_with(kScheme)) {
    rest.remove_prefix(kScheme.size());
    if (rest.ends_with('/')) rest.remove_suffix(1);
    if (!rest.contains('/') && !rest.substr(rest.rfind(']') + 1).contains(':') && !rest.empty())
      return add_target(std::string(rest) + ":80", overrides);
  }
  const config::Option* option = config::find_option(config::Section::kUpstream, "servers");
  const config::Items items = {std::string(rest)};
  config::Upstream upstream;
  const auto refusals = option->assign(*option, items, &upstream);
  if (refusals.empty()) {
    overrides.to.push_back(std::move(upstream.servers.front()));
  } else if (config::is_name_and_port(rest) && !is_numeric(rest)) {
    if (!overrides.to_name.empty())
      return std::unexpected("--to: '" + text + "' is a second name; expected one, or addresses");
    overrides.to_name = rest;
  } else {
    return std::unexpected("--to: '" + text + "' " + refusals.front().what +
                           "; expected http://HOST:PORT, tcp://HOST:PORT or unix:/path");
  }
  return {};
}

// The error is what is wrong.
std::expected<void, std::string> check_overrides(Words& words) {
  config::Overrides& overrides = words.line.overrides;
  if (words.port) {
    const auto port = config::parse_count(*words.port);
    if (!port || *port < 0 || *port > 65535) {
      return std::unexpected("-p: '" + *words.port +
                             "' is not a port; expected a number from 0 to 65535");
    }
    overrides.port = static_cast<std::uint16_t>(*port);
  }
  if (words.workers) {
    const config::Option* option = config::find_option(config::Section::kPool, "workers");
    const config::Items items = {*words.workers};
    config::Pool pool;
    if (const auto refusals = option->assign(*option, items, &pool); !refusals.empty()) {
      return std::unexpected(
          "-n: " + config::describe_refusal(*option, *words.workers, refusals.front().what));
    }
    overrides.workers = pool.workers;
  }
  const auto tcp = std::ranges::count_if(
      words.to, [](const std::string& to) { return to.starts_with(kTcpScheme); });
  if (tcp != 0 && tcp != std::ssize(words.to))
    return std::unexpected("--to: some are tcp:// and some are not; expected one kind");
  overrides.protocol = tcp != 0 ? config::Protocol::kTcp : config::Protocol::kHttp;
  for (const std::string& to : words.to) {
    if (auto added = add_target(to, overrides); !added)
      return std::unexpected(std::move(added.error()));
  }
  if (words.policy) {
    const auto policy = config::parse_policy(*words.policy);
    if (!policy) return std::unexpected("--policy: " + policy.error());
    overrides.policy = *policy;
  }
  if (words.access_log) {
    const auto format = config::parse_access_format(*words.access_log);
    if (!format) return std::unexpected("--access-log: " + format.error());
    overrides.access_log = *format;
  }
  if (words.type) {
    const auto type = config::parse_program_type(*words.type);
    if (!type) return std::unexpected("--type: " + type.error());
    overrides.type = *type;
    if (overrides.command.empty())
      return std::unexpected("--type: is for a program behind `--`; in a file it is `type`");
  }
  if (words.line.command == Command::kImport && words.line.subject != "pm2")
    return std::unexpected("cannot import from '" + words.line.subject + "'; expected pm2");
  if (!overrides.command.empty() && !words.line.file.empty())
    return std::unexpected("-c: there is a program behind `--`; expected one of the two");
  return {};
}

}  // namespace

std::string usage(Command command) {
  const Row& row = row_of(command);
  return "roundhouse " + std::string(row.name) + (row.arguments.empty() ? "" : " ") +
         std::string(row.arguments);
}

std::expected<CommandLine, Outcome> parse_command_line(int count, const char* const* arguments) {
  const char* const* const end = arguments + count;
  const char* const* const dashes = std::find(arguments, end, std::string_view("--"));
  const bool has_dashes = dashes != end;
  count = static_cast<int>(dashes - arguments);
  if (const std::string what = unknown_command(count, arguments); !what.empty()) {
    return std::unexpected(Outcome{
        ExitCode::kUsage, "",
        "roundhouse: " + what + "\nusage: roundhouse [COMMAND] [FLAGS]; see roundhouse --help\n"});
  }
  Words words;
  if (has_dashes) words.line.overrides.command.assign(dashes + 1, end);
  CLI::App app;
  add_run_options(app, words);
  app.add_flag("--version", words.version);
  app.require_subcommand(0, 1);
  for (const Row& row : kCommands) {
    CLI::App* command = app.add_subcommand(std::string(row.name));
    add_options(*command, row.command, words);
    command->callback([&words, &row] { words.line.command = row.command; });
  }
  const auto command_now = [&] {  // also after a failure, when no callback was made
    for (const Row& row : kCommands) {
      if (app.got_subcommand(std::string(row.name))) return row.command;
    }
    return Command::kRun;
  };
  try {
    if (count == 2 && std::string_view(arguments[1]) == "help") return std::unexpected(help());
    app.parse(count, arguments);
  } catch (const CLI::CallForHelp&) {
    return std::unexpected(help());
  } catch (const CLI::ExtrasError&) {
    std::string extras;
    for (const std::string& word : app.remaining(true)) extras += " " + word;
    return std::unexpected(misuse(command_now(), "not expected here:" + extras));
  } catch (const CLI::ArgumentMismatch& error) {  // "--port: 1 required TEXT missing", or several
    const std::string what = error.what();
    const bool twice = what.find("At Most") != what.npos;
    return std::unexpected(misuse(
        command_now(),
        what.substr(0, what.find(':')) + (twice ? " is given more than once" : " needs a value")));
  } catch (const CLI::ParseError& error) {
    return std::unexpected(misuse(command_now(), error.what()));
  }
  if (has_dashes && words.line.overrides.command.empty())
    return std::unexpected(misuse(command_now(), "there is no program behind `--`"));
  if (has_dashes && !takes_program(command_now()))
    return std::unexpected(misuse(command_now(), "not expected here: --"));
  if (words.version || words.line.command == Command::kVersion) {
    return std::unexpected(Outcome{ExitCode::kOk, "roundhouse " ROUNDHOUSE_VERSION "\n", ""});
  }
  if (const auto checked = check_overrides(words); !checked) {
    return std::unexpected(misuse(command_now(), checked.error()));
  }
  return std::move(words.line);
}

}  // namespace roundhouse::cli
