// The words after `roundhouse`: one table of commands, read by CLI11 into a plain struct.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/error.h"
#include "config/loader.h"

namespace roundhouse::cli {

enum class Command : std::uint8_t {
  kRun,
  kProxy,
  kCheck,
  kExplain,
  kDiff,
  kStatus,
  kTop,
  kLogs,
  kHealth,
  kStop,
  kReload,
  kRestart,
  kScale,
  kImport,
  kVersion,
  kGenerate
};

struct CommandLine {
  Command command = Command::kRun;
  std::string file;  // -c; empty: to be located, but for proxy, which has none. import: FILE
  config::Overrides overrides;  // of run and proxy
  std::string socket;           // --socket; empty: to be found
  bool json = false;
  bool follow = false;  // logs: go on
  // status, restart: POOL[/ID], or empty; scale: POOL; generate: what; import: from what
  std::string subject;
  std::string count;        // scale: how many workers
  bool no_wait = false;     // reload, restart, scale: do not wait for the end
  std::string environment;  // import: --env
};

// What a command says and how it ends.
struct Outcome {
  ExitCode code = ExitCode::kOk;
  std::string out;  // for standard output
  std::string err;  // for standard error

  static Outcome of(const Error& error) { return {error.code, "", error.message + "\n"}; }
};

// No command is `run`. What stands behind `--` is the program of `run -- PROGRAM`, untouched. The
// unexpected: help and --version (kOk), or what is wrong with the words and the usage line
// (kUsage). `arguments` as main has them.
std::expected<CommandLine, Outcome> parse_command_line(int count, const char* const* arguments);

// "roundhouse run [-c FILE] ...".
std::string usage(Command command);

}  // namespace roundhouse::cli
