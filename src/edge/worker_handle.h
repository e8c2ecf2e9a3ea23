// The edge's view of one worker place: the process that fills it now, its channel, its slot.
//
// The slot stays while processes come and go; channel and pid are the running process's. Implements
// HandoffPort over the real channel. Messages from the worker go to the Listener.
#pragma once

#include <sys/types.h>

#include "edge/dispatcher.h"
#include "ipc/channel.h"
#include "ipc/shared_memory.h"
#include "ipc/slot.h"
#include "net/event_loop.h"

namespace roundhouse::edge {

class WorkerHandle final : public HandoffPort, private IoHandler {
 public:
  class Listener {
   public:
    virtual void on_ready_notice(std::size_t place) = 0;
    virtual void on_draining_notice(std::size_t place) = 0;
    virtual void on_room_notice(std::size_t place) = 0;
    virtual void on_breach(std::size_t place) = 0;

   protected:
    ~Listener() = default;
  };

  static Result<std::unique_ptr<WorkerHandle>> create(EventLoop& loop, std::size_t place,
                                                      Listener& listener);

  // A fresh channel and zeroed gauges for the next process. Returns the worker's end; the handle
  // keeps a duplicate of it.
  Result<int> open_channel(Time now);
  void started(pid_t pid) { pid_ = pid; }
  // The process is dead and what it had not taken was received back.
  void close_channel();

  pid_t pid() const { return pid_; }
  ipc::Slot& slot() const { return *slot_; }
  int slot_fd() const { return slot_.fd(); }
  void ask_to_drain(Time deadline);
  // To the process group that it leads. False: there is no such process any more.
  bool signal(int number) const;
  Time heartbeat() const;
  std::uint64_t requests_since_start() const;

  ipc::Sent send(std::uint64_t sequence, std::span<const Connection> batch) override;
  ipc::Sent nudge(std::uint64_t sequence) override;
  std::uint64_t take_back(std::vector<Connection>& out) override;
  std::uint64_t taken() const override { return slot_->taken.load(); }
  std::uint64_t connections_active() const override {
    return slot_->connections_active.load(std::memory_order_relaxed);
  }
  void want_room() override;

 private:
  WorkerHandle(EventLoop& loop, std::size_t place, Listener& listener, ipc::Shared<ipc::Slot> slot);
  void on_ready(Ready ready) override;
  void resend_kept();

  EventLoop& loop_;
  const std::size_t place_;
  Listener& listener_;
  ipc::Shared<ipc::Slot> slot_;
  ipc::Channel channel_;
  ipc::Channel workers_end_;  // duplicate: what it has not read can be received here
  IoWatcher watcher_;
  pid_t pid_ = 0;
  std::uint64_t requests_at_start_ = 0;
  std::vector<std::vector<std::byte>> kept_;  // messages without connections met while taking back
  ipc::Message message_;
};

}  // namespace roundhouse::edge
