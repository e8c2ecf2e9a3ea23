// What happened in a run: the first violation of a rule, and, when asked for, every event.
#pragma once

#include <cstdio>
#include <optional>
#include <sstream>
#include <string>

#include "simulation/timeline.h"

namespace roundhouse::simulation {

class Record {
 public:
  Record(const Timeline& timeline, bool tracing) : timeline_(timeline), tracing_(tracing) {}

  template <typename... Parts>
  void note(const Parts&... parts) {
    if (tracing_) std::printf("%s\n", line(parts...).c_str());
  }
  // A rule does not hold. Only the first is kept: what follows from it explains nothing.
  template <typename... Parts>
  void violated(const Parts&... parts) {
    if (violation_) return;
    violation_ = line(parts...);
    note("VIOLATED: ", parts...);
  }
  template <typename... Parts>
  void check(bool holds, const Parts&... parts) {
    if (!holds) violated(parts...);
  }
  const std::optional<std::string>& violation() const { return violation_; }

 private:
  template <typename... Parts>
  std::string line(const Parts&... parts) const {
    std::ostringstream text;
    text.setf(std::ios::fixed);
    text.precision(6);
    text << seconds(timeline_.now().time_since_epoch()) - 1000 << "  ";
    (text << ... << parts);
    return text.str();
  }

  const Timeline& timeline_;
  const bool tracing_;
  std::optional<std::string> violation_;
};

}  // namespace roundhouse::simulation
