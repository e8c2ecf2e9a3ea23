#include "edge/node_handle.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <utility>

namespace roundhouse::edge {
namespace {

using namespace std::chrono_literals;

constexpr int kReadsPerTurn = 8;  // a worker that never stops talking keeps nobody waiting
constexpr std::size_t kReadSize = 16 * 1024;
constexpr int kLastReads = 256;  // of what a dead worker has left: more than a socket holds
// What the edge has answered and the worker does not read.
constexpr std::size_t kUnsentMax = 1 << 20;
// Out of rotation for so long before `disconnect`: Node closes connections on which nothing has
// come yet (nodejs/node#63470).
constexpr Duration kQuiet = 100ms;
// The kernel holds as many descriptors in flight as it allows.
constexpr Duration kRetry = 10ms;

bool is_set(const config::Pool& pool, const char* name) {
  return std::ranges::find(pool.env, name, &config::Variable::name) != pool.env.end() ||
         std::getenv(name) != nullptr;
}

NodeFormat format_of(const config::Pool& pool) {
  const auto mode =
      std::ranges::find(pool.env, "NODE_CHANNEL_SERIALIZATION_MODE", &config::Variable::name);
  return mode != pool.env.end() && mode->value == "advanced" ? NodeFormat::kAdvanced
                                                             : NodeFormat::kJson;
}

}  // namespace

NodeHandle::NodeHandle(EventLoop& loop, std::size_t place, Listener& listener,
                       ipc::Shared<ipc::Slot> slot, Setting setting)
    : WorkerHandle(place, listener, std::move(slot)),
      loop_(loop),
      pool_(setting.pool),
      listens_(setting.listens),
      id_(setting.id),
      own_door_(setting.own_door),
      own_sockets_(setting.own_sockets),
      format_(format_of(setting.pool)),
      framing_(format_),
      writer_(format_),
      disconnect_timer_(loop, [this] { disconnect(); }),
      drain_(loop, std::move(setting.requests_in_flight), [this] { disconnect(); }),
      rest_timer_(loop, [this] { end_rest(); }) {}

Result<WorkerHandle::Inheritance> NodeHandle::prepare(ipc::Bequest bequest, Time now) {
  TRY_VOID(channel_.open());
  framing_.reset();
  writer_ = NodeWriter(format_);
  last_sequence_ = nudge_ = 0;
  room_wanted_ = announced_ = told_to_leave_ = dead_ = false;
  ipc::reset_gauges(slot(), nanoseconds(now));
  watch(false);
  const std::string id = std::to_string(bequest.worker_id);
  Inheritance given;
  given.descriptors = {channel_.workers_end()};
  given.environment = {
      "NODE_CHANNEL_FD=" + std::to_string(ipc::kFirstDescriptor),
      std::string("NODE_CHANNEL_SERIALIZATION_MODE=") +
          (format_ == NodeFormat::kJson ? "json" : "advanced"),
      "NODE_UNIQUE_ID=" + id,
      "NODE_APP_INSTANCE=" + std::to_string(bequest.worker_id - 1),
      "ROUNDHOUSE_POOL=" + bequest.pool,
      "ROUNDHOUSE_WORKER_ID=" + id,
  };
  if (const std::uint16_t port = listens_.only_port(); port != 0 && !is_set(pool_, "PORT"))
    given.environment.push_back("PORT=" + std::to_string(port));
  return given;
}

void NodeHandle::died() {
  for (int i = 0; i < kLastReads && read_messages() > 0; ++i) {
  }
  dead_ = true;
}

void NodeHandle::ended() {
  watcher_.stop();
  disconnect_timer_.stop();
  drain_.stop();
  rest_timer_.stop();
  channel_.close();
  given_.clear();
  recalled_.reset();
  for (const Held& held : std::exchange(held_, {})) listens_.release(*held.endpoint, false);
  serving_ = {};
  WorkerHandle::ended();
}

void NodeHandle::ask_to_drain(const ipc::DrainTerms& terms) {
  if (announced_) return;
  if (own_door_) return drain_.start(terms.deadline);
  disconnect_timer_.start_once(kQuiet);
}

void NodeHandle::disconnect() {
  told_to_leave_ = true;
  listener().on_door_notice(place());
  channel_.post(writer_.disconnect());
  flush();
}

std::optional<Time> NodeHandle::unanswered_since() {
  if (!given_.empty()) return given_.front().at;
  if (nudge_ != 0 && !channel_.all_read()) return nudged_at_;
  return std::nullopt;
}

std::string NodeHandle::listens() const {
  std::string text;
  for (const Held& held : held_)
    text += (text.empty() ? "" : ", ") + listens_.describe(*held.endpoint);
  return text;
}

std::string NodeHandle::why_not_ready() const {
  if (held_.empty()) return "it never called listen()";
  const bool asked = std::ranges::any_of(
      held_, [](const Held& held) { return held.endpoint->listener.has_value(); });
  if (asked) return "it asked for " + listens() + ", and never said that it listens";
  return "it listens on " + listens() + ", and on nothing that a listener serves";
}

void NodeHandle::watch(bool writing) {
  watches_writing_ = writing;
  watcher_.watch(loop_, channel_.fd(), writing ? Interest::kReadWrite : Interest::kRead,
                 Trigger::kLevel, *this);
}

void NodeHandle::on_ready(Ready ready) {
  if (ready.writable) {
    flush();
    if (!channel_.is_full()) say_room();
    // There is room, and yet not for a descriptor: only time tells.
    if (channel_.is_full()) {
      watch(false);
      rest_timer_.start_once(kRetry);
    }
  }
  // A short read was the last: the loop tells if there is more after all.
  for (int i = 0; ready.readable && i < kReadsPerTurn && read_messages() == kReadSize; ++i) {
  }
  if (!watcher_.watching()) return listener().on_breach(place());
  flush();
  if (room_wanted_) say_room();
}

// One read, of at most kReadSize bytes. 0: there was nothing, or nothing more is wanted; then
// nothing is watched.
std::size_t NodeHandle::read_messages() {
  std::array<char, kReadSize> buffer;
  const ipc::StreamReceived received = channel_.receive(buffer);
  if (received.status == ipc::Received::kNothing) return 0;
  const bool good = received.status == ipc::Received::kMessage &&
                    framing_.feed({buffer.data(), received.size}, *this) &&
                    channel_.unsent() <= kUnsentMax;
  if (!good) watcher_.stop();
  return good ? received.size : 0;
}

// Whoever rests longer than the first is looked at again.
void NodeHandle::end_rest() {
  flush();
  const Time now = loop_.now();
  std::optional<Time> next;
  for (const Serving& serving : serving_) {
    if (serving.rests_until > now && (!next || serving.rests_until < *next))
      next = serving.rests_until;
  }
  if (next) rest_timer_.start_once(*next - now + 1ms);
  say_room();
}

void NodeHandle::say_room() {
  room_wanted_ = false;
  listener().on_room_notice(place());
}

// What comes in at its own door is for the first listener's server, unless one is mapped.
std::optional<std::size_t> NodeHandle::index_of_server(std::uint32_t listener) const {
  const auto serves = [this](std::size_t index) { return !serving_[index].key.empty(); };
  const std::size_t wanted = listener == own_door_ ? kOwnDoor : listener;
  if (wanted <= kOwnDoor && serves(wanted)) return wanted;
  const bool is_any = listener == own_door_ && !listens_.maps_own_door();
  for (std::size_t index = 0; is_any && index < kOwnDoor; ++index) {
    if (serves(index)) return index;
  }
  return std::nullopt;
}

NodeHandle::Serving* NodeHandle::server_of(std::uint32_t listener) {
  const auto index = index_of_server(listener);
  return index ? &serving_[*index] : nullptr;
}

bool NodeHandle::has_shut_its_door() const {
  return own_door_ && (announced_ || told_to_leave_ || !index_of_server(*own_door_));
}

bool NodeHandle::willing(std::uint32_t listener) const {
  if (listener == own_door_ && has_shut_its_door()) return false;
  const auto index = index_of_server(listener);
  return index && serving_[*index].rests_until <= loop_.now();
}

ipc::Sent NodeHandle::send(std::uint64_t sequence, std::span<Connection> batch) {
  if (channel_.is_full()) return ipc::Sent::kFull;
  Connection& connection = batch.front();
  const Serving* const here = server_of(connection.info.listener);
  const std::string key = here == nullptr ? "" : here->key;  // then it is turned away
  channel_.post_connection(writer_.connection(key, sequence), connection.fd.get(), sequence);
  given_.push_back({.sequence = sequence,
                    .at = loop_.now(),
                    .connection = {.fd = std::move(connection.fd), .info = connection.info}});
  last_sequence_ = sequence;
  return ipc::Sent::kYes;
}

ipc::Sent NodeHandle::nudge(std::uint64_t sequence) {
  if (channel_.is_full()) return ipc::Sent::kFull;
  channel_.post(writer_.nudge());
  nudge_ = last_sequence_ = sequence;
  nudged_at_ = loop_.now();
  flush();
  return ipc::Sent::kYes;
}

void NodeHandle::flush() {
  if (channel_.unsent() == 0 || dead_ || !watcher_.watching()) return;
  channel_.flush();
  if (channel_.is_full() != watches_writing_) watch(channel_.is_full());
}

// Of a living worker what it has not read; of a dead one also what it has not answered.
std::uint64_t NodeHandle::take_back(std::vector<Connection>& out) {
  if (!recalled_) {
    recalled_.emplace();
    if (dead_) {
      for (const Given& given : given_) recalled_->push_back(given.sequence);
    } else {
      std::ranges::copy(channel_.recall(), std::back_inserter(*recalled_));
      if (channel_.is_full() != watches_writing_) watch(channel_.is_full());
    }
  }
  while (!recalled_->empty()) {
    const auto given = find(recalled_->front());
    recalled_->pop_front();
    if (given == given_.end()) continue;
    const std::uint64_t sequence = given->sequence;
    out.push_back(std::move(given->connection));
    given_.erase(given);
    return sequence;
  }
  recalled_.reset();
  return 0;
}

std::uint64_t NodeHandle::taken() const {
  const std::uint64_t answered = given_.empty() ? last_sequence_ : given_.front().sequence - 1;
  if (nudge_ == 0 || nudge_ > answered) return answered;
  return channel_.all_read() ? answered : nudge_ - 1;
}

}  // namespace roundhouse::edge
