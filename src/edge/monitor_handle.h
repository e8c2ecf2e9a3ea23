// The edge's view of the monitor: starts it, restarts it when it dies, passes it the slots, takes
// its commands.
//
// The edge owns the monitor's listening sockets, so a scrape that comes while it is being restarted
// waits in the backlog. A command is an enum and numbers, never a path or an argument list.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/options.h"
#include "edge/respawn_policy.h"
#include "edge/spawn.h"
#include "ipc/board.h"
#include "ipc/channel.h"
#include "ipc/heritage.h"
#include "net/event_loop.h"
#include "net/listener.h"

namespace roundhouse::edge {

class MonitorHandle final : private IoHandler {
 public:
  struct Setting {
    const ipc::Board* board = nullptr;
    int output_fd = -1;
    int history_fd = -1;
    int configuration_fd = -1;
    int endpoints_fd = -1;  // -1: there are no upstreams
    int tls_fd = -1;        // certificates; -1: nobody speaks TLS
    const Identity* identity = nullptr;
    std::optional<ListeningSocket> tcp;
    std::optional<ListeningSocket> control;
  };

  // `on_command` is told everything but its header. False: there is no such thing, so the monitor
  // is started anew.
  using OnCommand = std::function<bool(const ipc::CommandMessage&)>;
  MonitorHandle(EventLoop& loop, Setting setting, OnCommand on_command);
  ~MonitorHandle();

  void start();
  void add_slot(std::size_t row, int fd);  // borrowed
  // Another configuration is in force: the monitor is started anew with it, and `between` called
  // when no monitor runs. Borrowed.
  void configure(int configuration_fd, int endpoints_fd, int tls_fd, std::function<void()> between);
  void tick(Time now);
  // True if the process was the monitor.
  bool reaped(pid_t pid, int wait_status, Time now);
  void stop();

 private:
  void on_ready(Ready ready) override;
  Result<void> spawn_process();
  void send_slots();

  EventLoop& loop_;
  Setting setting_;
  OnCommand on_command_;
  RespawnPolicy respawn_;
  ipc::Channel channel_;
  IoWatcher watcher_;
  pid_t pid_ = 0;
  std::optional<Time> next_start_;
  bool stopping_ = false;
  std::function<void()> between_;  // it ends because it is configured anew
  std::vector<std::pair<std::size_t, int>> slots_;
  std::size_t slots_sent_ = 0;
  ipc::Message message_;
};

}  // namespace roundhouse::edge
