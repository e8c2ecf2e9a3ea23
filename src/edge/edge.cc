#include "edge/edge.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>

#include "base/log.h"
#include "base/signal_name.h"
#include "edge/descriptor_budget.h"
#include "edge/exit_report.h"
#include "edge/process_probe.h"

namespace roundhouse::edge {
namespace {

constexpr Duration kTick = std::chrono::milliseconds(100);
// A listener stays open so long after a stop was asked for: its clients are connected as soon as
// the kernel has answered them, and one whose request is on its way would be reset.
constexpr Duration kLastArrivals = std::chrono::milliseconds(100);
// coreutils' timeout and some shells signal the process and then its group: that is one request.
constexpr Duration kSameRequest = std::chrono::milliseconds(100);

}  // namespace

Result<std::unique_ptr<Edge>> Edge::create(Setting setting) {
  auto loop = TRY(EventLoop::create());
  std::unique_ptr<Edge> edge(new Edge(std::move(setting), std::move(loop)));
  TRY_VOID(edge->prepare());
  return edge;
}

Edge::Edge(Setting setting, std::unique_ptr<EventLoop> loop)
    : setting_(std::move(setting)),
      loop_(std::move(loop)),
      ticker_(*loop_, [this] { tick(); }),
      delay_(*loop_, [this] { begin_drain(); }) {}

Result<void> Edge::prepare() {
  descriptors_ = raise_descriptor_limit();
  setting_.settle(setting_.configuration);
  fleet_ = TRY(Fleet::create(
      *loop_, setting_.configuration, descriptors_,
      {.failed =
           [this](const std::string& pool) {
             failure_ = Error{"every worker of pool " + pool + " failed at its first start",
                              ExitCode::kFailure};
             // Not now: run() may be starting the others still.
             loop_->defer([this] { kill_everything(); });
           },
       .slot = [this](std::size_t row, int fd) { monitor_->add_slot(row, fd); },
       .moved = [this] { operations_->moved(); }}));
  header().started_at = wall_clock_seconds();
  header().started_ns = nanoseconds(Clock::now());
  std::snprintf(header().configuration_source, sizeof header().configuration_source, "%s",
                setting_.configuration_source.c_str());
  operations_ = std::make_unique<Operations>(
      Operations::Parts{.loop = *loop_,
                        .fleet = *fleet_,
                        .arguments = setting_.arguments,
                        .settle = setting_.settle,
                        .put_in_force = [this] { on_put_in_force(); }});
  certificates_ = std::make_unique<CertificateWatch>(
      CertificateWatch::Parts{.loop = *loop_,
                              .fleet = *fleet_,
                              .reloads = [this] { return operations_->reloads(); },
                              .renewed = [this] { configure_monitor(); }});
  oom_kills_ = out_of_memory_kills();
  return create_monitor();
}

Result<void> Edge::create_monitor() {
  const config::Configuration& configuration = fleet_->configuration();
  const Fleet::InForce& in_force = fleet_->in_force();
  history_ = TRY(ipc::HistoryBoard::create());
  MonitorHandle::Setting setting{.board = &fleet_->board(),
                                 .output_fd = fleet_->output().board.fd(),
                                 .history_fd = history_.fd(),
                                 .configuration_fd = in_force.text.get(),
                                 .endpoints_fd = in_force.endpoints ? in_force.endpoints->fd() : -1,
                                 .tls_fd = in_force.tls_certificates.get(),
                                 .identity = TRY(fleet_->identity_of(configuration.user)),
                                 .tcp = std::nullopt,
                                 .control = std::nullopt};
  constexpr int kBacklog = 64;
  if (configuration.monitor.bind) {
    auto bound = listen_on(*configuration.monitor.bind, {.backlog = kBacklog});
    if (!bound) bound.error().message += " (monitor.bind; another instance?)";
    setting.tcp = TRY(std::move(bound));
  }
  if (setting_.control_socket)
    setting.control =
        TRY(listen_on(*setting_.control_socket, {.backlog = kBacklog, .unix_mode = 0600}));
  if (setting.tcp) monitor_url_ = "http://" + setting.tcp->address.to_string();
  monitor_ = std::make_unique<MonitorHandle>(*loop_, std::move(setting),
                                             [this](const auto& command) { return obey(command); });
  return {};
}

void Edge::on_put_in_force() {
  const config::Log& log = fleet_->configuration().log;
  log::configure(log.level, log.format);
  certificates_->begin();
  configure_monitor();
}

void Edge::configure_monitor() {
  const Fleet::InForce& in_force = fleet_->in_force();
  monitor_->configure(in_force.text.get(), in_force.endpoints ? in_force.endpoints->fd() : -1,
                      in_force.tls_certificates.get(), [this] { fleet_->carry_counts(); });
}

bool Edge::obey(const ipc::CommandMessage& command) {
  if (command.command == ipc::Command::kStop) {
    on_stop_request("roundhouse stop", true);
    return true;
  }
  return operations_->obey(command) || fleet_->probed(command);
}

void Edge::log_start() const {
  log::info("edge_started",
            "roundhouse " ROUNDHOUSE_VERSION " edge " + std::to_string(::getpid()) +
                ", configuration: " + setting_.configuration_source + ", at most " +
                std::to_string(descriptors_) + " descriptors a process",
            {{"pid", ::getpid()}, {"descriptors", descriptors_}});
  fleet_->log_listeners();
  if (!monitor_url_.empty())
    log::info("monitor_started",
              "metrics on " + monitor_url_ + "/metrics, a dashboard on " + monitor_url_ + "/");
}

void Edge::watch_signals() {
  const auto on = [this](int number, std::function<void()> callback) {
    signals_.push_back(std::make_unique<SignalWatcher>(*loop_, number, std::move(callback)));
  };
  on(SIGCHLD, [this] { reap(); });
  on(SIGTERM, [this] { on_stop_request("SIGTERM", true); });
  on(SIGINT, [this] { on_stop_request("SIGINT", false); });
  on(SIGQUIT, [this] { kill_now("SIGQUIT"); });
  on(SIGHUP, [this] { operations_->reload_by_signal(); });
  on(SIGUSR1, [this] { fleet_->reopen_access_log(); });
  on(SIGUSR2,
     [] { log::warn("upgrade_refused", "SIGUSR2: this version does not upgrade in place"); });
}

Result<void> Edge::run() {
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t none;  // whoever started us may have blocked some
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  watch_signals();
  log_start();
  fleet_->start();
  monitor_->start();
  ticker_.start_periodic(kTick);
  tick();
  loop_->run();
  if (failure_) return std::unexpected(*failure_);
  return {};
}

void Edge::tick() {
  const Time now = loop_->now();
  header().edge_heartbeat_ns.store(nanoseconds(now));
  fleet_->tick(now);
  operations_->tick();
  certificates_->tick(now);
  monitor_->tick(now);
}

// Several deaths may come as one SIGCHLD; as PID 1 we also reap what others left behind.
void Edge::reap() {
  for (;;) {
    int status = 0;
    rusage usage{};
    const pid_t pid = ::wait4(-1, &status, WNOHANG, &usage);
    if (pid <= 0) break;
    on_child_exit(pid, status, usage);
  }
  finish_if_done();
}

void Edge::on_child_exit(pid_t pid, int wait_status, const rusage& usage) {
  const Time now = Clock::now();
  if (monitor_->reaped(pid, wait_status, now) || operations_->reaped(pid) ||
      certificates_->reaped(pid))
    return;
  ExitStatus status = exit_status_of(wait_status);
  if (status.signal == SIGKILL) {
    const std::uint64_t kills = out_of_memory_kills();
    status.out_of_memory = kills > oom_kills_;
    oom_kills_ = kills;
  }
  const bool core = WIFSIGNALED(wait_status) && WCOREDUMP(wait_status);
  if (!fleet_->reaped(pid, status, core, usage, now))
    log::debug("orphan_reaped",
               "reaped process " + std::to_string(pid) + ", which was none of ours");
}

void Edge::on_stop_request(const std::string& asked_by, bool delay) {
  if (phase_ != Phase::kRunning) {
    const bool is_another = loop_->now() - stop_began_ >= kSameRequest;
    return is_another ? kill_now(asked_by) : void();
  }
  stop_began_ = loop_->now();
  header().stopping.store(1);
  const config::Shutdown& shutdown = fleet_->configuration().shutdown;
  log::info("edge_stopping", asked_by + ": stopping, everything that has begun may finish within " +
                                 brief(shutdown.deadline));
  phase_ = Phase::kDelaying;
  operations_->stop();
  certificates_->stop();
  fleet_->expect_close();
  delay_.start_once(std::max(delay ? shutdown.delay : Duration::zero(), kLastArrivals));
}

void Edge::begin_drain() {
  phase_ = Phase::kDraining;
  fleet_->close_to_clients();
  fleet_->stop_serving(loop_->now(), stop_deadline());
  finish_if_done();
}

void Edge::kill_now(const std::string& asked_by) {
  log::warn("edge_stopping", asked_by + ": stopping at once, what has begun is cut");
  kill_everything();
}

void Edge::kill_everything() {
  phase_ = Phase::kDraining;
  endpoints_stopping_ = true;
  header().stopping.store(1);
  operations_->stop();
  certificates_->stop();
  fleet_->kill(loop_->now());
  finish_if_done();
}

void Edge::finish_if_done() {
  if (phase_ != Phase::kDraining) return;
  // Those who have requests for them are gone.
  if (!endpoints_stopping_ && fleet_->serves_no_more()) {
    endpoints_stopping_ = true;
    fleet_->stop_endpoints(Clock::now(), stop_deadline());
  }
  if (!fleet_->all_gone()) return;
  phase_ = Phase::kFinishing;
  monitor_->stop();
  log::info("edge_stopped",
            "edge " + std::to_string(::getpid()) + " stopped, " +
                std::to_string(fleet_->connections()) + " connections given out",
            {{"pid", ::getpid()}});
  loop_->stop();
}

}  // namespace roundhouse::edge
