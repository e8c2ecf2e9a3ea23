// The access log of one worker: one line for each request, on its way to where all workers write.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "config/access_log_options.h"
#include "ipc/slot.h"
#include "net/buffer.h"
#include "net/event_loop.h"
#include "proxy/access_format.h"
#include "proxy/access_record.h"
#include "proxy/line_sink.h"

namespace roundhouse::proxy {

// Lines are gathered in one buffer and written at the end of the loop's turn, or when it is full.
// What cannot be written waits there and is tried again at the end of each turn (a slow reader) or
// every kRetry (a full disk); meanwhile, once the buffer is full, new lines are dropped, counted in
// the slot, and told of in the event log once a second. A request never waits for its line.
class AccessLog {
 public:
  struct Parts {
    EventLoop& loop;
    ipc::Slot& slot;
    const config::AccessLog& options;  // format not kOff
    std::string_view pool;
    std::uint32_t worker;
    UniqueFd fd;
  };
  explicit AccessLog(Parts parts);
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;
  // Writes what can still be written. The loop must not run on in the turn of the last add().
  ~AccessLog();

  bool wants(config::AccessField field) const { return formatter_.wants(field); }
  // Of those that did not fail only one in `sample` is written.
  void add(const AccessRecord& record);
  // From now on to another file. What the old one did not take goes there too, but for a line it
  // has begun.
  void replace(UniqueFd fd);
  void flush();

  static constexpr std::size_t kGathered = 64 * std::size_t{1024};
  static constexpr Duration kRetry = std::chrono::milliseconds(100);

 private:
  bool is_left_out(const AccessRecord& record);
  bool has_room() const { return buffer_.room_size() >= AccessFormatter::kLineMax; }
  void drop(std::uint64_t lines);
  void on_retry();
  void tell();

  EventLoop& loop_;
  ipc::Slot& slot_;
  const std::uint32_t sample_;
  const AccessFormatter formatter_;
  LineSink sink_;
  Buffer buffer_{kGathered + AccessFormatter::kLineMax};
  Timer retry_;
  AccessTime time_;
  Time time_of_{};  // the turn that time_ was made for
  Time told_{};
  std::uint64_t untold_ = 0;  // lines dropped since then
  std::uint32_t skipped_ = 0;
  int why_ = 0;           // the last write failed with this
  bool due_ = false;      // at the end of the turn
  bool failing_ = false;  // until the next retry
  bool torn_ = false;     // the buffer begins in the middle of a line
};

}  // namespace roundhouse::proxy
