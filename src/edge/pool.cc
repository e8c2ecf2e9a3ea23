#include "edge/pool.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "base/log.h"
#include "edge/native_handle.h"
#include "edge/process_probe.h"
#include "edge/program_handle.h"

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

// What whoever started the edge said to the edge alone.
bool is_for_the_edge(std::string_view variable) {
  static constexpr std::string_view kNames[] = {
      "LISTEN_PID",    "LISTEN_FDS",   "LISTEN_FDNAMES",  "NOTIFY_SOCKET",
      "WATCHDOG_USEC", "WATCHDOG_PID", "NODE_CHANNEL_FD", "NODE_UNIQUE_ID"};
  return std::ranges::find(kNames, variable.substr(0, variable.find('='))) != std::end(kNames);
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
  for (std::size_t place = 0; place < options.workers; ++place) {
    pool->handles_.push_back(TRY(pool->make_handle(place)));
    if (!config::is_program(options.type)) continue;
    const std::string prefix = options.name + "/" + std::to_string(place + 1) + " | ";
    pool->outputs_.push_back(std::make_unique<ProgramOutput>(
        loop, *pool->setting_.output,
        ProgramOutput::Setting{.row = pool->setting_.first_row + place,
                               .prefix = options.output == config::Output::kPrefix ? prefix : "",
                               .counts = pool->row(place)}));
  }
  return pool;
}

Result<std::unique_ptr<WorkerHandle>> Pool::make_handle(std::size_t place) {
  if (!config::is_foreign(options_.type)) return NativeHandle::create(loop_, place, *this);
  return ProgramHandle::create(
      loop_, place, *this,
      {.options = options_,
       .header = setting_.board->header(),
       .row = row(place),
       .folder = setting_.folder,
       .proxied = setting_.proxied,
       .socket_names = setting_.socket_names,
       .requests_in_flight = [this, place] { return setting_.requests_in_flight(place); }});
}

Pool::Pool(EventLoop& loop, const config::Pool& options, Setting setting, Signals signals)
    : loop_(loop),
      options_(options),
      setting_(std::move(setting)),
      signals_(std::move(signals)),
      supervisor_(options, seed(), loop.now()),
      dispatcher_(options, setting_.listeners),
      replaced_reason_(options.workers),
      untaken_timer_(loop, [this] { watch_untaken(); }) {}

void Pool::start() { carry_out(supervisor_.start(loop_.now())); }

void Pool::carry_out(const Actions& actions) {
  for (const Action& action : actions) {
    WorkerHandle& handle = *handles_[action.place];
    switch (action.kind) {
      case Action::Kind::kStart:
        start_process(action.place);
        break;
      case Action::Kind::kServe:
        dispatcher_.serve(action.place, true);
        dispatcher_.observe(loop_.now());
        signals_.room();
        break;
      case Action::Kind::kRest:
        dispatcher_.serve(action.place, false);
        break;
      case Action::Kind::kDrain:
        dispatcher_.flush(loop_.now());
        dispatcher_.serve(action.place, false);
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
    if (!outputs_.empty()) outputs_[place]->ended();
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
  bequest.listeners = setting_.sockets;
  if (setting_.reads_board) bequest.pools = setting_.board->fd();
  WorkerHandle::Inheritance given = TRY(handles_[place]->prepare(std::move(bequest), now));
  const std::vector<int> descriptors = given.descriptors;
  Program program = program_for(place, std::move(given));
  if (outputs_.empty()) return spawn(program, descriptors);
  ProgramOutput& output = *outputs_[place];
  TRY_VOID(output.open());
  program.out = output.out();
  program.err = output.err();
  const pid_t pid = TRY(spawn(program, descriptors));
  output.started();
  return pid;
}

Program Pool::program_for(std::size_t place, WorkerHandle::Inheritance given) const {
  const bool ours = options_.command.empty();
  Program program{.path = executable_,
                  .arguments = options_.command,
                  .environment = std::move(given.environment),
                  .cwd = options_.cwd,
                  .identity = setting_.identity,
                  .die_with_us = !ours,
                  .told_its_pid = given.told_its_pid};
  if (!ours) {
    program.environment.push_back("NODE_APP_INSTANCE=" + std::to_string(place));
    if (config::is_foreign(options_.type)) {
      program.environment.push_back("ROUNDHOUSE_POOL=" + options_.name);
      program.environment.push_back("ROUNDHOUSE_WORKER_ID=" + std::to_string(id(place)));
    }
  }
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
    if (!is_set(*inherited) && !is_for_the_edge(*inherited))
      program.environment.emplace_back(*inherited);
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

void Pool::on_breach(std::size_t place) {
  log::error("worker_broke_protocol",
             name_of(place) + " broke the protocol of its channel: it is replaced",
             {{"pool", options_.name}, {"worker", id(place)}, {"pid", handles_[place]->pid()}});
  carry_out(supervisor_.breach(place, loop_.now()));
}

bool Pool::reaped(pid_t pid, const ExitStatus& status, bool core_dumped, const rusage& usage,
                  Time now) {
  const auto handle =
      std::ranges::find_if(handles_, [pid](const auto& h) { return h->pid() == pid; });
  if (handle == handles_.end()) return false;
  const auto place = static_cast<std::size_t>(handle - handles_.begin());
  // What it had forked dies with it. Process ids are given out in turn, so a group of this number
  // is its own still.
  if (config::is_program(options_.type)) ::kill(-pid, SIGKILL);
  dispatcher_.serve(place, false);
  if (status.signal != 0 || status.code != 0) dispatcher_.be_cautious(now + kCautiousAfterCrash);
  dispatcher_.detach(place, now);
  Actions actions;
  const Obituary obituary = supervisor_.exited(place, status, now, actions);
  replaced_reason_[place] = obituary.reason;
  ipc::WorkerRow& on_board = row(place);
  const Death death{.pool = options_.name,
                    .name = name_of(place),
                    .worker = id(place),
                    .pid = pid,
                    .status = status,
                    .core_dumped = core_dumped,
                    .usage = usage,
                    .last_words = last_words_of(place, pid, on_board.exits.load())};
  const ipc::ExitRecord record = make_exit_record(death, obituary, (*handle)->slot());
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
  publish(place);
  carry_out(actions);
  watch_untaken();
  return true;
}

// Of a program that has just ended, which are kept for `exit`, the next of its exits.
std::string Pool::last_words_of(std::size_t place, pid_t pid, std::size_t exit) {
  if (outputs_.empty()) return "";
  outputs_[place]->ended();
  std::string words = outputs_[place]->last_words();
  setting_.output->board.keep_last_words(setting_.first_row + place, exit, pid, words);
  return words;
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

void Pool::watch_untaken() {
  dispatcher_.observe(loop_.now());
  signals_.room();  // nobody who waits here stands in the way any more
  if (dispatcher_.busy()) untaken_timer_.start_once(options_.handoff.stall / 4);
}

Observation Pool::observe(std::size_t place, Time now) const {
  const WorkerHandle& handle = *handles_[place];
  Observation seen{.heartbeat = handle.heartbeat()};
  if (handle.pid() == 0) return seen;
  if (seen.heartbeat && now - *seen.heartbeat >= options_.liveness.replace)
    seen.stopped = is_stopped(handle.pid());
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
  for (std::size_t place = 0; place < handles_.size(); ++place) publish(place);
}

void Pool::publish(std::size_t place) {
  ipc::WorkerRow& on_board = row(place);
  const WorkerState state = supervisor_.state(place);
  if (on_board.state.exchange(state) != state) ipc::add(setting_.board->header().changes);
  on_board.next_start_ns.store(nanoseconds(supervisor_.next_start(place)));
  const HandoffCounts& counts = dispatcher_.counts(place);
  on_board.given.store(counts.given, std::memory_order_relaxed);
  on_board.taken.store(counts.taken, std::memory_order_relaxed);
  on_board.taken_back.store(counts.taken_back, std::memory_order_relaxed);
  on_board.untaken.store(static_cast<std::uint32_t>(dispatcher_.untaken(place)),
                         std::memory_order_relaxed);
  on_board.stalled.store(dispatcher_.stalled(place) ? 1 : 0, std::memory_order_relaxed);
}

std::uint64_t Pool::connections_of(std::uint32_t listener) const {
  std::uint64_t open = dispatcher_.waiting();
  for (std::size_t place = 0; place < handles_.size(); ++place) {
    const std::uint32_t claimed =
        handles_[place]->slot().listener_active[listener].load(std::memory_order_relaxed);
    open += std::min(claimed, options_.worker_connections);  // it may claim anything
    open += dispatcher_.untaken(place);
  }
  return open;
}

std::uint32_t Pool::requests_at(std::size_t endpoint_row) const {
  std::uint32_t all = 0;
  for (const auto& handle : handles_) {
    if (handle->pid() != 0)
      all +=
          handle->slot().endpoints[endpoint_row].requests_in_flight.load(std::memory_order_relaxed);
  }
  return all;
}

void Pool::stop(Time now, Time deadline) { carry_out(supervisor_.stop(now, deadline)); }

void Pool::kill() {
  for (const auto& handle : handles_) handle->signal(SIGKILL);
}

}  // namespace roundhouse::edge
