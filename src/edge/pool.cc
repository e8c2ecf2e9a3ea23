#include "edge/pool.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/log.h"
#include "edge/native_handle.h"
#include "edge/node_handle.h"
#include "edge/process_probe.h"
#include "net/listener.h"

namespace roundhouse::edge {
namespace {

// How long after a crash each connection travels alone: the request that caused it may come again.
constexpr Duration kCautiousAfterCrash = std::chrono::seconds(10);

// A generator of its own for each pool; nothing here is a secret.
std::uint64_t seed() {
  return static_cast<std::uint64_t>(Clock::now().time_since_epoch().count()) ^
         static_cast<std::uint64_t>(::getpid());
}

// A path is relative to the directory in which the program will run; a mere name is looked up.
std::string placed(const std::string& command, const std::string& cwd) {
  if (cwd.empty() || command.find('/') == command.npos) return command;
  return (std::filesystem::absolute(cwd) / command).string();
}

}  // namespace

Result<std::unique_ptr<Pool>> Pool::create(EventLoop& loop, const config::Pool& options,
                                           Setting setting, Signals signals) {
  std::unique_ptr<Pool> pool(new Pool(loop, options, std::move(setting), std::move(signals)));
  if (options.command.empty()) {
    pool->executable_ = "/proc/self/exe";
  } else {
    const char* path = std::getenv("PATH");
    pool->executable_ = TRY(find_executable(placed(options.command.front(), options.cwd),
                                            path == nullptr ? "/usr/bin:/bin" : path));
  }
  if (pool->setting_.limits)
    pool->limits_ = TRY(ipc::Limits::create(*pool->setting_.limits, loop.now()));
  for (std::size_t place = 0; place < options.workers; ++place) {
    pool->handles_.push_back(TRY(pool->make_handle(place)));
  }
  return pool;
}

Result<std::unique_ptr<WorkerHandle>> Pool::make_handle(std::size_t place) {
  if (options_.type != config::PoolType::kNode) return NativeHandle::create(loop_, place, *this);
  if (node_listens_ == nullptr)
    node_listens_ = std::make_unique<NodeListens>(options_, setting_.served, setting_.identity);
  return NodeHandle::create(loop_, place, *this, options_, *node_listens_);
}

Pool::Pool(EventLoop& loop, const config::Pool& options, Setting setting, Signals signals)
    : loop_(loop),
      options_(options),
      setting_(std::move(setting)),
      signals_(std::move(signals)),
      supervisor_(options, seed(), loop.now()),
      dispatcher_(options, setting_.listeners),
      replaced_reason_(options.workers),
      untaken_timer_(loop, [this] { watch_untaken(); }),
      turns_timer_(loop, [this] { watch_turns(); }),
      access_log_(options.command.empty() ? setting_.access_log : -1),
      wants_access_log_(options.workers) {
  if (options.policy == config::Policy::kRrKernel)
    turns_.emplace(options.workers, options.handoff.stall);
}

void Pool::start() {
  if (turns_) turns_timer_.start_periodic(options_.handoff.stall / 2);
  carry_out(supervisor_.start(loop_.now()));
}

void Pool::carry_out(const Actions& actions) {
  for (const Action& action : actions) {
    WorkerHandle& handle = *handles_[action.place];
    switch (action.kind) {
      case Action::Kind::kStart:
        start_process(action.place);
        break;
      case Action::Kind::kServe:
        set_serving(action.place, true);
        dispatcher_.observe(loop_.now());
        signals_.room();
        break;
      case Action::Kind::kRest:
        set_serving(action.place, false);
        break;
      case Action::Kind::kDrain:
        dispatcher_.flush(loop_.now());
        set_serving(action.place, false);
        handle.ask_to_drain(action.deadline);
        break;
      case Action::Kind::kSignal:
        handle.signal(action.signal);
        break;
      case Action::Kind::kPoolFailed:
        signals_.failed();
        break;
    }
    publish(action.place);
  }
}

void Pool::start_process(std::size_t place) {
  const Time now = loop_.now();
  auto pid = spawn_worker(place, now);
  if (!pid) {
    log::error("worker_start_failed", name_of(place) + " did not start: " + pid.error().message,
               {{"pool", options_.name}, {"worker", id(place)}});
    handles_[place]->ended();
    carry_out(supervisor_.spawn_failed(place, now));
    return;
  }
  handles_[place]->started(*pid);
  supervisor_.spawned(place, now);
  dispatcher_.attach(place, *handles_[place]);
  ipc::WorkerRow& on_board = row(place);
  ipc::add(on_board.starts);
  if (replaced_reason_[place])
    ipc::add(on_board.restarts[static_cast<std::size_t>(*replaced_reason_[place])]);
  on_board.pid.store(*pid);
  on_board.generation.store(1);
  on_board.started_at.store(wall_clock_seconds());
  on_board.started_ns.store(nanoseconds(now));
  on_board.ready_ns.store(0);
  publish(place);
}

Result<pid_t> Pool::spawn_worker(std::size_t place, Time now) {
  ipc::Bequest bequest;
  bequest.pool = options_.name;
  bequest.worker_id = id(place);
  bequest.configuration = setting_.configuration_fd;
  bequest.access_log = access_log_;
  wants_access_log_[place] = false;
  if (options_.type == config::PoolType::kProxy) bequest.endpoints = setting_.endpoints_fd;
  if (limits_) bequest.limits = limits_->fd();
  bequest.listeners = turns_ ? setting_.own_sockets[place] : setting_.sockets;
  WorkerHandle::Inheritance given = TRY(handles_[place]->prepare(std::move(bequest), now));
  return spawn(program_for(place, std::move(given.environment)), given.descriptors);
}

Program Pool::program_for(std::size_t place, std::vector<std::string> given) const {
  const bool ours = options_.command.empty();
  Program program{.path = executable_,
                  .arguments = options_.command,
                  .environment = std::move(given),
                  .cwd = options_.cwd,
                  .identity = setting_.identity,
                  .die_with_us = !ours};
  if (ours)
    program.arguments = {"roundhouse", "worker", options_.name + "/" + std::to_string(id(place))};
  const auto is_set = [&](std::string_view variable) {
    const std::string_view name = variable.substr(0, variable.find('=') + 1);
    return std::ranges::any_of(program.environment,
                               [&](const std::string& own) { return own.starts_with(name); });
  };
  for (const config::Variable& variable : options_.env) {
    const std::string text = variable.name + "=" + variable.value;
    if (!is_set(text)) program.environment.push_back(text);
  }
  for (char** inherited = environ; *inherited != nullptr; ++inherited) {
    if (!is_set(*inherited)) program.environment.emplace_back(*inherited);
  }
  return program;
}

std::string Pool::name_of(std::size_t place) const {
  const std::string number = std::to_string(id(place));
  return "worker " + (setting_.is_only_pool ? number : options_.name + "/" + number);
}

void Pool::on_ready_notice(std::size_t place) {
  const Actions actions = supervisor_.ready(place, loop_.now());
  if (actions.empty()) return;
  ipc::WorkerRow& on_board = row(place);
  on_board.ready_ns.store(nanoseconds(loop_.now()));
  log::info(
      "worker_online",
      "edge " + std::to_string(::getpid()) + ", " + name_of(place) + " (pid " +
          std::to_string(handles_[place]->pid()) + ") is online",
      {{"pool", options_.name},
       {"worker", id(place)},
       {"pid", handles_[place]->pid()},
       {"started_in", brief(loop_.now() - time_from_nanoseconds(on_board.started_ns.load()))}});
  carry_out(actions);
}

void Pool::on_draining_notice(std::size_t place) {
  const Actions actions = supervisor_.draining(place, loop_.now());
  if (actions.empty()) return;
  log::info("worker_draining", name_of(place) + " drains: it was asked to stop",
            {{"pool", options_.name}, {"worker", id(place)}, {"pid", handles_[place]->pid()}});
  carry_out(actions);
}

void Pool::on_room_notice(std::size_t /*place*/) {
  dispatcher_.observe(loop_.now());
  signals_.room();
}

void Pool::on_turned_away(std::size_t place, std::uint64_t sequence, Connection connection) {
  dispatcher_.turned_away(place, sequence, std::move(connection), loop_.now());
  flush_later();
}

void Pool::on_breach(std::size_t place) {
  log::error("worker_broke_protocol",
             name_of(place) + " broke the protocol of its channel: it is replaced",
             {{"pool", options_.name}, {"worker", id(place)}, {"pid", handles_[place]->pid()}});
  carry_out(supervisor_.breach(place, loop_.now()));
}

bool Pool::reaped(pid_t pid, ExitStatus status, bool core_dumped, const rusage& usage, Time now) {
  const auto handle =
      std::ranges::find_if(handles_, [pid](const auto& h) { return h->pid() == pid; });
  if (handle == handles_.end()) return false;
  const auto place = static_cast<std::size_t>(handle - handles_.begin());
  set_serving(place, false);
  (*handle)->died();
  status.announced = (*handle)->has_announced_exit();
  if (status.signal != 0 || status.code != 0) dispatcher_.be_cautious(now + kCautiousAfterCrash);
  dispatcher_.detach(place, now);
  Actions actions;
  const Obituary obituary = supervisor_.exited(place, status, now, actions);
  replaced_reason_[place] = obituary.reason;
  const Death death{.pool = options_.name,
                    .name = name_of(place),
                    .worker = id(place),
                    .pid = pid,
                    .status = status,
                    .core_dumped = core_dumped,
                    .usage = usage,
                    .why_not_ready = (*handle)->why_not_ready()};
  const ipc::ExitRecord record = make_exit_record(death, obituary, (*handle)->slot());
  ipc::WorkerRow& on_board = row(place);
  ipc::write_exit(on_board, record);
  const bool crashed = obituary.reason == ExitReason::kCrash ||
                       obituary.reason == ExitReason::kOom || obituary.reason == ExitReason::kHang;
  if (crashed) ipc::add(on_board.crashes[static_cast<std::size_t>(status.signal) % ipc::kSignals]);
  ipc::add(on_board.dead_cpu_ns,
           static_cast<std::uint64_t>(record.user_cpu_ns + record.system_cpu_ns));
  on_board.pid.store(0);
  log_exit(death, obituary, record);
  (*handle)->ended();
  ipc::reset_gauges((*handle)->slot(), nanoseconds(now));  // what died with it is open no more
  if (limits_) limits_->clear(place);
  publish(place);
  carry_out(actions);
  watch_untaken();
  return true;
}

void Pool::offer(Connection connection) {
  dispatcher_.offer(std::move(connection), loop_.now());
  flush_later();
}

void Pool::flush_later() {
  if (flush_is_due_) return;
  flush_is_due_ = true;
  loop_.defer([this] {
    flush_is_due_ = false;
    dispatcher_.flush(Clock::now());
    if (!untaken_timer_.running()) untaken_timer_.start_once(options_.handoff.stall / 4);
  });
}

void Pool::set_serving(std::size_t place, bool serving) {
  dispatcher_.serve(place, serving);
  if (turns_ && turns_->serve(place, serving)) signals_.turns();
}

void Pool::watch_turns() {
  std::vector<KernelTurns::Seen> seen;
  for (std::size_t place = 0; place < handles_.size(); ++place) {
    const WorkerHandle& handle = *handles_[place];
    KernelTurns::Seen& here = seen.emplace_back();
    here.heartbeat = handle.heartbeat();
    here.has_room = handle.connections_active() < options_.worker_connections;
    for (const ipc::InheritedListener& own : setting_.own_sockets[place]) {
      here.accepted +=
          handle.slot().listener_accepted[own.listener].load(std::memory_order_relaxed);
      here.waiting = here.waiting || (turns_->in_turn(place) && has_queued(own.fd));
    }
  }
  if (turns_->observe(loop_.now(), seen)) signals_.turns();
}

void Pool::watch_untaken() {
  dispatcher_.observe(loop_.now());
  signals_.room();  // nobody who waits here stands in the way any more
  if (dispatcher_.busy()) untaken_timer_.start_once(options_.handoff.stall / 4);
}

Observation Pool::observe(std::size_t place, Time now) const {
  WorkerHandle& handle = *handles_[place];
  Observation seen{.heartbeat = handle.heartbeat()};
  if (handle.pid() == 0) return seen;
  seen.unanswered_since = handle.unanswered_since();
  const bool silent = seen.heartbeat && now - *seen.heartbeat >= options_.liveness.replace;
  const bool owing =
      seen.unanswered_since && now - *seen.unanswered_since >= options_.liveness.unanswered;
  if (silent || owing) seen.stopped = is_stopped(handle.pid());
  seen.requests = handle.requests_since_start();
  if (options_.recycle.memory != 0) seen.memory = resident_bytes(handle.pid());
  return seen;
}

void Pool::tick(Time now) {
  std::vector<Observation> observations;
  observations.reserve(handles_.size());
  for (std::size_t place = 0; place < handles_.size(); ++place)
    observations.push_back(observe(place, now));
  carry_out(supervisor_.tick(now, observations));
  hand_out_access_log();
  for (std::size_t place = 0; place < handles_.size(); ++place) publish(place);
}

void Pool::publish(std::size_t place) {
  ipc::WorkerRow& on_board = row(place);
  on_board.state.store(supervisor_.state(place));
  on_board.next_start_ns.store(nanoseconds(supervisor_.next_start(place)));
  const HandoffCounts& counts = dispatcher_.counts(place);
  on_board.given.store(counts.given, std::memory_order_relaxed);
  on_board.taken.store(counts.taken, std::memory_order_relaxed);
  on_board.taken_back.store(counts.taken_back, std::memory_order_relaxed);
  on_board.returned.store(counts.returned, std::memory_order_relaxed);
  on_board.messages.store(handles_[place]->program_messages(), std::memory_order_relaxed);
  on_board.untaken.store(static_cast<std::uint32_t>(dispatcher_.untaken(place)),
                         std::memory_order_relaxed);
  on_board.stalled.store(dispatcher_.stalled(place) ? 1 : 0, std::memory_order_relaxed);
  const std::string listens = handles_[place]->listens();
  if (std::string_view(on_board.listens) != listens.substr(0, sizeof on_board.listens - 1))
    std::snprintf(on_board.listens, sizeof on_board.listens, "%s", listens.c_str());
}

std::uint64_t Pool::connections_of(std::uint32_t listener) const {
  std::uint64_t open = dispatcher_.waiting();
  for (std::size_t place = 0; place < handles_.size(); ++place) {
    open += dispatcher_.untaken(place);
    if (listener >= ipc::kMaxListeners) continue;
    const std::uint32_t claimed =
        handles_[place]->slot().listener_active[listener].load(std::memory_order_relaxed);
    open += std::min(claimed, options_.worker_connections);  // it may claim anything
  }
  return open;
}

void Pool::set_access_log(int fd) {
  if (access_log_ < 0) return;
  access_log_ = fd;
  for (std::size_t place = 0; place < handles_.size(); ++place)
    wants_access_log_[place] = handles_[place]->pid() != 0;
  hand_out_access_log();
}

// To one whose channel is full at a later tick.
void Pool::hand_out_access_log() {
  for (std::size_t place = 0; place < handles_.size(); ++place) {
    if (!wants_access_log_[place]) continue;
    const bool is_gone = handles_[place]->pid() == 0;
    wants_access_log_[place] = !is_gone && !handles_[place]->give_access_log(access_log_);
  }
}

void Pool::stop(Time now, Time deadline) {
  if (node_listens_ != nullptr) node_listens_->stop();
  carry_out(supervisor_.stop(now, deadline));
}

void Pool::kill() {
  for (const auto& handle : handles_) handle->signal(SIGKILL);
}

}  // namespace roundhouse::edge
