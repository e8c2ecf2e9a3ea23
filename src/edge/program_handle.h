// A worker that knows nothing of us: a program with listening sockets by systemd's convention
// (listen_fds), or with an address of ours to listen on (port). See docs/programs.md.
//
// It is given no connections by the edge, and tells nothing in its slot. That it is ready is seen
// from outside, or said by the monitor, which alone speaks HTTP with it; to drain, its endpoint
// first gets no more requests, and once those in flight are done, or half of its time is over, it
// gets its stop signal.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/address.h"
#include "config/options.h"
#include "edge/endpoint_drain.h"
#include "edge/worker_handle.h"
#include "ipc/board.h"
#include "net/event_loop.h"

namespace roundhouse::edge {

class ProgramHandle final : public WorkerHandle, private IoHandler {
 public:
  struct Setting {
    const config::Pool& options;     // must outlive this, as is:
    const ipc::BoardHeader& header;  // of the board
    ipc::WorkerRow& row;             // its own
    std::uint32_t id = 0;            // of the worker
    std::string folder;              // of the pool's private sockets
    bool proxied = false;            // it is an endpoint of an upstream
    std::string socket_names;        // of the listeners' sockets, for LISTEN_FDNAMES
    std::function<std::uint32_t()> requests_in_flight;  // at it, by the proxies
    Time& next_search;  // of its pool: for ports that a worker was not given
  };

  ProgramHandle(EventLoop& loop, std::size_t place, Listener& listener, ipc::Shared<ipc::Slot> slot,
                Setting setting);

  Result<Inheritance> prepare(ipc::Bequest bequest, Time now) override;
  void ended() override;
  void ask_to_drain(const ipc::DrainTerms& terms) override;
  std::optional<Time> heartbeat() const override { return std::nullopt; }
  std::uint64_t requests_since_start() const override { return 0; }
  void answered_probe() override;

  // No connection comes to it by way of the edge.
  ipc::Sent send(std::uint64_t, std::span<Connection>) override { return ipc::Sent::kFull; }
  ipc::Sent nudge(std::uint64_t) override { return ipc::Sent::kFull; }
  std::uint64_t take_back(std::vector<Connection>&) override { return 0; }
  std::uint64_t taken() const override { return 0; }
  std::uint64_t connections_active() const override { return 0; }
  void want_room() override {}

 private:
  enum class Stage : std::uint8_t { kNone, kStarting, kReady, kLeaving };

  Result<void> give_sockets(const std::vector<ipc::InheritedListener>& sockets, Inheritance& given);
  Result<void> give_address(Inheritance& given);
  Result<void> listen_for_notices(Inheritance& given);
  std::string path(const char* suffix) const;
  // It makes its socket itself.
  bool is_on_its_own() const { return setting_.options.type == config::PoolType::kPort; }
  bool is_unix() const { return setting_.options.socket == config::PrivateSocket::kUnix; }

  void on_ready(Ready ready) override;  // a notice
  void look();
  bool seems_ready(Time now);
  bool connects();
  void tell_of_other_ports(Time now);
  void accepts();
  void let_proxies_in();
  void become_ready();

  EventLoop& loop_;
  Setting setting_;
  Stage stage_ = Stage::kNone;
  UniqueFd private_socket_;  // of listen_fds: stays open while processes come and go
  UniqueFd notices_;
  UniqueFd attempt_;
  IoWatcher watcher_;
  Timer timer_;
  EndpointDrain drain_;
  Time started_{};
  Time search_at_{};  // for other ports that it listens on
};

}  // namespace roundhouse::edge
