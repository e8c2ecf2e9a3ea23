#include "simulation/pool.h"

#include <sys/socket.h>

#include <algorithm>
#include <csignal>

namespace roundhouse::simulation {
namespace {

using edge::Action;
using Kind = Action::Kind;

constexpr int kAcceptsPerTurn = 16;
constexpr Duration kRetry = 100ms;
constexpr std::uint8_t kPeers = 20;

}  // namespace

Pool::Pool(World& world, std::size_t index, std::function<void()> wake)
    : world_(world),
      plan_(world.plan.pools[index]),
      index_(index),
      wake_(std::move(wake)),
      supervisor_(plan_.options, world.random.below(1'000'000), world.now()),
      dispatcher_(plan_.options, plan_.listeners),
      watch_(world, plan_.options, supervisor_),
      rotation_(world.record, plan_.options.workers, plan_.listeners),
      workers_(plan_.options.workers),
      inboxes_(plan_.options.workers),
      listeners_(plan_.listeners),
      last_counts_(plan_.options.workers),
      took_(plan_.options.workers),
      all_honest_(plan_.options.workers, true),
      recovered_(plan_.options.workers) {}

void Pool::start() { carry_out(supervisor_.start(world_.now())); }

void Pool::arrive(std::size_t listener) {
  if (listeners_[listener].closed) return;
  listeners_[listener].backlog.push_back(world_.ledger.arrived(index_));
  if (listeners_[listener].accepting) wake_();
}

void Pool::heard(std::size_t place, Worker::Notice notice) {
  inboxes_[place].notices.push_back(notice);
  wake_();
}

void Pool::died(std::size_t place, const edge::ExitStatus& status) {
  inboxes_[place].death = status;
  wake_();
}

void Pool::carry_out(const edge::Actions& actions) {
  for (const Action& action : actions) {
    Worker* worker = workers_[action.place];
    if (action.kind != Kind::kSignal) plain_ = false;
    switch (action.kind) {
      case Kind::kStart:
        watch_.starts(action.place);
        start_process(action.place);
        break;
      case Kind::kServe:
        watch_.serves(action.place, worker);
        worker->serves(true);
        recovered_[action.place] = true;
        dispatcher_.serve(action.place, true);
        observe();
        resume_all();
        break;
      case Kind::kRest:
        worker->serves(false);
        dispatcher_.serve(action.place, false);
        break;
      case Kind::kDrain:
        watch_.drains(action.place, action.deadline);
        dispatcher_.flush(world_.now());
        worker->serves(false);
        dispatcher_.serve(action.place, false);
        worker->ask_to_drain();
        break;
      case Kind::kSignal:
        world_.record.note("edge signals place ", action.place, ": ", action.signal);
        watch_.signals(action.place, action.signal, worker);
        if (worker != nullptr) worker->signal(action.signal);
        break;
      case Kind::kPoolFailed:
        world_.record.note("pool ", index_, " failed at its first start");
        watch_.fails();
        failed_ = true;
        break;
    }
  }
}

void Pool::start_process(std::size_t place) {
  const Time now = world_.now();
  if (world_.faults_happen() && plan_.faults.failing_spawns && world_.random.chance(0.3)) {
    world_.record.note("place ", place, ": spawn fails");
    const edge::Actions actions = supervisor_.spawn_failed(place, now);
    watch_.spawn_failed(place);
    return carry_out(actions);
  }
  const Seat seat{index_, place, processes_.size() + 1};
  const Habits habits = make_habits(plan_, place, world_.faults_happen(), world_.random);
  Worker::Edge& edge = *this;
  processes_.push_back(std::make_unique<Worker>(world_, edge, seat, plan_.options, habits));
  Worker& worker = *processes_.back();
  workers_[place] = &worker;
  all_honest_[place] = all_honest_[place] && worker.honest();
  world_.record.note("edge starts ", seat);
  supervisor_.spawned(place, now);
  watch_.spawned(place);
  dispatcher_.attach(place, worker);
  worker.start();
}

void Pool::read_notices(std::size_t place) {
  while (!inboxes_[place].notices.empty()) {
    const Worker::Notice notice = inboxes_[place].notices.front();
    inboxes_[place].notices.pop_front();
    const Time now = world_.now();
    edge::Actions actions;
    switch (notice) {
      case Worker::Notice::kReady:
        actions = supervisor_.ready(place, now);
        watch_.ready(place);
        break;
      case Worker::Notice::kDraining:
        watch_.drains_itself(place);
        actions = supervisor_.draining(place, now);
        break;
      case Worker::Notice::kBreach:
        actions = supervisor_.breach(place, now);
        break;
      case Worker::Notice::kRoom:
        observe();
        resume_all();
        break;
    }
    carry_out(actions);
    if (notice == Worker::Notice::kBreach) watch_.broke_protocol(place, workers_[place]);
  }
}

void Pool::reap(std::size_t place) {
  plain_ = false;
  const edge::ExitStatus status = *inboxes_[place].death;
  inboxes_[place] = {};
  killed_at_stop_ = killed_at_stop_ || (stopping_ && status.signal == SIGKILL);
  Worker& worker = *workers_[place];
  worker.serves(false);
  dispatcher_.serve(place, false);
  if (status.signal != 0 || status.code != 0) dispatcher_.be_cautious(world_.now() + 10s);
  dispatcher_.detach(place, world_.now());
  edge::Actions actions;
  const edge::Obituary obituary = supervisor_.exited(place, status, world_.now(), actions);
  world_.record.note(worker.seat(), " is reaped, next: ", to_string(obituary.next), " in ",
                     seconds(obituary.next_start_in), ", reason ", to_string(obituary.reason));
  watch_.exited(place, status, obituary);
  world_.record.check(worker.untaken() == 0, worker.seat(), " keeps untaken connections in death");
  took_[place] += worker.took();
  worker.unreachable();
  workers_[place] = nullptr;
  carry_out(actions);
  watch_untaken();
}

void Pool::tick() {
  tick_due_ = false;
  std::vector<edge::Observation> seen(workers_.size());
  for (std::size_t place = 0; place < workers_.size(); ++place) {
    const Worker* worker = workers_[place];
    if (worker == nullptr) continue;
    seen[place] = {.heartbeat = worker->heartbeat(),
                   .stopped = worker->stopped(),
                   .requests = worker->requests()};
  }
  carry_out(supervisor_.tick(world_.now(), seen));
  for (std::size_t place = 0; place < workers_.size(); ++place)
    watch_.ticked(place, workers_[place]);
}

void Pool::watch_untaken() {
  observe();
  if (dispatcher_.busy()) watch_again();
}

// Gives nothing out and so leaves a turn plain, unless somebody waited or something is moved.
void Pool::observe() {
  const auto moved = [this] {
    std::uint64_t sum = dispatcher_.waiting();
    for (std::size_t place = 0; place < workers_.size(); ++place)
      sum += dispatcher_.counts(place).taken_back;
    return sum;
  };
  const std::uint64_t before = moved();
  plain_ = plain_ && dispatcher_.waiting() == 0;
  dispatcher_.observe(world_.now());
  plain_ = plain_ && moved() == before;
}

void Pool::watch_again() {
  if (untaken_running_) return;
  untaken_running_ = true;
  world_.timeline.in(plan_.options.handoff.stall / 4, [this] {
    untaken_running_ = false;
    untaken_due_ = true;
    wake_();
  });
}

void Pool::accept(Listener& listener) {
  const auto index = static_cast<std::uint32_t>(&listener - listeners_.data());
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    if (!dispatcher_.has_room(index)) {
      listener.accepting = false;
      return;
    }
    if (listener.backlog.empty()) return;
    if (plan_.faults.no_descriptors && world_.faults_happen() && world_.random.chance(0.05)) {
      listener.accepting = false;
      world_.timeline.in(kRetry, [this, &listener] {
        listener.retry_due = true;
        wake_();
      });
      return;
    }
    edge::Connection connection;
    connection.info.id = listener.backlog.front();
    connection.info.listener = index;
    connection.info.peer_family = AF_INET;
    connection.info.peer_host[3] = static_cast<std::uint8_t>(connection.info.id % kPeers);
    listener.backlog.pop_front();
    listener.accepted.push_back(connection.info.id);
    world_.ledger.accepted(connection.info.id);
    dispatcher_.offer(std::move(connection), world_.now());
    flush_due_ = true;
  }
  if (!listener.backlog.empty()) wake_();
}

void Pool::resume(Listener& listener) {
  const auto index = static_cast<std::uint32_t>(&listener - listeners_.data());
  listener.retry_due = false;
  if (listener.accepting || listener.closed || !dispatcher_.has_room(index)) return;
  listener.accepting = true;
  if (!listener.backlog.empty()) wake_();
}

void Pool::resume_all() {
  for (Listener& listener : listeners_) resume(listener);
}

void Pool::begin_stop() {
  stopping_ = true;
  plain_ = false;
  world_.record.note("pool ", index_, " stops");
  for (Listener& listener : listeners_) {
    const bool accepting = listener.accepting;
    for (int round = 0; accepting && round < 256 && !listener.backlog.empty(); ++round)
      accept(listener);
    listener.accepting = false;
    listener.closed = true;
    for (const Id id : std::exchange(listener.backlog, {})) world_.ledger.refused(id);
  }
  watch_.stops(*stop_at_);
  carry_out(supervisor_.stop(world_.now(), *stop_at_));
  stop_at_.reset();
}

void Pool::turn() {
  plain_ = dispatcher_.waiting() == 0;
  std::vector<std::function<void()>> due;
  for (std::size_t place = 0; place < workers_.size(); ++place) {
    if (!inboxes_[place].notices.empty()) due.emplace_back([this, place] { read_notices(place); });
    if (inboxes_[place].death) due.emplace_back([this, place] { reap(place); });
  }
  for (Listener& listener : listeners_) {
    if (listener.accepting && !listener.backlog.empty())
      due.emplace_back([this, &listener] {
        if (listener.accepting) accept(listener);
      });
    if (listener.retry_due) due.emplace_back([this, &listener] { resume(listener); });
  }
  if (tick_due_) due.emplace_back([this] { tick(); });
  if (std::exchange(untaken_due_, false)) due.emplace_back([this] { watch_untaken(); });
  if (stop_at_) due.emplace_back([this] { begin_stop(); });
  world_.random.shuffle(due);
  for (const auto& handle : due) handle();
  if (std::exchange(flush_due_, false)) {
    dispatcher_.flush(world_.now());
    watch_again();
  }
  check_turn();
}

void Pool::calm() {
  for (std::size_t place = 0; place < workers_.size(); ++place)
    recovered_[place] = workers_[place] != nullptr && workers_[place]->serving();
  for (const auto& process : processes_) process->calm();
}

void Pool::begin_probe() {
  given_before_probe_.assign(workers_.size(), 0);
  for (std::size_t place = 0; place < workers_.size(); ++place) {
    if (workers_[place] == nullptr || !workers_[place]->healthy()) continue;
    given_before_probe_[place] = 1 + dispatcher_.counts(place).given;
  }
  const config::Pool::Recycle& recycle = plan_.options.recycle;
  const bool recycles = recycle.requests != 0 || recycle.lifetime != Duration::zero();
  if (recycles || plan_.options.policy == config::Policy::kSticky) given_before_probe_.clear();
  for (std::size_t i = 0; i < workers_.size(); ++i) arrive(0);
}

void Pool::end_probe() {
  for (std::size_t place = 0; place < given_before_probe_.size(); ++place) {
    if (given_before_probe_[place] == 0 || workers_[place] == nullptr) continue;
    const std::uint64_t given = 1 + dispatcher_.counts(place).given - given_before_probe_[place];
    world_.record.check(given > 0, workers_[place]->seat(), " is idle and gets nothing");
  }
}

void Pool::end() {
  for (const Id id : world_.ledger.at_edge(index_))
    world_.ledger.shed(id, plan_.faults.any() || failed_ || killed_at_stop_);
}

bool Pool::has_died() const {
  for (std::size_t place = 0; place < workers_.size(); ++place) {
    if (supervisor_.state(place) != edge::WorkerState::kFailed) return false;
  }
  return true;
}

bool Pool::has_recovered() const {
  for (std::size_t place = 0; place < workers_.size(); ++place) {
    if (!recovered_[place] && supervisor_.state(place) != edge::WorkerState::kFailed) return false;
  }
  return true;
}

}  // namespace roundhouse::simulation
