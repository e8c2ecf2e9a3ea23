// The names of signals, for logs, metrics and exit records.
#pragma once

#include <string>

namespace roundhouse {

// "SIGKILL", "SIGRTMIN+3"; "none" for 0; "SIG99" for a number that is no signal.
std::string signal_name(int signal);

}  // namespace roundhouse
