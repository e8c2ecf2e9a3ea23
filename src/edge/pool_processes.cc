// The processes of a pool: how one begins, with what, and what is done about its end.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "edge/exit_report.h"
#include "edge/node_hints.h"
#include "edge/pool.h"

namespace roundhouse::edge {
namespace {

// How long after a crash each connection travels alone: the request that caused it may come again.
constexpr Duration kCautiousAfterCrash = std::chrono::seconds(10);

// What whoever started the edge said to the edge alone.
bool is_for_the_edge(std::string_view variable) {
  static constexpr std::string_view kNames[] = {
      "LISTEN_PID",    "LISTEN_FDS",   "LISTEN_FDNAMES",  "NOTIFY_SOCKET",
      "WATCHDOG_USEC", "WATCHDOG_PID", "NODE_CHANNEL_FD", "NODE_UNIQUE_ID"};
  return std::ranges::find(kNames, variable.substr(0, variable.find('='))) != std::end(kNames);
}

}  // namespace

Result<void> Pool::add_place() {
  const std::size_t place = places_.size();
  CHECK(place < setting().board->workers());
  places_.emplace_back();
  supervisor_.add_place(loop_.now(), embedding_->respawns);
  dispatcher_.add_worker();
  return equip(place, current_);
}

Result<void> Pool::start_worker(std::size_t place) {
  CHECK(!is_occupied(place));
  start_failure_.reset();
  places_[place].replaced_reason.reset();
  carry_out(supervisor_.start_place(place, loop_.now()));
  if (start_failure_) return std::unexpected(*start_failure_);
  return {};
}

void Pool::retire_worker(std::size_t place, Time deadline) {
  carry_out(supervisor_.retire(place, loop_.now(), deadline));
}

bool Pool::is_occupied(std::size_t place) const {
  switch (supervisor_.state(place)) {
    case WorkerState::kStarting:
    case WorkerState::kReady:
    case WorkerState::kDraining:
    case WorkerState::kBackoff:
    case WorkerState::kQuarantined:
      return true;
    case WorkerState::kGone:
    case WorkerState::kFailed:
      return places_[place].handle != nullptr && places_[place].handle->pid() != 0;
  }
  return false;
}

void Pool::start_process(std::size_t place) {
  const Time now = loop_.now();
  auto pid = spawn_worker(place, now);
  if (!pid) {
    start_failure_ = pid.error();
    log::error("worker_start_failed", name_of(place) + " did not start: " + pid.error().message,
               {{"pool", options().name}, {"worker", id(place)}});
    Place& here = places_[place];
    if (here.handle != nullptr) here.handle->ended();
    if (here.output != nullptr) here.output->ended();
    carry_out(supervisor_.spawn_failed(place, now));
    tell_rollout_of_end(place, "did not start: " + start_failure_->message);
    return;
  }
  places_[place].handle->started(*pid);
  supervisor_.spawned(place, now);
  certificates_.started(place, places_[place].generation->setting.tls_number);
  dispatcher_.attach(place, *places_[place].handle);
  ipc::WorkerRow& on_board = row(place);
  ipc::add(on_board.starts);
  if (places_[place].replaced_reason)
    ipc::add(on_board.restarts[static_cast<std::size_t>(*places_[place].replaced_reason)]);
  on_board.generation.store(places_[place].generation->number);
  on_board.started_at.store(wall_clock_seconds());
  on_board.started_ns.store(nanoseconds(now));
  on_board.ready_ns.store(0);
  on_board.pid.store(*pid);
  publish(place);
}

Result<pid_t> Pool::spawn_worker(std::size_t place, Time now) {
  Place& here = places_[place];
  TRY_VOID(equip(place, here.on_trial ? of_trials() : current_));
  const PoolGeneration& generation = *here.generation;
  const PoolSetting& setting = generation.setting;
  const config::Pool& options = *generation.options;
  const bool is_ours = options.command.empty();
  ipc::Bequest bequest;
  bequest.pool = options.name;
  bequest.worker_id = id(place);
  bequest.generation = generation.number;
  bequest.configuration = setting.configuration_fd;
  bequest.access_log = is_ours ? setting.access_log : -1;
  bequest.tls = setting.tls;
  here.wants.clear();
  if (options.type == config::PoolType::kProxy) bequest.endpoints = setting.endpoints_fd;
  if (setting.reads_board) bequest.pools = setting.board->fd();
  if (generation.limits) bequest.limits = generation.limits->fd();
  const bool in_kernel = options.policy == config::Policy::kRrKernel;
  bequest.listeners = in_kernel ? setting.own_sockets[place] : setting.sockets;
  WorkerHandle::Inheritance given = TRY(here.handle->prepare(std::move(bequest), now));
  const std::vector<int> descriptors = given.descriptors;
  Program program = program_for(place, std::move(given));
  if (here.output == nullptr) return spawn(program, descriptors);
  TRY_VOID(here.output->open());
  program.out = here.output->out();
  program.err = here.output->err();
  const pid_t pid = TRY(spawn(program, descriptors));
  here.output->started();
  return pid;
}

Program Pool::program_for(std::size_t place, WorkerHandle::Inheritance given) const {
  const PoolGeneration& generation = *places_[place].generation;
  const config::Pool& options = *generation.options;
  const bool ours = options.command.empty();
  Program program{.path = generation.executable,
                  .arguments = options.command,
                  .environment = std::move(given.environment),
                  .cwd = options.cwd,
                  .identity = generation.setting.identity,
                  .die_with_us = !ours,
                  .told_its_pid = given.told_its_pid};
  if (!ours) {
    program.environment.push_back("NODE_APP_INSTANCE=" + std::to_string(id(place) - 1));
    if (config::is_foreign(options.type)) {
      program.environment.push_back("ROUNDHOUSE_POOL=" + options.name);
      program.environment.push_back("ROUNDHOUSE_WORKER_ID=" + std::to_string(id(place)));
    }
  }
  if (ours)
    program.arguments = {"roundhouse", "worker", options.name + "/" + std::to_string(id(place))};
  if (embedding_) embedding_->set_program(place, program);
  const auto is_set = [&](std::string_view variable) {
    const std::string_view name = variable.substr(0, variable.find('=') + 1);
    return std::ranges::any_of(program.environment,
                               [&](const std::string& own) { return own.starts_with(name); });
  };
  for (const config::Variable& variable : options.env) {
    const std::string text = variable.name + "=" + variable.value;
    if (!is_set(text)) program.environment.push_back(text);
  }
  for (char** inherited = environ; *inherited != nullptr; ++inherited) {
    if (!is_set(*inherited) && !is_for_the_edge(*inherited))
      program.environment.emplace_back(*inherited);
  }
  return program;
}

bool Pool::reaped(pid_t pid, ExitStatus status, bool core_dumped, const rusage& usage, Time now) {
  const auto found = std::ranges::find_if(
      used_, [&](std::size_t used) { return places_[used].handle->pid() == pid; });
  if (found == used_.end()) return false;
  const std::size_t place = *found;
  WorkerHandle* const handle = places_[place].handle.get();
  // What it had forked dies with it. Process ids are given out in turn, so a group of this number
  // is its own still.
  if (config::is_program(options().type)) ::kill(-pid, SIGKILL);
  set_serving(place, false);
  certificates_.left(place);
  handle->died();
  status.announced = handle->has_announced_exit();
  if (status.signal != 0 || status.code != 0) dispatcher_.be_cautious(now + kCautiousAfterCrash);
  dispatcher_.detach(place, now);
  Actions actions;
  const Obituary obituary = supervisor_.exited(place, status, now, actions);
  places_[place].replaced_reason = obituary.reason;
  ipc::WorkerRow& on_board = row(place);
  Death death{.pool = options().name,
              .name = name_of(place),
              .worker = id(place),
              .pid = pid,
              .status = status,
              .core_dumped = core_dumped,
              .usage = usage,
              .why_not_ready = handle->why_not_ready(),
              .probe_saw = std::exchange(places_[place].probe_saw, ""),
              .last_words = last_words_of(place, pid, on_board.exits.load())};
  if (options().type == config::PoolType::kNode) death.hint = node_hint(death.last_words);
  const ipc::ExitRecord record = make_exit_record(death, obituary, handle->slot());
  ipc::write_exit(on_board, record);
  const bool crashed = obituary.reason == ExitReason::kCrash ||
                       obituary.reason == ExitReason::kOom || obituary.reason == ExitReason::kHang;
  if (crashed) ipc::add(on_board.crashes[static_cast<std::size_t>(status.signal) % ipc::kSignals]);
  ipc::add(on_board.dead_cpu_ns,
           static_cast<std::uint64_t>(record.user_cpu_ns + record.system_cpu_ns));
  on_board.pid.store(0);
  log_exit(death, obituary, record);
  handle->ended();
  ipc::reset_gauges(handle->slot(), nanoseconds(now));  // what died with it is open no more
  if (const auto& limits = places_[place].generation->limits) limits->clear(id(place) - 1);
  if (embedding_) embedding_->exited(place, status);
  publish(place);
  carry_out(actions);
  tell_rollout_of_end(place, loss_of(death, obituary));
  watch_untaken();
  return true;
}

// Of a program that has just ended, which are kept for `exit`, the next of its exits.
std::string Pool::last_words_of(std::size_t place, pid_t pid, std::size_t exit) {
  ProgramOutput* const output = places_[place].output.get();
  if (output == nullptr) return "";
  output->ended();
  std::string words = output->last_words();
  setting().output->board.keep_last_words(options().rows.first + place, exit, pid, words);
  return words;
}

}  // namespace roundhouse::edge
