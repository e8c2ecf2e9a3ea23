#include "edge/edge.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>

#include "base/log.h"
#include "base/signal_name.h"
#include "config/checks.h"
#include "config/pool_endpoints.h"
#include "edge/access_log_file.h"
#include "edge/configured_endpoints.h"
#include "edge/descriptor_budget.h"
#include "edge/exit_report.h"
#include "edge/process_probe.h"

namespace roundhouse::edge {
namespace {

static_assert(config::kMaxListeners <= ipc::kMaxListeners);

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
  config::Configuration& configuration = setting_.configuration;
  descriptors_ = raise_descriptor_limit();
  std::size_t workers = 0;
  for (const config::Pool& pool : configuration.pools) workers += pool.workers;
  const std::uint64_t others = kOwnDescriptors + descriptors_of_workers(configuration);
  for (config::Pool& pool : configuration.pools)
    pool.handoff.depth = depth_that_fits(pool.handoff.depth, descriptors_, others, workers);
  board_ = TRY(ipc::Board::create(workers, configuration.listeners.size()));
  ipc::BoardHeader& header = board_.header();
  header.started_at = wall_clock_seconds();
  header.started_ns = nanoseconds(Clock::now());
  std::snprintf(header.configuration_source, sizeof header.configuration_source, "%s",
                setting_.configuration_source.c_str());
  output_ = std::make_unique<OutputPlaces>(*loop_, TRY(ipc::OutputBoard::create(workers)));
  configuration_fd_ =
      TRY(ipc::create_sealed_file("roundhouse-configuration", setting_.configuration_text));
  endpoints_ = TRY(create_endpoint_board(configuration));
  if (endpoints_) endpoints_for_workers_ = TRY(endpoints_.open_for_readers());
  oom_kills_ = out_of_memory_kills();
  if (has_access_log(configuration))
    access_log_ = TRY(open_access_log(configuration.log.access.to));
  TRY_VOID(create_pools());
  TRY_VOID(create_monitor());
  return {};
}

Result<void> Edge::create_monitor() {
  const config::Configuration& configuration = setting_.configuration;
  MonitorHandle::Setting setting{.board = &board_,
                                 .output_fd = output_->board.fd(),
                                 .configuration_fd = configuration_fd_.get(),
                                 .endpoints_fd = endpoints_ ? endpoints_.fd() : -1,
                                 .identity = TRY(identity_of(configuration.user)),
                                 .slots = {},
                                 .tcp = std::nullopt,
                                 .control = std::nullopt};
  for (const auto& pool : pools_) {
    for (std::size_t place = 0; place < pool->size(); ++place)
      setting.slots.push_back(pool->slot_fd(place));
  }
  constexpr int kBacklog = 64;
  if (configuration.monitor.bind) {
    auto bound = listen_on(*configuration.monitor.bind, {.backlog = kBacklog});
    if (!bound) bound.error().message += " (monitor.bind; another instance?)";
    setting.tcp = TRY(std::move(bound));
  }
  if (setting_.control_socket)
    setting.control =
        TRY(listen_on(*setting_.control_socket, {.backlog = kBacklog, .unix_mode = 0600}));
  if (setting.tcp) metrics_url_ = "http://" + setting.tcp->address.to_string() + "/metrics";
  monitor_ = std::make_unique<MonitorHandle>(*loop_, std::move(setting),
                                             [this](const auto& command) { return obey(command); });
  return {};
}

// What the monitor says is not believed further than it must be: it names things that may not be.
bool Edge::obey(const ipc::CommandMessage& command) {
  if (command.command == ipc::Command::kStop) {
    on_stop_request("roundhouse stop", true);
    return true;
  }
  if (command.pool >= pools_.size()) return false;
  Pool& pool = *pools_[command.pool];
  if (command.worker == 0 || command.worker > pool.size()) return false;
  return pool.probed(command.worker - 1, command);
}

void Edge::log_start() const {
  log::info("edge_started",
            "roundhouse " ROUNDHOUSE_VERSION " edge " + std::to_string(::getpid()) +
                ", configuration: " + setting_.configuration_source + ", at most " +
                std::to_string(descriptors_) + " descriptors a process",
            {{"pid", ::getpid()}, {"descriptors", descriptors_}});
  for (std::size_t i = 0; i < acceptors_.size(); ++i) {
    const config::Listener& listener = setting_.configuration.listeners[i];
    const config::Pool& pool = *setting_.configuration.find_pool(listener.pool);
    log::info("listener_started",
              std::string("listening on ") + board_.listener(i).addresses + " for " +
                  std::to_string(pool.workers) + (pool.workers == 1 ? " worker" : " workers") +
                  " of pool " + pool.name + ", policy " + std::string(to_string(pool.policy)),
              {{"listener", listener.name}});
  }
  if (!metrics_url_.empty()) log::info("monitor_started", "metrics on " + metrics_url_);
}

Result<void> Edge::run() {
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t none;  // whoever started us may have blocked some
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const auto on = [this](int number, std::function<void()> callback) {
    signals_.push_back(std::make_unique<SignalWatcher>(*loop_, number, std::move(callback)));
  };
  on(SIGCHLD, [this] { reap(); });
  on(SIGTERM, [this] { on_stop_request("SIGTERM", true); });
  on(SIGINT, [this] { on_stop_request("SIGINT", false); });
  on(SIGQUIT, [this] { kill_now("SIGQUIT"); });
  on(SIGHUP, [] {
    log::warn("reload_refused",
              "SIGHUP: this version does not reload; the configuration, policy included, is frozen "
              "once the first "
              "worker has been started and changes only by a new start");
  });
  on(SIGUSR1, [this] { reopen_access_log(); });
  on(SIGUSR2,
     [] { log::warn("upgrade_refused", "SIGUSR2: this version does not upgrade in place"); });
  log_start();
  for (const auto& acceptor : acceptors_) acceptor->start();
  for (const auto& door : own_doors_) door->start();
  for (const auto& pool : pools_) pool->start();
  monitor_->start();
  ticker_.start_periodic(kTick);
  tick();
  loop_->run();
  if (failure_) return std::unexpected(*failure_);
  return {};
}

// The event log goes to stderr: there is nothing to reopen.
void Edge::reopen_access_log() {
  const std::string& to = setting_.configuration.log.access.to;
  if (!access_log_ || is_standard_output(to)) return;
  auto opened = open_access_log(to);
  if (!opened) {
    log::error("access_log_not_reopened",
               "SIGUSR1: " + opened.error().message + "; the access log goes on where it was");
    return;
  }
  for (const auto& pool : pools_) pool->set_access_log(opened->get());
  access_log_ = *std::move(opened);
  log::info("access_log_reopened", "the access log goes on in " + to);
}

void Edge::tick() {
  const Time now = loop_->now();
  board_.header().edge_heartbeat_ns.store(nanoseconds(now));
  for (const auto& pool : pools_) pool->tick(now);
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
  if (monitor_->reaped(pid, wait_status, now)) return;
  ExitStatus status = exit_status_of(wait_status);
  if (status.signal == SIGKILL) {
    const std::uint64_t kills = out_of_memory_kills();
    status.out_of_memory = kills > oom_kills_;
    oom_kills_ = kills;
  }
  const bool core = WIFSIGNALED(wait_status) && WCOREDUMP(wait_status);
  const bool ours = std::ranges::any_of(
      pools_, [&](const auto& pool) { return pool->reaped(pid, status, core, usage, now); });
  if (!ours)
    log::debug("orphan_reaped",
               "reaped process " + std::to_string(pid) + ", which was none of ours");
}

void Edge::resume_acceptors(const std::string& pool) {
  for (const auto& door : own_doors_) {
    if (door->pool_name() == pool) door->resume();
  }
  for (const auto& acceptor : acceptors_) {
    if (acceptor->pool_name() == pool) acceptor->resume();
  }
}

void Edge::tell_turns(const std::string& pool) {
  for (const auto& acceptor : acceptors_) {
    if (acceptor->pool_name() == pool) acceptor->take_turns();
  }
}

void Edge::on_stop_request(const std::string& asked_by, bool delay) {
  if (phase_ != Phase::kRunning) {
    const bool is_another = loop_->now() - stop_began_ >= kSameRequest;
    return is_another ? kill_now(asked_by) : void();
  }
  stop_began_ = loop_->now();
  board_.header().stopping.store(1);
  const config::Shutdown& shutdown = setting_.configuration.shutdown;
  log::info("edge_stopping", asked_by + ": stopping, everything that has begun may finish within " +
                                 brief(shutdown.deadline));
  phase_ = Phase::kDelaying;
  for (const auto& acceptor : acceptors_) acceptor->expect_close();
  delay_.start_once(std::max(delay ? shutdown.delay : Duration::zero(), kLastArrivals));
}

void Edge::begin_drain() {
  phase_ = Phase::kDraining;
  const Time now = loop_->now();
  for (const auto& acceptor : acceptors_) {
    if (!acceptor->is_proxies_too()) acceptor->close();
  }
  for (const auto& pool : pools_) {
    if (!pool->is_proxied())
      pool->stop(now, stop_began_ + setting_.configuration.shutdown.deadline);
  }
  finish_if_done();
}

// Those who have requests for them are gone.
void Edge::stop_endpoints() {
  if (endpoints_stopping_) return;
  endpoints_stopping_ = true;
  for (const auto& door : own_doors_) door->close();
  for (const auto& pool : pools_) {
    if (pool->is_proxied())
      pool->stop(Clock::now(), stop_began_ + setting_.configuration.shutdown.deadline);
  }
  for (const auto& acceptor : acceptors_) {
    if (acceptor->is_proxies_too()) acceptor->close();
  }
}

void Edge::kill_now(const std::string& asked_by) {
  log::warn("edge_stopping", asked_by + ": stopping at once, what has begun is cut");
  kill_everything();
}

void Edge::kill_everything() {
  phase_ = Phase::kDraining;
  endpoints_stopping_ = true;
  board_.header().stopping.store(1);
  for (const auto& acceptor : acceptors_) acceptor->close();
  for (const auto& door : own_doors_) door->close();
  for (const auto& pool : pools_) {
    pool->stop(loop_->now(), loop_->now());
    pool->kill();
  }
  finish_if_done();
}

void Edge::finish_if_done() {
  if (phase_ != Phase::kDraining) return;
  const auto done = [](const auto& pool) { return pool->is_proxied() || pool->all_gone(); };
  if (std::ranges::all_of(pools_, done)) stop_endpoints();
  if (!std::ranges::all_of(pools_, [](const auto& pool) { return pool->all_gone(); })) return;
  phase_ = Phase::kFinishing;
  monitor_->stop();
  log::info("edge_stopped",
            "edge " + std::to_string(::getpid()) + " stopped, " + std::to_string(connections_) +
                " connections given out",
            {{"pid", ::getpid()}});
  loop_->stop();
}

}  // namespace roundhouse::edge
