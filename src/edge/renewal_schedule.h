// When to look at the files of certificates, and when what is wrong with them is told.
//
// Pure: told the time, no clock, no file. Key and certificate are written one after the other, so a
// pair that does not match yet is looked at again, and is an error only after some seconds.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"

namespace roundhouse::edge {

class RenewalSchedule {
 public:
  // Whoever writes has been quiet for so long, or goes on and on.
  static constexpr Duration kQuiet = std::chrono::milliseconds(250);
  static constexpr Duration kQuietAtMost = std::chrono::seconds(2);
  // Between two looks: each may cost a new start of the monitor.
  static constexpr Duration kPause = std::chrono::seconds(1);
  // So long what is wrong may be on its way to be right.
  static constexpr Duration kPatience = std::chrono::seconds(5);
  // Of changes that nobody tells.
  static constexpr Duration kLookEvery = std::chrono::minutes(1);

  // The first look is due at once.
  explicit RenewalSchedule(Time now) : next_(now) {}

  // Something has changed, or may have.
  void changed(Time now);
  bool is_due(Time now) const;
  void begun();
  // It has found this wrong; "" is nothing. True: that is to be told now.
  bool ended(Time now, const std::string& wrong);

 private:
  Time next_;
  Time not_before_{};
  std::optional<Time> first_change_;  // since the last look began
  Time last_change_{};
  bool looking_ = false;
  std::string wrong_;  // at the last look
  Time wrong_since_{};
  std::string told_;
};

}  // namespace roundhouse::edge
