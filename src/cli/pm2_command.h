// What PM2 runs a script with.
#pragma once

#include <string>
#include <string_view>

#include "config/program_type.h"

namespace roundhouse::cli {

// The interpreter and its first arguments, none for a program that runs by itself. `given`: PM2's
// `interpreter`, empty where there is none; then the script's name decides, and for one without an
// extension its first bytes, read by `files`, which begins in the app's folder.
config::Words pm2_interpreter(std::string_view given, const std::string& script,
                              const config::FileLookup& files);

// ".js"; empty if it has none.
std::string_view extension_of(std::string_view script);

}  // namespace roundhouse::cli
