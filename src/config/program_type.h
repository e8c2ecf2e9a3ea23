// What `type: auto` makes of a command: how that program gets its connections, and how it is best
// started.
//
// Pure but for the files that are looked into through FileLookup. A launcher (npm, npx, yarn, pnpm,
// sh -c) would stand between us and the program: it takes Node's channel for itself, and has the
// process id that LISTEN_PID names. So what it would start is started instead, where that is plain.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/program_options.h"
#include "config/values.h"

namespace roundhouse::config {

using Words = std::vector<std::string>;
// The content of a file; the path is relative to the program's folder. None: there is no such file.
using FileLookup = std::function<std::optional<std::string>(const std::string& path)>;

struct ProgramChoice {
  PoolType type = PoolType::kPort;
  Words program;    // what is started, without any launcher
  Words arguments;  // behind these: what the type needs, such as `--fd 3`
  std::string why;  // "the executable is node"
};

// The error completes the sentence "COMMAND ..." and ends in what is expected instead.
Parsed<ProgramChoice> choose_program(const Words& command, const FileLookup& files);

// For a command that a launcher starts: what it would start, or none if it is no launcher's.
Parsed<std::optional<Words>> launched_by(const Words& command, const FileLookup& files);

// The last part of a path.
std::string_view base_name(std::string_view path);

}  // namespace roundhouse::config
