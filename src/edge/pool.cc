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
#include "edge/program_handle.h"
#include "net/listener.h"

namespace roundhouse::edge {
namespace {

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

Result<std::unique_ptr<Pool>> Pool::create_embedded(EventLoop& loop, const config::Pool& options,
                                                    Setting setting, Signals signals,
                                                    Embedding embedding) {
  config::Pool without_places = options;
  without_places.workers = 0;
  return std::unique_ptr<Pool>(
      new Pool(loop, without_places, std::move(setting), std::move(signals), std::move(embedding)));
}

Result<std::unique_ptr<WorkerHandle>> Pool::make_handle(std::size_t place) {
  if (embedding_) return embedding_->make_handle(place, *this);
  if (options_.type == config::PoolType::kNode) {
    if (node_listens_ == nullptr)
      node_listens_ = std::make_unique<NodeListens>(options_, setting_.served, setting_.identity);
    std::optional<std::uint32_t> own_door;
    if (setting_.proxied) own_door = own_door_of(place);
    return NodeHandle::create(
        loop_, place, *this,
        {.pool = options_,
         .listens = *node_listens_,
         .own_door = own_door,
         .own_sockets = setting_.own_sockets[place],
         .requests_in_flight = [this, place] { return setting_.requests_in_flight(place); }});
  }
  if (!config::is_foreign(options_.type)) return NativeHandle::create(loop_, place, *this);
  return ProgramHandle::create(
      loop_, place, *this,
      {.options = options_,
       .header = setting_.board->header(),
       .row = row(place),
       .folder = setting_.folder,
       .proxied = setting_.proxied,
       .socket_names = setting_.socket_names,
       .requests_in_flight = [this, place] { return setting_.requests_in_flight(place); },
       .next_search = next_search_});
}

Pool::Pool(EventLoop& loop, const config::Pool& options, Setting setting, Signals signals,
           std::optional<Embedding> embedding)
    : loop_(loop),
      options_(options),
      setting_(std::move(setting)),
      signals_(std::move(signals)),
      embedding_(std::move(embedding)),
      supervisor_(options, seed(), loop.now()),
      dispatcher_(options, setting_.listeners),
      places_(options.workers),
      untaken_timer_(loop, [this] { watch_untaken(); }),
      turns_timer_(loop, [this] { watch_turns(); }),
      access_log_(options.command.empty() ? setting_.access_log : -1) {
  if (options.policy == config::Policy::kRrKernel)
    turns_.emplace(options.workers, options.handoff.stall);
  if (options.policy == config::Policy::kSticky && options.workers > 1) peers_.emplace();
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
  const std::uint32_t listener = connection.info.listener;
  dispatcher_.turned_away(place, sequence, std::move(connection), loop_.now());
  if (is_shut_door(listener)) dispatcher_.drop_waiting(listener);
  flush_later();
}

void Pool::on_breach(std::size_t place) {
  log::error("worker_broke_protocol",
             name_of(place) + " broke the protocol of its channel: it is replaced",
             {{"pool", options_.name}, {"worker", id(place)}, {"pid", handles_[place]->pid()}});
  carry_out(supervisor_.breach(place, loop_.now()));
}

void Pool::on_door_notice(std::size_t place) { publish(place); }

void Pool::offer(Connection connection) {
  const std::uint32_t listener = connection.info.listener;
  if (is_shut_door(listener)) return;
  // At own doors it is always the proxies.
  if (const auto found =
          peers_ && !is_own_door(listener) ? peers_->see(connection.info) : std::nullopt)
    warn_of_one_peer(*found);
  dispatcher_.offer(std::move(connection), loop_.now());
  flush_later();
}

void Pool::warn_of_one_peer(const PeerWatch::Finding& found) const {
  const std::string where =
      found.peer.is_unix() ? "unix sockets" : "one address, " + found.peer.host();
  const std::string cookie =
      config::can_be_proxied(options_.type)
          ? "`via: proxy` at the listener and, instead of the policy, upstreams: {" +
                options_.name + ": {pool: " + options_.name + ", sticky: {cookie: NAME}}}"
          : "upstreams.NAME.sticky.cookie";
  log::warn(
      "peers_are_one",
      "pool " + options_.name + " is sticky by address, and " + std::to_string(found.connections) +
          " of " + std::to_string(PeerWatch::kCounted) + " connections came from " + where +
          ": if a balancer stands there, all its clients have one worker; a cookie tells "
          "them apart (" +
          cookie + ")",
      {{"pool", options_.name}, {"peer", found.peer.host()}, {"connections", found.connections}});
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

bool Pool::is_shut_door(std::uint32_t listener) const {
  return is_own_door(listener) && is_shut(listener - setting_.listeners);
}

// Nobody serves the worker's own door, nor will at once: one that starts is waited for.
bool Pool::is_shut(std::size_t place) const {
  if (options_.type != config::PoolType::kNode || !setting_.proxied) return false;
  switch (supervisor_.state(place)) {
    case WorkerState::kStarting:
      return false;
    case WorkerState::kReady:
    case WorkerState::kDraining:
      return handles_[place]->has_shut_its_door();
    case WorkerState::kGone:
    case WorkerState::kBackoff:
    case WorkerState::kQuarantined:
    case WorkerState::kFailed:
      return true;
  }
  return true;
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
  const WorkerState state = supervisor_.state(place);
  if (on_board.state.exchange(state) != state) ipc::add(setting_.board->header().changes);
  on_board.next_start_ns.store(nanoseconds(supervisor_.next_start(place)));
  const bool shut = is_shut(place);
  const bool was_shut = on_board.shut.exchange(shut ? 1 : 0) != 0;
  if (shut != was_shut) ipc::add(setting_.board->header().changes);
  if (shut) dispatcher_.drop_waiting(own_door_of(place));
  if (shut && !was_shut) signals_.room();  // to what waits in the backlog
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
  for (std::size_t place = 0; place < handles_.size(); ++place) open += dispatcher_.untaken(place);
  // What is open at its own door a worker does not tell.
  return is_own_door(listener) ? open : open + open_at_workers(listener);
}

std::uint64_t Pool::open_at_workers(std::uint32_t listener) const {
  std::uint64_t open = 0;
  for (const auto& handle : handles_) {
    const std::uint32_t claimed =
        handle->slot().listener_active[listener].load(std::memory_order_relaxed);
    open += std::min(claimed, options_.worker_connections);  // it may claim anything
  }
  return open;
}

void Pool::set_access_log(int fd) {
  if (access_log_ < 0) return;
  access_log_ = fd;
  for (std::size_t place = 0; place < handles_.size(); ++place)
    places_[place].wants_access_log = handles_[place]->pid() != 0;
  hand_out_access_log();
}

// To one whose channel is full at a later tick.
void Pool::hand_out_access_log() {
  for (std::size_t place = 0; place < handles_.size(); ++place) {
    if (!places_[place].wants_access_log) continue;
    const bool is_gone = handles_[place]->pid() == 0;
    places_[place].wants_access_log = !is_gone && !handles_[place]->give_access_log(access_log_);
  }
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

void Pool::stop(Time now, Time deadline) {
  if (node_listens_ != nullptr) node_listens_->stop();
  carry_out(supervisor_.stop(now, deadline));
}

void Pool::kill() {
  for (const auto& handle : handles_) handle->signal(SIGKILL);
}

}  // namespace roundhouse::edge
