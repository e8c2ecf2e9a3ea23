// A worker that speaks the native protocol: channel and slot (docs/native-protocol.md).
#pragma once

#include <memory>
#include <vector>

#include "edge/worker_handle.h"
#include "ipc/channel.h"
#include "net/event_loop.h"

namespace roundhouse::edge {

// Implements HandoffPort over the channel. Messages from the worker go to the Listener. Others add
// to it what their workers are given besides.
class NativeHandle : public WorkerHandle, private IoHandler {
 public:
  NativeHandle(EventLoop& loop, std::size_t place, Listener& listener, ipc::Shared<ipc::Slot> slot);

  Result<Inheritance> prepare(ipc::Bequest bequest, Time now) override;
  void died() override;
  void ended() override;
  void ask_to_drain(const ipc::DrainTerms& terms) override;
  void hear_again() override;
  bool give(ipc::MessageType what, int fd, std::uint64_t number) override;
  std::optional<Time> heartbeat() const override;
  std::uint64_t requests_since_start() const override;

  ipc::Sent send(std::uint64_t sequence, std::span<Connection> batch) override;
  ipc::Sent nudge(std::uint64_t sequence) override;
  std::uint64_t take_back(std::vector<Connection>& out) override;
  std::uint64_t taken() const override { return slot().taken.load(); }
  std::uint64_t connections_active() const override {
    return slot().connections_active.load(std::memory_order_relaxed);
  }
  void want_room() override;

 private:
  struct Kept {
    std::vector<std::byte> bytes;
    std::vector<UniqueFd> descriptors;
  };

  void on_ready(Ready ready) override;
  bool has_room_for_returned();
  bool obey_message();  // false: it breaks the protocol
  bool take_returned();
  bool take_tls_answer();
  void resend_kept();

  EventLoop& loop_;
  ipc::Channel channel_;
  ipc::Channel workers_end_;  // duplicate: what it has not read can be received here
  IoWatcher watcher_;
  std::uint64_t requests_at_start_ = 0;
  std::uint64_t may_return_ = 0;    // as DrainTerms::give_back
  std::uint64_t certificates_ = 0;  // number of the last that were given
  std::vector<Kept> kept_;          // messages without connections met while taking back
  ipc::Message message_;
};

}  // namespace roundhouse::edge
