// Our own stdout or stderr, for the lines of programs: whole lines, and never a write that waits.
//
// What whoever reads us does not take is kept up to a limit; beyond it lines are dropped.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/standard_stream.h"
#include "net/event_loop.h"

namespace roundhouse::edge {

class OutputSink final : private IoHandler {
 public:
  static constexpr std::size_t kMaxWaiting = 256 * 1024;

  OutputSink(EventLoop& loop, int number) : loop_(loop), stream_(number) {}

  // `lines` ends in the end of a line. False: dropped.
  bool write(std::string_view lines);

 private:
  void on_ready(Ready ready) override;
  void flush();

  EventLoop& loop_;
  const StandardStream stream_;
  std::string waiting_;
  bool unread_ = false;  // whoever read us has gone
  IoWatcher watcher_;
};

}  // namespace roundhouse::edge
