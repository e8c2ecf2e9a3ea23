#include "native/connection_source.h"

#include <dirent.h>
#include <sys/resource.h>

#include <algorithm>
#include <limits>

#include "base/log.h"
#include "net/listener.h"

namespace roundhouse::native {
namespace {

constexpr int kMessagesPerTurn = 8;
// When to look again: nobody tells that descriptors are free, or a listener that others had filled.
constexpr Duration kRetry = std::chrono::milliseconds(100);
// Kept free besides one whole message: for a log, a backtrace, whatever a library opens for a
// moment.
constexpr std::uint32_t kSpareDescriptors = 4;

std::uint32_t descriptor_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<std::uint32_t>(
      std::min<rlim_t>(limit.rlim_cur, std::numeric_limits<std::uint32_t>::max()));
}

// None is free where there is none to look with.
std::uint32_t open_descriptors(std::uint32_t limit) {
  DIR* directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) return limit;
  std::uint32_t count = 0;
  while (::readdir(directory) != nullptr) ++count;
  ::closedir(directory);
  return count;
}

}  // namespace

ConnectionSource::ConnectionSource(EventLoop& loop, ipc::Heritage heritage, ipc::Slot& slot,
                                   const SourceOptions& options, ConnectionSink& sink)
    : loop_(loop),
      heritage_(std::move(heritage)),
      channel_(std::move(heritage_.channel)),
      slot_(slot),
      options_(options),
      sink_(sink),
      heartbeat_(loop, [this] { beat(); }),
      retry_(loop,
             [this] {
               update_interest();
               resume_acceptors();
             }),
      reserved_(open_descriptors(descriptor_limit()) + kSpareDescriptors),
      limit_(descriptor_limit()),
      room_answered_(slot.room_wanted.load()),
      busy_before_(slot.busy_ns.load()) {
  set_capacity();
  for (const ipc::OwnedListener& listener : heritage_.listeners) {
    acceptors_.push_back(std::make_unique<Acceptor>(*this, listener.listener, listener.fd.get()));
  }
}

void ConnectionSource::start() {
  beat();
  heartbeat_.start_periodic(options_.heartbeat);
  update_interest();
  ipc::NoticeMessage ready{};
  channel_.send(ready, ipc::MessageType::kReady);
}

void ConnectionSource::add_listener(std::uint32_t listener, UniqueFd fd) {
  heritage_.listeners.push_back({listener, std::move(fd)});
  acceptors_.push_back(
      std::make_unique<Acceptor>(*this, listener, heritage_.listeners.back().fd.get()));
  if (taking_ && !draining_) set_interest(*acceptors_.back());
}

void ConnectionSource::remove_listener(std::uint32_t listener) {
  std::erase_if(acceptors_, [&](const auto& acceptor) { return acceptor->listener == listener; });
  std::erase_if(heritage_.listeners,
                [&](const ipc::OwnedListener& owned) { return owned.listener == listener; });
}

// At least one whole message must fit: a descriptor lost for want of room (MSG_CTRUNC) is a
// connection lost.
bool ConnectionSource::has_room() const {
  return (open_ < options_.worker_connections || draining_) && has_descriptors();
}

bool ConnectionSource::has_descriptors() const {
  const std::uint64_t promised =
      std::uint64_t{open_ + ipc::kMaxDescriptors} * options_.descriptors_each;
  return promised + (options_.allowance != nullptr ? options_.allowance->taken() : 0) <= capacity_;
}

void ConnectionSource::set_capacity() {
  capacity_ = limit_ > reserved_ ? limit_ - reserved_ : 0;
  share_descriptors();
}

// Half of what the connections and the next message leave: so many more may come before anything
// has to be closed for them.
void ConnectionSource::share_descriptors() {
  if (options_.allowance == nullptr) return;
  const std::uint64_t promised =
      std::uint64_t{open_ + ipc::kMaxDescriptors} * options_.descriptors_each;
  options_.allowance->set_most(
      capacity_ > promised ? static_cast<std::uint32_t>(capacity_ - promised) / 2 : 0);
}

void ConnectionSource::update_interest() {
  const bool wanted = has_room();
  if (wanted == taking_) return;
  taking_ = wanted;
  channel_watcher_.watch(loop_, channel_.fd(), wanted ? Interest::kRead : Interest::kNone,
                         Trigger::kLevel, *this);
  for (const auto& acceptor : acceptors_) set_interest(*acceptor);
}

// Each worker looks for itself: where several accept at once, each can be one too many.
bool ConnectionSource::is_full(std::uint32_t listener) const {
  return options_.limits != nullptr && listener < options_.listener_connections.size() &&
         options_.limits->listener_connections(listener) >= options_.listener_connections[listener];
}

void ConnectionSource::set_interest(Acceptor& acceptor) {
  const bool full = is_full(acceptor.listener);
  acceptor.watcher.watch(loop_, acceptor.fd, taking_ && !full ? Interest::kRead : Interest::kNone,
                         Trigger::kLevel, acceptor);
  acceptor.full = taking_ && full;
  if (acceptor.full) retry_.start_once(kRetry);
}

void ConnectionSource::resume_acceptors() {
  for (const auto& acceptor : acceptors_) {
    if (acceptor->full) set_interest(*acceptor);
  }
}

void ConnectionSource::on_ready(Ready /*ready*/) {
  for (int i = 0; i < kMessagesPerTurn && has_room(); ++i) {
    if (!read_message()) break;
  }
  update_interest();
  answer_room();
}

bool ConnectionSource::read_message() {
  switch (channel_.receive(message_)) {
    case ipc::Received::kMessage:
      break;
    case ipc::Received::kNothing:
      return false;
    case ipc::Received::kTruncated:
      forgo(message_);
      return true;
    case ipc::Received::kMalformed:
    case ipc::Received::kClosed:  // the edge is dead: finish and leave
      channel_watcher_.stop();
      begin_drain(terms_by_itself(Time::max()));
      return false;
  }
  switch (message_.type()) {
    case ipc::MessageType::kConnections:
      take(message_);
      break;
    case ipc::MessageType::kDrain:
      if (const auto* drain = message_.as<ipc::DrainMessage>()) begin_drain(ipc::terms_of(*drain));
      break;
    case ipc::MessageType::kAccessLog:
      if (message_.descriptors().size() == 1)
        sink_.on_access_log(std::move(message_.descriptors().front()));
      break;
    case ipc::MessageType::kTlsMaterial:
      take_tls_material(message_);
      break;
    default:
      slot_.taken.store(message_.sequence());
      break;  // a nudge: having read it is the answer
  }
  return true;
}

void ConnectionSource::take(ipc::Message& message) {
  const auto connections = message.connections();
  const std::int64_t now = nanoseconds(Clock::now());
  for (const ipc::ConnectionInfo& info : connections) {
    opened(info.listener);
    ipc::record_handoff(slot_, now - info.accepted_ns);
  }
  // Only now: the edge adds what is untaken to what is open.
  slot_.taken.store(message.sequence());
  for (std::size_t i = 0; i < connections.size(); ++i) {
    sink_.on_connection(std::move(message.descriptors()[i]), connections[i]);
  }
}

// The limit was lowered under us a moment ago, or others use more descriptors than we know of. What
// did not fit is lost; that none is free now keeps the next one from it.
void ConnectionSource::forgo(ipc::Message& message) {
  if (message.type() == ipc::MessageType::kTlsMaterial) return take_tls_material(message);
  if (message.sequence() == 0) return;  // it carried no connections
  log::error("connection_lost", "connections were lost: no descriptors were free to receive them");
  slot_.taken.store(message.sequence());
  limit_ = descriptor_limit();
  const std::uint32_t used = open_ * options_.descriptors_each +
                             (options_.allowance != nullptr ? options_.allowance->taken() : 0);
  reserved_ = std::max(reserved_, limit_ > used ? limit_ - used : 0);
  set_capacity();
}

void ConnectionSource::take_tls_material(ipc::Message& message) {
  const auto* file = message.as<ipc::FileMessage>();
  if (file == nullptr) return;
  const Result<void> taken = message.descriptors().size() == 1
                                 ? sink_.on_tls_material(std::move(message.descriptors().front()))
                                 : fail("no descriptor was free to receive them");
  tls_answer_ = {.header = {},
                 .number = file->number,
                 .accepted = taken ? 1U : 0U,
                 .reserved = 0,
                 .reason = {}};
  if (!taken) taken.error().message.copy(tls_answer_->reason, sizeof tls_answer_->reason - 1);
  send_tls_answer();
}

void ConnectionSource::send_tls_answer() {
  if (tls_answer_ && channel_.send(*tls_answer_, ipc::MessageType::kTlsAnswer) != ipc::Sent::kFull)
    tls_answer_.reset();
}

void ConnectionSource::opened(std::uint32_t listener) {
  ++open_;
  share_descriptors();
  ipc::increment(slot_.connections_active);
  ipc::add(slot_.connections_total);
  if (listener >= ipc::kMaxListeners) return;
  ipc::increment(slot_.listener_active[listener]);
  if (options_.limits != nullptr)
    ipc::increment(options_.limits->listener_active(worker_id() - 1, listener));
}

void ConnectionSource::connection_closed(std::uint32_t listener) {
  --open_;
  share_descriptors();
  ipc::decrement(slot_.connections_active);
  if (listener < ipc::kMaxListeners) {
    ipc::decrement(slot_.listener_active[listener]);
    if (options_.limits != nullptr)
      ipc::decrement(options_.limits->listener_active(worker_id() - 1, listener));
  }
  if (!taking_) update_interest();
  resume_acceptors();
  answer_room();
}

// The edge stores room_wanted, then reads taken; here taken is stored, then room_wanted read (all
// seq_cst): one of the two always sees the other.
void ConnectionSource::answer_room() {
  const std::uint32_t wanted = slot_.room_wanted.load();
  if (wanted == room_answered_ || draining_ || !has_room()) return;
  ipc::NoticeMessage room{};
  if (channel_.send(room, ipc::MessageType::kRoom) == ipc::Sent::kYes) room_answered_ = wanted;
}

void ConnectionSource::beat() {
  slot_.heartbeat_ns.store(nanoseconds(Clock::now()), std::memory_order_relaxed);
  const auto busy = std::chrono::duration_cast<std::chrono::nanoseconds>(loop_.busy()).count();
  slot_.busy_ns.store(busy_before_ + static_cast<std::uint64_t>(busy), std::memory_order_relaxed);
  if (const std::uint32_t limit = descriptor_limit(); limit != limit_) {  // prlimit(1)
    limit_ = limit;
    set_capacity();
    update_interest();
  }
  // Nobody tells that a pipe, or a connection to an endpoint, was closed.
  if (options_.allowance != nullptr && options_.allowance->taken() > 0 && !has_descriptors())
    sink_.on_shortage();
  if (!taking_) update_interest();
  answer_room();
  send_tls_answer();
  const std::int64_t drain_by = slot_.drain_by_ns.load(std::memory_order_relaxed);
  if (drain_by != 0 && !draining_) begin_drain(terms_by_itself(time_from_nanoseconds(drain_by)));
  // A worker without room does not read its channel: the end of the edge is looked for here.
  if (!taking_ && !draining_ && channel_.is_hung_up()) begin_drain(terms_by_itself(Time::max()));
}

void ConnectionSource::drain_by_itself() {
  if (draining_) return;
  ipc::NoticeMessage notice{};
  channel_.send(notice, ipc::MessageType::kDraining);
  begin_drain(terms_by_itself(Time::max()));
}

// Nobody says more than that.
ipc::DrainTerms ConnectionSource::terms_by_itself(Time deadline) const {
  const Time by = std::min(deadline, loop_.now() + options_.drain);
  return {.deadline = by, .requests_until = by};
}

bool ConnectionSource::give_back(std::span<const ipc::ConnectionInfo> connections,
                                 std::span<const int> descriptors) {
  return channel_.send(ipc::MessageType::kReturn, 0, connections, descriptors) == ipc::Sent::kYes;
}

void ConnectionSource::stop() {
  heartbeat_.stop();
  retry_.stop();
  channel_watcher_.stop();
  acceptors_.clear();
}

bool ConnectionSource::take_rest() {
  const std::uint32_t before = open_;
  while (channel_watcher_.watching() && has_room() && read_message()) {
  }
  return open_ != before;
}

// What already lies in the channel was accepted for this worker, so it is still taken and served:
// the drain message came behind it. A worker that drains by itself reads on until the edge, which
// has been told, sends nothing more.
void ConnectionSource::begin_drain(const ipc::DrainTerms& terms) {
  if (draining_) return sink_.on_drain(terms);
  draining_ = true;
  for (const auto& acceptor : acceptors_) {
    for (int i = 0; i < 64 && has_room(); ++i) accept_one(*acceptor);
    acceptor->watcher.stop();
  }
  acceptors_.clear();
  heritage_.listeners.clear();  // closed, never shut down: others accept from them
  sink_.on_drain(terms);
}

void ConnectionSource::Acceptor::on_ready(Ready /*ready*/) { source.accept_one(*this); }

// One for each wake: the other workers wake too, and each takes one.
void ConnectionSource::accept_one(Acceptor& acceptor) {
  if (is_full(acceptor.listener)) {
    if (!draining_) set_interest(acceptor);
    return;
  }
  Accepted accepted;
  switch (accept_from(acceptor.fd, accepted)) {
    case AcceptStatus::kNothing:
      return;
    case AcceptStatus::kNoDescriptors:
      taking_ = false;
      for (const auto& other : acceptors_) other->watcher.stop();
      retry_.start_once(kRetry);
      return;
    case AcceptStatus::kAccepted:
      break;
  }
  ipc::ConnectionInfo info{};
  info.accepted_ns = nanoseconds(loop_.now());
  info.listener = acceptor.listener;
  ipc::set_peer(info, accepted.peer);
  opened(info.listener);
  if (info.listener < ipc::kMaxListeners) ipc::add(slot_.listener_accepted[info.listener]);
  sink_.on_connection(std::move(accepted.fd), info);
  if (!draining_) update_interest();
}

}  // namespace roundhouse::native
