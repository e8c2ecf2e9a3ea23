#include "base/signal_name.h"

#include <csignal>
#include <cstring>

namespace roundhouse {

std::string signal_name(int signal) {
  if (signal == 0) return "none";
  if (const char* name = ::sigabbrev_np(signal); name != nullptr) return std::string("SIG") + name;
  if (signal >= SIGRTMIN && signal <= SIGRTMAX) {
    return "SIGRTMIN+" + std::to_string(signal - SIGRTMIN);
  }
  return "SIG" + std::to_string(signal);
}

}  // namespace roundhouse
