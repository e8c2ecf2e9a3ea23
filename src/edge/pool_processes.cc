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
  const std::size_t place = handles_.size();
  CHECK(setting_.first_row + place < setting_.board->workers());
  setting_.board->begin_row(setting_.first_row + place);
  handles_.push_back(TRY(make_handle(place)));
  supervisor_.add_place(loop_.now(), embedding_->respawns);
  dispatcher_.add_worker();
  places_.emplace_back();
  return {};
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
      return handles_[place]->pid() != 0;
  }
  return false;
}

void Pool::start_process(std::size_t place) {
  const Time now = loop_.now();
  auto pid = spawn_worker(place, now);
  if (!pid) {
    start_failure_ = pid.error();
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
  if (places_[place].replaced_reason)
    ipc::add(on_board.restarts[static_cast<std::size_t>(*places_[place].replaced_reason)]);
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
  places_[place].wants_access_log = false;
  if (options_.type == config::PoolType::kProxy) bequest.endpoints = setting_.endpoints_fd;
  if (setting_.reads_board) bequest.pools = setting_.board->fd();
  if (limits_) bequest.limits = limits_->fd();
  bequest.listeners = turns_ ? setting_.own_sockets[place] : setting_.sockets;
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
  if (embedding_) embedding_->set_program(place, program);
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

bool Pool::reaped(pid_t pid, ExitStatus status, bool core_dumped, const rusage& usage, Time now) {
  const auto handle =
      std::ranges::find_if(handles_, [pid](const auto& h) { return h->pid() == pid; });
  if (handle == handles_.end()) return false;
  const auto place = static_cast<std::size_t>(handle - handles_.begin());
  // What it had forked dies with it. Process ids are given out in turn, so a group of this number
  // is its own still.
  if (config::is_program(options_.type)) ::kill(-pid, SIGKILL);
  set_serving(place, false);
  (*handle)->died();
  status.announced = (*handle)->has_announced_exit();
  if (status.signal != 0 || status.code != 0) dispatcher_.be_cautious(now + kCautiousAfterCrash);
  dispatcher_.detach(place, now);
  Actions actions;
  const Obituary obituary = supervisor_.exited(place, status, now, actions);
  places_[place].replaced_reason = obituary.reason;
  ipc::WorkerRow& on_board = row(place);
  Death death{.pool = options_.name,
              .name = name_of(place),
              .worker = id(place),
              .pid = pid,
              .status = status,
              .core_dumped = core_dumped,
              .usage = usage,
              .why_not_ready = (*handle)->why_not_ready(),
              .probe_saw = std::exchange(places_[place].probe_saw, ""),
              .last_words = last_words_of(place, pid, on_board.exits.load())};
  if (options_.type == config::PoolType::kNode) death.hint = node_hint(death.last_words);
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
  if (limits_) limits_->clear(place);
  if (embedding_) embedding_->exited(place, status);
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

}  // namespace roundhouse::edge
