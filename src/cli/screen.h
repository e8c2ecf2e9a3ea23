// A terminal that shows whole screens: its own page, no echo, keys as they come.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/unique_fd.h"
#include "cli/top_view.h"

namespace roundhouse::cli {

// Takes the terminal and some signals of this process; there is one at a time. The terminal is
// given back when it goes, when a signal ends the process, and while the process is stopped.
class Screen {
 public:
  // Error, with kUsage: there is no terminal, or one that cannot show it.
  static Result<void> check();
  // REQUIRES: check().
  static Result<Screen> create();
  Screen(Screen&&) = default;
  Screen& operator=(Screen&&) = delete;
  ~Screen();

  TopView::Size size() const;
  void show(const TopView::Frame& frame) const;

  struct Event {
    std::string keys;      // as TopView has them
    bool ends = false;     // a signal asks for the end, or the terminal has gone
    bool changed = false;  // the size, or it was another's meanwhile
  };
  // Of the next thing that happens, or none at the deadline.
  Event wait(Time deadline);

 private:
  explicit Screen(UniqueFd signals) : signals_(std::move(signals)) {}
  void take_signal(Event& event) const;

  UniqueFd signals_;
};

}  // namespace roundhouse::cli
