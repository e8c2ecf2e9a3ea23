#include "edge/native_handle.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace roundhouse::edge {
namespace {

constexpr int kMessagesPerTurn = 8;  // a worker that never stops talking keeps nobody waiting

// The only way to know is to try; take-backs are rare.
bool has_descriptors_for_a_message(int any) {
  std::array<UniqueFd, ipc::kMaxDescriptors> tried;
  return std::ranges::all_of(tried, [any](UniqueFd& fd) {
    fd.reset(::fcntl(any, F_DUPFD_CLOEXEC, 0));
    return static_cast<bool>(fd);
  });
}

}  // namespace

NativeHandle::NativeHandle(EventLoop& loop, std::size_t place, Listener& listener,
                           ipc::Shared<ipc::Slot> slot)
    : WorkerHandle(place, listener, std::move(slot)), loop_(loop) {}

Result<WorkerHandle::Inheritance> NativeHandle::prepare(ipc::Bequest bequest, Time now) {
  auto [ours, theirs] = TRY(ipc::Channel::create_pair());
  channel_ = std::move(ours);
  workers_end_ = std::move(theirs);
  kept_.clear();
  may_return_ = certificates_ = 0;
  ipc::reset_gauges(slot(), nanoseconds(now));
  requests_at_start_ = slot().requests_total.load(std::memory_order_relaxed);
  watcher_.watch(loop_, channel_.fd(), Interest::kRead, Trigger::kLevel, *this);
  bequest.channel = workers_end_.fd();
  bequest.memory = slot_fd();
  return Inheritance{bequest.descriptors(), bequest.environment()};
}

void NativeHandle::ended() {
  watcher_.stop();
  channel_.close();
  workers_end_.close();
  WorkerHandle::ended();
}

void NativeHandle::on_ready(Ready /*ready*/) {
  for (int i = 0; i < kMessagesPerTurn; ++i) {
    // What it gives back stays with it, or in the channel, until somebody has room for it.
    if (may_return_ != 0 && !has_room_for_returned()) return watcher_.stop();
    switch (channel_.receive(message_)) {
      case ipc::Received::kNothing:
        return;
      case ipc::Received::kClosed:
      case ipc::Received::kMalformed:
      case ipc::Received::kTruncated:
        watcher_.stop();
        return listener().on_breach(place());
      case ipc::Received::kMessage:
        break;
    }
    if (obey_message()) continue;
    watcher_.stop();
    return listener().on_breach(place());
  }
}

bool NativeHandle::has_room_for_returned() {
  return listener().wants_returned(place(), may_return_) &&
         has_descriptors_for_a_message(workers_end_.fd());
}

bool NativeHandle::obey_message() {
  if (message_.type() == ipc::MessageType::kReturn) return take_returned();
  if (message_.type() == ipc::MessageType::kTlsAnswer) return take_tls_answer();
  const bool notice =
      message_.bytes().size() == sizeof(ipc::NoticeMessage) && message_.descriptors().empty();
  switch (notice ? message_.type() : ipc::MessageType{}) {
    case ipc::MessageType::kReady:
      listener().on_ready_notice(place());
      return true;
    case ipc::MessageType::kDraining:
      listener().on_draining_notice(place());
      return true;
    case ipc::MessageType::kRoom:
      listener().on_room_notice(place());
      return true;
    default:
      return false;
  }
}

bool NativeHandle::take_returned() {
  const auto connections = message_.connections();
  if (connections.empty()) return false;
  for (std::size_t i = 0; i < connections.size(); ++i) {
    const std::uint32_t listener_of_it = connections[i].listener;
    if (!ipc::DrainTerms{.give_back = may_return_}.wants_back(listener_of_it)) return false;
    listener().on_returned(
        place(), {.fd = std::move(message_.descriptors()[i]), .info = connections[i], .tried = {}});
  }
  return true;
}

// Of a worker that was given some.
bool NativeHandle::take_tls_answer() {
  const auto* answer = message_.as<ipc::TlsAnswerMessage>();
  if (answer == nullptr || message_.bytes().size() != sizeof *answer ||
      !message_.descriptors().empty() || answer->number == 0 || answer->number > certificates_)
    return false;
  std::string refusal;
  if (answer->accepted == 0)
    refusal.assign(answer->reason, ::strnlen(answer->reason, sizeof answer->reason));
  if (answer->accepted == 0 && refusal.empty()) refusal = "it does not say why";
  listener().on_tls_answer(place(), answer->number, refusal);
  return true;
}

void NativeHandle::hear_again() {
  if (channel_ && !watcher_.watching())
    watcher_.watch(loop_, channel_.fd(), Interest::kRead, Trigger::kLevel, *this);
}

// What is in the channel came from a worker that lived, room or not.
void NativeHandle::died() {
  if (may_return_ == 0) return;
  while (has_descriptors_for_a_message(workers_end_.fd()) &&
         channel_.receive(message_) == ipc::Received::kMessage) {
    if (message_.type() == ipc::MessageType::kReturn) take_returned();
  }
}

void NativeHandle::ask_to_drain(const ipc::DrainTerms& terms) {
  may_return_ = terms.give_back;
  slot().drain_by_ns.store(nanoseconds(terms.deadline), std::memory_order_relaxed);
  ipc::DrainMessage drain = ipc::to_message(terms);
  channel_.send(drain, ipc::MessageType::kDrain);
}

bool NativeHandle::give(ipc::MessageType what, int fd, std::uint64_t number) {
  ipc::FileMessage message{.header = {what, sizeof message, 0}, .number = number};
  certificates_ = std::max(certificates_, number);
  return channel_.send(std::as_bytes(std::span(&message, 1)), std::span(&fd, 1)) !=
         ipc::Sent::kFull;
}

std::optional<Time> NativeHandle::heartbeat() const {
  return time_from_nanoseconds(slot().heartbeat_ns.load(std::memory_order_relaxed));
}

std::uint64_t NativeHandle::requests_since_start() const {
  return slot().requests_total.load(std::memory_order_relaxed) - requests_at_start_;
}

ipc::Sent NativeHandle::send(std::uint64_t sequence, std::span<Connection> batch) {
  std::array<ipc::ConnectionInfo, ipc::kMaxDescriptors> connections;
  std::array<int, ipc::kMaxDescriptors> descriptors;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    connections[i] = batch[i].info;
    descriptors[i] = batch[i].fd.get();
  }
  return channel_.send(ipc::MessageType::kConnections, sequence,
                       std::span(connections).first(batch.size()),
                       std::span(descriptors).first(batch.size()));
}

ipc::Sent NativeHandle::nudge(std::uint64_t sequence) {
  ipc::NudgeMessage message{};
  return channel_.send(message, ipc::MessageType::kNudge, sequence);
}

// Without room for a whole message it stays where it is, for the next time.
std::uint64_t NativeHandle::take_back(std::vector<Connection>& out) {
  while (has_descriptors_for_a_message(workers_end_.fd()) &&
         workers_end_.receive(message_) == ipc::Received::kMessage) {
    const auto connections = message_.connections();
    if (connections.empty()) {
      const auto bytes = message_.bytes();
      Kept& kept = kept_.emplace_back();
      kept.bytes.assign(bytes.begin(), bytes.end());
      for (UniqueFd& fd : message_.descriptors()) kept.descriptors.push_back(std::move(fd));
      continue;
    }
    for (std::size_t i = 0; i < connections.size(); ++i) {
      out.push_back(
          {.fd = std::move(message_.descriptors()[i]), .info = connections[i], .tried = {}});
    }
    return message_.sequence();
  }
  resend_kept();
  return 0;
}

void NativeHandle::resend_kept() {
  for (const Kept& kept : kept_) {
    std::vector<int> descriptors;
    descriptors.reserve(kept.descriptors.size());
    for (const UniqueFd& fd : kept.descriptors) descriptors.push_back(fd.get());
    channel_.send(kept.bytes, descriptors);
  }
  kept_.clear();
}

void NativeHandle::want_room() {
  slot().room_wanted.store(slot().room_wanted.load(std::memory_order_relaxed) + 1);
}

}  // namespace roundhouse::edge
