#include "edge/monitor_handle.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "base/log.h"
#include "base/signal_name.h"
#include "edge/exit_report.h"

namespace roundhouse::edge {

MonitorHandle::MonitorHandle(EventLoop& loop, Setting setting, OnCommand on_command)
    : loop_(loop),
      setting_(std::move(setting)),
      on_command_(std::move(on_command)),
      respawn_({}, loop.now()) {}

MonitorHandle::~MonitorHandle() {
  watcher_.stop();
  if (setting_.control) ::unlink(std::string(setting_.control->address.unix_path()).c_str());
}

void MonitorHandle::start() {
  next_start_.reset();
  if (auto started = spawn_process(); !started) {
    log::error("monitor_start_failed", "the monitor did not start: " + started.error().message);
    next_start_ = loop_.now() + std::chrono::seconds(1);
  }
}

Result<void> MonitorHandle::spawn_process() {
  auto [ours, theirs] = TRY(ipc::Channel::create_pair());
  ipc::Bequest bequest;
  bequest.role = ipc::Role::kMonitor;
  bequest.channel = theirs.fd();
  bequest.configuration = setting_.configuration_fd;
  bequest.memory = setting_.board->fd();
  bequest.endpoints = setting_.endpoints_fd;
  bequest.output = setting_.output_fd;
  bequest.history = setting_.history_fd;
  if (setting_.tcp) bequest.listeners.push_back({ipc::kMonitorTcp, setting_.tcp->fd.get()});
  if (setting_.control)
    bequest.listeners.push_back({ipc::kMonitorUnix, setting_.control->fd.get()});
  Program program{.path = "/proc/self/exe",
                  .arguments = {"roundhouse", "monitor"},
                  .environment = bequest.environment(),
                  .cwd = "",
                  .identity = setting_.identity};
  for (char** inherited = environ; *inherited != nullptr; ++inherited)
    program.environment.emplace_back(*inherited);
  pid_ = TRY(spawn(program, bequest.descriptors()));
  channel_ = std::move(ours);
  slots_sent_ = 0;
  send_slots();
  watcher_.watch(loop_, channel_.fd(), Interest::kRead, Trigger::kLevel, *this);
  return {};
}

// What the channel does not take now follows at the next tick.
void MonitorHandle::send_slots() {
  while (slots_sent_ < slots_.size()) {
    const std::size_t count = 1;
    const auto& [row, fd] = slots_[slots_sent_];
    ipc::SlotsMessage message{.header = {ipc::MessageType::kSlots, sizeof(ipc::SlotsMessage), 0},
                              .first = static_cast<std::uint32_t>(row),
                              .count = static_cast<std::uint32_t>(count)};
    const auto descriptors = std::span(&fd, 1);
    if (channel_.send(std::as_bytes(std::span(&message, 1)), descriptors) != ipc::Sent::kYes)
      return;
    slots_sent_ += count;
  }
}

void MonitorHandle::add_slot(std::size_t row, int fd) {
  slots_.emplace_back(row, fd);
  if (pid_ != 0) send_slots();
}

void MonitorHandle::configure(int configuration_fd, int endpoints_fd,
                              std::function<void()> between) {
  setting_.configuration_fd = configuration_fd;
  setting_.endpoints_fd = endpoints_fd;
  between_ = std::move(between);
  if (pid_ != 0)
    ::kill(pid_, SIGTERM);
  else
    std::exchange(between_, nullptr)();
}

void MonitorHandle::on_ready(Ready /*ready*/) {
  for (;;) {
    const ipc::Received received = channel_.receive(message_);
    if (received == ipc::Received::kNothing) return;
    if (received == ipc::Received::kClosed)
      return watcher_.stop();  // it is ending: SIGCHLD follows
    const auto* command =
        received == ipc::Received::kMessage && message_.type() == ipc::MessageType::kCommand
            ? message_.as<ipc::CommandMessage>()
            : nullptr;
    if (command == nullptr || !on_command_(*command)) {
      watcher_.stop();
      if (pid_ != 0) ::kill(pid_, SIGKILL);
      return;
    }
  }
}

void MonitorHandle::tick(Time now) {
  if (pid_ != 0) send_slots();
  if (next_start_ && now >= *next_start_ && !stopping_) start();
}

bool MonitorHandle::reaped(pid_t pid, int wait_status, Time now) {
  if (pid_ == 0 || pid != pid_) return false;
  watcher_.stop();
  channel_.close();
  pid_ = 0;
  if (stopping_) return true;
  if (between_) {
    std::exchange(between_, nullptr)();
    start();
    return true;
  }
  const Respawn respawn = respawn_.after_exit(now, true, true, 0.5);
  const std::string why = WIFSIGNALED(wait_status)
                              ? "killed by " + signal_name(WTERMSIG(wait_status))
                              : "exit code " + std::to_string(WEXITSTATUS(wait_status));
  log::warn("monitor_exited",
            "the monitor (pid " + std::to_string(pid) + ") died: " + why + "; it is started again",
            {{"pid", pid}, {"respawn_in", brief(respawn.delay)}});
  ipc::increment(setting_.board->header().monitor_restarts);
  next_start_ = now + respawn.delay;
  if (respawn.delay == Duration::zero()) start();
  return true;
}

void MonitorHandle::stop() {
  stopping_ = true;
  if (pid_ != 0) ::kill(pid_, SIGTERM);
}

}  // namespace roundhouse::edge
