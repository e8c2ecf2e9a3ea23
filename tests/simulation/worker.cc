#include "simulation/worker.h"

#include <algorithm>
#include <csignal>

namespace roundhouse::simulation {
namespace {

constexpr Duration kToEdgeMax = 200us;  // until the edge could hear of something
constexpr int kMessagesPerTurn = 8;

}  // namespace

std::ostream& operator<<(std::ostream& out, const Seat& seat) {
  return out << "worker " << seat.pool << "/" << seat.place << "#" << seat.incarnation;
}

Worker::Worker(World& world, Edge& edge, Seat seat, const config::Pool& options,
               const Habits& habits)
    : world_(world),
      edge_(edge),
      seat_(seat),
      options_(options),
      habits_(habits),
      started_(world.now()),
      ever_lied_(habits.lie != Lie::kNone) {}

// A fault at a moment of its own: only while faults happen, and to a living process.
template <typename What>
void Worker::after(const std::optional<Duration>& moment, What what) {
  if (!moment) return;
  world_.timeline.in(*moment, [this, what] {
    if (alive_ && world_.faults_happen()) what();
  });
}

void Worker::start() {
  if (!habits_.never_ready) world_.timeline.in(habits_.boot, [this] { become_ready(); });
  after(habits_.exits_after,
        [this] { die({.signal = habits_.exit_signal, .code = habits_.exit_code}); });
  after(habits_.stops_after, [this] { fall_silent(stopped_, "is stopped"); });
  after(habits_.hangs_after, [this] { fall_silent(hung_, "hangs"); });
  after(habits_.drains_after, [this] {
    if (!ready_ || !runs() || draining_) return;
    tell(Notice::kDraining);
    begin_drain("by itself");
  });
  after(habits_.breaches_after, [this] {
    if (!runs()) return;
    breached_ = true;
    world_.record.note(seat_, " breaks the protocol");
    tell(Notice::kBreach);
  });
  after(habits_.breaks_after, [this] {
    broken_ = true;
    world_.record.note(seat_, " has a broken channel");
  });
}

void Worker::become_ready() {
  if (!runs()) {
    if (alive_) world_.timeline.in(10ms, [this] { become_ready(); });
    return;
  }
  ready_ = true;
  tell(Notice::kReady);
  read_later();
}

void Worker::fall_silent(bool& how, const char* name) {
  if (silent()) return;
  last_beat_ = heartbeat();
  how = true;
  world_.record.note(seat_, " ", name);
  if (habits_.goes_on_after)
    world_.timeline.in(*habits_.goes_on_after, [this, &how] { wake(how); });
}

void Worker::wake(bool& how) {
  how = false;
  if (!alive_ || silent()) return;
  if (abort_waits_) return die({.signal = SIGABRT});
  world_.record.note(seat_, " goes on");
  woke_ = world_.now();
  for (const Id id : std::exchange(owed_, {})) finish(id);
  read_later();
  answer_room();
}

Time Worker::heartbeat() const {
  if (silent()) return last_beat_;
  return started_ + (world_.now() - started_) / kHeartbeat * kHeartbeat;
}

void Worker::signal(int number) {
  if (!alive_) return;
  if (number == SIGKILL) return die({.signal = SIGKILL});
  if (stopped_) {
    abort_waits_ = abort_waits_ || number == SIGABRT;
  } else if (number == SIGABRT && !(hung_ && habits_.ignores_abort)) {
    die({.signal = SIGABRT});
  } else if (number == SIGTERM && !hung_ && !habits_.never_ready) {
    die({.signal = SIGTERM});
  }
}

void Worker::die(const edge::ExitStatus& status) {
  if (!alive_) return;
  alive_ = false;
  world_.record.note(seat_, " dies: signal ", status.signal, ", code ", status.code, ", ",
                     open_.size(), " open, ", untaken(), " untaken");
  for (const Id id : open_) world_.ledger.died(id, seat_);
  open_.clear();
  world_.timeline.in(world_.random.between(0us, kToEdgeMax),
                     [this, status] { edge_.died(seat_.place, status); });
}

void Worker::calm() {
  habits_.lie = Lie::kNone;
  habits_.channel_capacity = kChannelCapacity;
  habits_.full_chance = 0;
  room_answered_ = 0;  // what a liar or a full channel hid is looked at again
  answer_room();
  if (broken_) die({.signal = SIGSEGV});
}

void Worker::tell(Notice notice) {
  world_.timeline.in(world_.random.between(0us, kToEdgeMax), [this, notice] {
    if (reachable_) edge_.heard(seat_.place, notice);
  });
}

std::size_t Worker::untaken() const {
  std::size_t count = 0;
  for (const Message& message : queue_) count += message.connections.size();
  return count;
}

ipc::Sent Worker::send(std::uint64_t sequence, std::span<edge::Connection> batch) {
  const auto not_sent = [&](ipc::Sent why) {
    for (const edge::Connection& connection : batch)
      world_.ledger.not_sent(connection.info.id, seat_);
    return why;
  };
  if (broken_) return not_sent(ipc::Sent::kClosed);
  if (untaken() + batch.size() > habits_.channel_capacity ||
      (habits_.full_chance > 0 && world_.random.chance(habits_.full_chance))) {
    world_.record.note(seat_, ": channel full");
    return not_sent(ipc::Sent::kFull);
  }
  Message& message = queue_.emplace_back(Message{Kind::kConnections, sequence, {}});
  for (const edge::Connection& connection : batch) {
    world_.ledger.sent(connection.info.id, seat_);
    message.connections.push_back(connection.info);
  }
  world_.record.note(seat_, " is given ", batch.size(), " from ", batch.front().info.id);
  read_later();
  return ipc::Sent::kYes;
}

ipc::Sent Worker::nudge(std::uint64_t sequence) {
  if (broken_) return ipc::Sent::kClosed;
  if (habits_.full_chance > 0 && world_.random.chance(habits_.full_chance)) return ipc::Sent::kFull;
  queue_.push_back({Kind::kNudge, sequence, {}});
  read_later();
  return ipc::Sent::kYes;
}

void Worker::ask_to_drain() {
  queue_.push_back({Kind::kDrain, 0, {}});
  read_later();
  // Should the message have found the channel full, the heartbeat reads it in the slot.
  world_.timeline.in(2 * kHeartbeat, [this] { begin_drain("by its slot"); });
}

std::uint64_t Worker::take_back(std::vector<edge::Connection>& out) {
  const auto message = std::ranges::find(queue_, Kind::kConnections, &Message::kind);
  if (message == queue_.end()) return 0;
  for (const ipc::ConnectionInfo& info : message->connections) {
    world_.ledger.taken_back(info.id, seat_, alive_ && serving_, ever_lied_);
    out.push_back({.fd = UniqueFd(), .info = info, .tried = {}});
  }
  const std::uint64_t sequence = message->sequence;
  world_.record.note("taken back from ", seat_, ": ", message->connections.size(), " from ",
                     message->connections.front().id);
  queue_.erase(message);
  return sequence;
}

std::uint64_t Worker::taken() const {
  switch (habits_.lie) {
    case Lie::kNone:
      break;
    case Lie::kAllTaken:
      return ~std::uint64_t{0};
    case Lie::kNothingTaken:
      return 0;
    case Lie::kAnything:
      return world_.random.below(taken_ + 10);
  }
  return taken_;
}

void Worker::want_room() {
  ++room_wanted_;
  if (room_wanted_ == room_answered_ + 1)  // an idle worker sees it at its next heartbeat
    world_.timeline.in(kHeartbeat, [this] { answer_room(); });
}

void Worker::answer_room() {
  if (!runs() || !ready_ || draining_ || room_wanted_ == room_answered_ || !has_room()) return;
  room_answered_ = room_wanted_;
  tell(Notice::kRoom);
}

void Worker::read_later() {
  if (reading_ || !runs() || !ready_ || queue_.empty()) return;
  reading_ = true;
  world_.timeline.in(habits_.take_delay, [this] {
    reading_ = false;
    if (!runs()) return;
    for (int i = 0; i < kMessagesPerTurn && !queue_.empty() && has_room(); ++i) read();
    answer_room();
    if (has_room()) read_later();
    leave_if_drained();
  });
}

void Worker::read() {
  const Message message = std::move(queue_.front());
  queue_.pop_front();
  if (message.kind == Kind::kDrain) return begin_drain("as asked");
  if (message.kind == Kind::kConnections) take(message);
  taken_ = message.sequence;
}

void Worker::take(const Message& message) {
  for (const ipc::ConnectionInfo& info : message.connections) {
    world_.ledger.taken(info.id, seat_);
    open_.insert(info.id);
    ++took_;
    const Duration service = world_.random.between(100us, habits_.service_max);
    world_.timeline.in(service, [this, id = info.id] { finish(id); });
  }
  world_.record.note(seat_, " takes ", message.connections.size(), " from ",
                     message.connections.front().id);
  world_.record.check(open_.size() <= options_.worker_connections || !honest() || draining_, seat_,
                      " has ", open_.size(), " open, more than worker_connections");
}

void Worker::finish(Id id) {
  if (!alive_) return;
  if (silent()) return owed_.push_back(id);
  open_.erase(id);
  ++requests_;
  world_.ledger.served(id, seat_);
  answer_room();
  read_later();
  leave_if_drained();
}

void Worker::begin_drain(const char* why) {
  if (draining_ || !runs() || !ready_) return;
  draining_ = true;
  world_.record.note(seat_, " drains ", why);
  read_later();
  leave_if_drained();
}

void Worker::leave_if_drained() {
  if (!draining_ || !runs() || !open_.empty()) return;
  const bool unread = untaken() > 0;
  if (!unread || habits_.leaves_unread) die({.signal = 0, .code = 0});
}

}  // namespace roundhouse::simulation
