// What operators ask for while the program runs: another configuration, workers restarted, more or
// fewer of them. One thing at a time; the ring on the board tells what became of each.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "edge/configuration_loader.h"
#include "edge/fleet.h"
#include "ipc/messages.h"
#include "ipc/operation.h"
#include "net/event_loop.h"

namespace roundhouse::edge {

class Operations {
 public:
  struct Parts {
    EventLoop& loop;
    Fleet& fleet;                        // outlives this
    std::vector<std::string> arguments;  // that this program was started with
    // What of a configuration depends on this process: keys, what it may.
    std::function<void(config::Configuration&)> settle;
    std::function<void()> put_in_force;  // the fleet has another configuration
  };
  explicit Operations(Parts parts);

  // False: that is no such command.
  bool obey(const ipc::CommandMessage& command);
  // A signal: one that comes while a reload runs is obeyed after it.
  void reload_by_signal();

  // A rollout of the fleet has moved.
  void moved();
  void tick();
  // A configuration is read, or on its way to be in force.
  bool reloads() const { return running_ && running_->kind == ipc::OperationKind::kReload; }
  // True if the process was one of this.
  bool reaped(pid_t pid);
  // The program stops: what runs is taken back.
  void stop();

 private:
  void begin(std::uint64_t ticket, ipc::OperationKind kind, const std::string& what);
  void tell_progress();
  void end(ipc::OperationState state, const std::string& text);
  void refuse(std::uint64_t ticket, ipc::OperationKind kind, const std::string& why);
  void reload(std::uint64_t ticket, const std::string& asked_by);
  void change_to(Result<std::unique_ptr<Fleet::Change>> change);
  void on_loaded(LoadReport report);
  void restart(const ipc::CommandMessage& command);
  void scale(const ipc::CommandMessage& command);
  std::optional<std::string> pool_of(const ipc::CommandMessage& command) const;

  Parts parts_;
  ConfigurationLoader loader_;
  std::optional<ipc::Operation> running_;
  std::unique_ptr<Fleet::Change> change_;  // of that, once it is prepared
  bool committed_ = false;
  Time committed_at_{};
  bool reload_again_ = false;
  bool stopped_ = false;
  std::uint64_t own_tickets_ = 0;
};

}  // namespace roundhouse::edge
