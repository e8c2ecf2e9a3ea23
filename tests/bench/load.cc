// The load client of the bench: many concurrent clients against one port, every failure by its
// kind. See load/options.cc for its flags.
#include "bench/load/load.h"

#include <atomic>
#include <csignal>
#include <cstdio>

namespace {

std::atomic<bool> stop = false;

}  // namespace

int main(int argc, char** argv) {
  using namespace roundhouse::bench;
  std::string why;
  const auto options = parse_options(argc, argv, why);
  if (!options) {
    std::fprintf(stderr, "bench_load: %s\n%s", why.c_str(), kUsage);
    return 64;
  }
  std::signal(SIGTERM, [](int) { stop = true; });
  std::signal(SIGINT, [](int) { stop = true; });
  const Report report = run_load(*options, stop);
  std::fputs(report.to_json(roundhouse::Clock::now()).c_str(), stdout);
  return 0;
}
