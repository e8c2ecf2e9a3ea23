#include "edge/node_hints.h"

namespace roundhouse::edge {

std::string_view node_hint(std::string_view last_stderr) {
  const auto says = [&](std::string_view text) { return last_stderr.find(text) != text.npos; };
  if (says("cluster.fork is not a function") ||
      (says("cluster.setup") && says("is not a function")))
    return "it forks a cluster of its own: the edge is the primary, so start the program that the "
           "workers run, or fork only where cluster.isPrimary";
  if (says("JavaScript heap out of memory"))
    return "its heap is full: raise --max-old-space-size, or replace it earlier by recycle.memory";
  return {};
}

}  // namespace roundhouse::edge
