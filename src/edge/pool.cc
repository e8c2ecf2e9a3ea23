#include "edge/pool.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "base/log.h"
#include "edge/native_handle.h"
#include "edge/node_handle.h"
#include "edge/process_probe.h"
#include "edge/program_handle.h"

namespace roundhouse::edge {
namespace {

// A generator of its own for each pool; nothing here is a secret.
std::uint64_t seed() {
  return static_cast<std::uint64_t>(Clock::now().time_since_epoch().count()) ^
         static_cast<std::uint64_t>(::getpid());
}

}  // namespace

Pool::Pool(EventLoop& loop, Generation generation, PoolSignals signals,
           std::optional<PoolEmbedding> embedding)
    : loop_(loop),
      signals_(std::move(signals)),
      embedding_(std::move(embedding)),
      current_(std::move(generation)),
      places_(std::max(options().rows.count(), options().workers)),
      worker_places_(options().rows.ids),
      supervisor_(current_->options, seed(), loop.now()),
      dispatcher_(options(), ipc::kMaxListeners),
      untaken_timer_(loop, [this] { watch_untaken(); }),
      turns_timer_(loop, [this] { watch_turns(); }) {
  std::iota(worker_places_.begin(), worker_places_.end(), std::size_t{0});
}

Result<std::unique_ptr<Pool>> Pool::create_embedded(EventLoop& loop, const config::Pool& options,
                                                    PoolSetting setting, PoolSignals signals,
                                                    PoolEmbedding embedding) {
  config::Pool without_places = options;
  without_places.workers = 0;
  auto generation =
      TRY(PoolGeneration::create(1, without_places, std::move(setting), loop.now(), nullptr));
  return std::make_unique<Pool>(loop, std::move(generation), std::move(signals),
                                std::move(embedding));
}

// Before a process is started there. What the place has counted stays.
Result<void> Pool::equip(std::size_t place, const Generation& generation) {
  Place& here = places_[place];
  if (here.handle != nullptr && here.generation == generation) return {};
  const bool is_first = here.handle == nullptr;
  if (is_first) setting().board->begin_row(options().rows.first + place);
  auto handle = TRY(make_handle(place, *generation));
  here.handle = std::move(handle);
  here.generation = generation;
  const config::Pool& options = *generation->options;
  if (config::is_program(options.type)) {
    const std::string prefix = options.name + "/" + std::to_string(id(place)) + " | ";
    here.output = std::make_unique<ProgramOutput>(
        loop_, *generation->setting.output,
        ProgramOutput::Setting{.row = options.rows.first + place,
                               .prefix = options.output == config::Output::kPrefix ? prefix : "",
                               .counts = row(place)});
  }
  if (!is_first) return {};
  used_.push_back(place);
  return signals_.place_begun ? signals_.place_begun(place) : Result<void>();
}

Result<std::unique_ptr<WorkerHandle>> Pool::make_handle(std::size_t place,
                                                        const PoolGeneration& generation) {
  const config::Pool& options = *generation.options;
  const PoolSetting& setting = generation.setting;
  WorkerHandle::Listener& self = *this;
  if (embedding_) return embedding_->make_handle(place, self);
  WorkerHandle* const before = places_[place].handle.get();
  ipc::Shared<ipc::Slot> slot = before != nullptr
                                    ? before->take_slot()
                                    : TRY(ipc::Shared<ipc::Slot>::create("roundhouse-slot"));
  const auto in_flight = [&generation, place] {
    return generation.setting.requests_in_flight(place);
  };
  if (options.type == config::PoolType::kNode) {
    std::optional<std::uint32_t> own_door;
    if (setting.proxied) own_door = own_door_of(place);
    return std::make_unique<NodeHandle>(
        loop_, place, self, std::move(slot),
        NodeHandle::Setting{.pool = options,
                            .listens = *generation.node_listens,
                            .id = id(place),
                            .own_door = own_door,
                            .own_sockets = setting.own_sockets[place],
                            .requests_in_flight = in_flight});
  }
  if (!config::is_foreign(options.type))
    return std::make_unique<NativeHandle>(loop_, place, self, std::move(slot));
  return std::make_unique<ProgramHandle>(
      loop_, place, self, std::move(slot),
      ProgramHandle::Setting{.options = options,
                             .header = setting.board->header(),
                             .row = row(place),
                             .id = id(place),
                             .folder = setting.folder,
                             .proxied = setting.proxied,
                             .socket_names = setting.socket_names,
                             .requests_in_flight = in_flight,
                             .next_search = next_search_});
}

void Pool::start() {
  set_up_turns();
  if (options().policy == config::Policy::kSticky && options().workers > 1) peers_.emplace();
  carry_out(supervisor_.start(loop_.now()));
}

void Pool::carry_out(const Actions& actions) {
  for (const Action& action : actions) {
    switch (action.kind) {
      case Action::Kind::kStart:
        start_process(action.place);
        break;
      case Action::Kind::kServe:
        if (places_[action.place].on_trial) break;
        set_serving(action.place, true);
        dispatcher_.observe(loop_.now());
        signals_.room();
        break;
      case Action::Kind::kRest:
        set_serving(action.place, false);
        break;
      case Action::Kind::kDrain:
        drain(action);
        break;
      case Action::Kind::kSignal:
        places_[action.place].handle->signal(action.signal);
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
  return "worker " + (setting().is_only_pool ? number : options().name + "/" + number);
}

void Pool::on_ready_notice(std::size_t place) {
  const Actions actions = supervisor_.ready(place, loop_.now());
  if (actions.empty()) return;
  ipc::WorkerRow& on_board = row(place);
  on_board.ready_ns.store(nanoseconds(loop_.now()));
  log::info(
      "worker_online",
      "edge " + std::to_string(::getpid()) + ", " + name_of(place) + " (pid " +
          std::to_string(places_[place].handle->pid()) + ") is online",
      {{"pool", options().name},
       {"worker", id(place)},
       {"pid", places_[place].handle->pid()},
       {"started_in", brief(loop_.now() - time_from_nanoseconds(on_board.started_ns.load()))}});
  carry_out(actions);
  if (!places_[place].on_trial) return;
  carry_out(rollout_->ready(id(place)));
  signals_.rollout_moved();
}

void Pool::on_draining_notice(std::size_t place) {
  const Actions actions = supervisor_.draining(place, loop_.now());
  if (actions.empty()) return;
  log::info(
      "worker_draining", name_of(place) + " drains: it was asked to stop",
      {{"pool", options().name}, {"worker", id(place)}, {"pid", places_[place].handle->pid()}});
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
  log::error(
      "worker_broke_protocol",
      name_of(place) + " broke the protocol of its channel: it is replaced",
      {{"pool", options().name}, {"worker", id(place)}, {"pid", places_[place].handle->pid()}});
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
      config::can_be_proxied(options().type)
          ? "`via: proxy` at the listener and, instead of the policy, upstreams: {" +
                options().name + ": {pool: " + options().name + ", sticky: {cookie: NAME}}}"
          : "upstreams.NAME.sticky.cookie";
  log::warn(
      "peers_are_one",
      "pool " + options().name + " is sticky by address, and " + std::to_string(found.connections) +
          " of " + std::to_string(PeerWatch::kCounted) + " connections came from " + where +
          ": if a balancer stands there, all its clients have one worker; a cookie tells "
          "them apart (" +
          cookie + ")",
      {{"pool", options().name}, {"peer", found.peer.host()}, {"connections", found.connections}});
}

void Pool::flush_later() {
  if (flush_is_due_) return;
  flush_is_due_ = true;
  loop_.defer([this] {
    flush_is_due_ = false;
    dispatcher_.flush(Clock::now());
    if (!untaken_timer_.running()) untaken_timer_.start_once(options().handoff.stall / 4);
  });
}

bool Pool::is_shut_door(std::uint32_t listener) const {
  return is_own_door(listener) && is_shut(listener - ipc::kMaxListeners);
}

// Nobody serves the worker's own door, nor will at once: one that starts is waited for.
bool Pool::is_shut(std::size_t place) const {
  if (places_[place].on_trial) return true;
  if (options().type != config::PoolType::kNode || !setting().proxied) return false;
  switch (supervisor_.state(place)) {
    case WorkerState::kStarting:
      return false;
    case WorkerState::kReady:
    case WorkerState::kDraining:
      return places_[place].handle->has_shut_its_door();
    case WorkerState::kGone:
    case WorkerState::kBackoff:
    case WorkerState::kQuarantined:
    case WorkerState::kFailed:
      return true;
  }
  return true;
}

void Pool::watch_untaken() {
  dispatcher_.observe(loop_.now());
  signals_.room();  // nobody who waits here stands in the way any more
  if (dispatcher_.busy()) untaken_timer_.start_once(options().handoff.stall / 4);
}

Observation Pool::observe(std::size_t place, Time now) const {
  if (places_[place].handle == nullptr) return {};
  WorkerHandle& handle = *places_[place].handle;
  const config::Pool& options = *places_[place].generation->options;
  Observation seen{.heartbeat = handle.heartbeat()};
  if (handle.pid() == 0) return seen;
  seen.unanswered_since = handle.unanswered_since();
  const bool silent = seen.heartbeat && now - *seen.heartbeat >= options.liveness.replace;
  const bool owing =
      seen.unanswered_since && now - *seen.unanswered_since >= options.liveness.unanswered;
  if (silent || owing) seen.stopped = is_stopped(handle.pid());
  seen.requests = handle.requests_since_start();
  if (options.recycle.memory != 0) seen.memory = resident_bytes(handle.pid());
  return seen;
}

void Pool::tick(Time now) {
  std::vector<Observation> observations;
  observations.reserve(places_.size());
  for (std::size_t place = 0; place < places_.size(); ++place)
    observations.push_back(observe(place, now));
  carry_out(supervisor_.tick(now, observations));
  hand_out_files();
  for (const std::size_t place : used_) publish(place);
}

void Pool::publish(std::size_t place) {
  ipc::WorkerRow& on_board = row(place);
  const WorkerState state = supervisor_.state(place);
  if (on_board.state.exchange(state) != state) ipc::add(setting().board->header().changes);
  on_board.next_start_ns.store(nanoseconds(supervisor_.next_start(place)));
  on_board.on_trial.store(places_[place].on_trial ? 1 : 0);
  const bool shut = is_shut(place);
  const bool was_shut = on_board.shut.exchange(shut ? 1 : 0) != 0;
  if (shut != was_shut) ipc::add(setting().board->header().changes);
  if (shut) dispatcher_.drop_waiting(own_door_of(place));
  if (shut && !was_shut) signals_.room();  // to what waits in the backlog
  const HandoffCounts& counts = dispatcher_.counts(place);
  on_board.given.store(counts.given, std::memory_order_relaxed);
  on_board.taken.store(counts.taken, std::memory_order_relaxed);
  on_board.taken_back.store(counts.taken_back, std::memory_order_relaxed);
  on_board.returned.store(counts.returned, std::memory_order_relaxed);
  on_board.given_back.store(counts.given_back, std::memory_order_relaxed);
  on_board.messages.store(places_[place].handle->program_messages(), std::memory_order_relaxed);
  on_board.untaken.store(static_cast<std::uint32_t>(dispatcher_.untaken(place)),
                         std::memory_order_relaxed);
  on_board.certificates.store(certificates_.used(place), std::memory_order_relaxed);
  on_board.certificates_refused.store(certificates_.refuses(place) ? 1 : 0,
                                      std::memory_order_relaxed);
  on_board.stalled.store(dispatcher_.stalled(place) ? 1 : 0, std::memory_order_relaxed);
  const std::string listens = places_[place].handle->listens();
  if (std::string_view(on_board.listens) != listens.substr(0, sizeof on_board.listens - 1))
    std::snprintf(on_board.listens, sizeof on_board.listens, "%s", listens.c_str());
}

std::uint64_t Pool::connections_of(std::uint32_t listener) const {
  std::uint64_t open = dispatcher_.waiting();
  for (const std::size_t place : used_) open += dispatcher_.untaken(place);
  // What is open at its own door a worker does not tell.
  return is_own_door(listener) ? open : open + open_at_workers(listener);
}

std::uint64_t Pool::open_at_workers(std::uint32_t listener) const {
  std::uint64_t open = 0;
  for (const std::size_t place : used_) {
    const std::uint32_t claimed =
        places_[place].handle->slot().listener_active[listener].load(std::memory_order_relaxed);
    open += std::min(claimed, options().worker_connections);  // it may claim anything
  }
  return open;
}

std::uint32_t Pool::requests_at(std::size_t endpoint_row) const {
  std::uint32_t all = 0;
  for (const std::size_t place : used_) {
    const WorkerHandle& handle = *places_[place].handle;
    if (handle.pid() != 0)
      all +=
          handle.slot().endpoints[endpoint_row].requests_in_flight.load(std::memory_order_relaxed);
  }
  return all;
}

}  // namespace roundhouse::edge
