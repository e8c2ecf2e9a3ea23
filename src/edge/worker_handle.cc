#include "edge/worker_handle.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <csignal>

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

Result<std::unique_ptr<WorkerHandle>> WorkerHandle::create(EventLoop& loop, std::size_t place,
                                                           Listener& listener) {
  auto slot = TRY(ipc::Shared<ipc::Slot>::create("roundhouse-slot"));
  return std::unique_ptr<WorkerHandle>(new WorkerHandle(loop, place, listener, std::move(slot)));
}

WorkerHandle::WorkerHandle(EventLoop& loop, std::size_t place, Listener& listener,
                           ipc::Shared<ipc::Slot> slot)
    : loop_(loop), place_(place), listener_(listener), slot_(std::move(slot)) {}

Result<int> WorkerHandle::open_channel(Time now) {
  auto [ours, theirs] = TRY(ipc::Channel::create_pair());
  channel_ = std::move(ours);
  workers_end_ = std::move(theirs);
  kept_.clear();
  ipc::reset_gauges(*slot_, nanoseconds(now));
  requests_at_start_ = slot_->requests_total.load(std::memory_order_relaxed);
  watcher_.watch(loop_, channel_.fd(), Interest::kRead, Trigger::kLevel, *this);
  return workers_end_.fd();
}

void WorkerHandle::close_channel() {
  watcher_.stop();
  channel_.close();
  workers_end_.close();
  pid_ = 0;
}

void WorkerHandle::on_ready(Ready /*ready*/) {
  for (int i = 0; i < kMessagesPerTurn; ++i) {
    switch (channel_.receive(message_)) {
      case ipc::Received::kNothing:
        return;
      case ipc::Received::kClosed:
      case ipc::Received::kMalformed:
      case ipc::Received::kTruncated:
        watcher_.stop();
        return listener_.on_breach(place_);
      case ipc::Received::kMessage:
        break;
    }
    const bool notice =
        message_.bytes().size() == sizeof(ipc::NoticeMessage) && message_.descriptors().empty();
    switch (notice ? message_.type() : ipc::MessageType{}) {
      case ipc::MessageType::kReady:
        listener_.on_ready_notice(place_);
        break;
      case ipc::MessageType::kDraining:
        listener_.on_draining_notice(place_);
        break;
      case ipc::MessageType::kRoom:
        listener_.on_room_notice(place_);
        break;
      default:
        watcher_.stop();
        return listener_.on_breach(place_);
    }
  }
}

void WorkerHandle::ask_to_drain(Time deadline) {
  slot_->drain_by_ns.store(nanoseconds(deadline), std::memory_order_relaxed);
  ipc::DrainMessage drain{.header = {}, .deadline_ns = nanoseconds(deadline)};
  channel_.send(drain, ipc::MessageType::kDrain);
}

bool WorkerHandle::signal(int number) const {
  if (pid_ == 0) return false;
  // The group does not exist before the child has made it.
  return ::kill(-pid_, number) == 0 || ::kill(pid_, number) == 0;
}

Time WorkerHandle::heartbeat() const {
  return time_from_nanoseconds(slot_->heartbeat_ns.load(std::memory_order_relaxed));
}

std::uint64_t WorkerHandle::requests_since_start() const {
  return slot_->requests_total.load(std::memory_order_relaxed) - requests_at_start_;
}

ipc::Sent WorkerHandle::send(std::uint64_t sequence, std::span<const Connection> batch) {
  ipc::ConnectionsMessage message;
  const std::size_t size = ipc::connections_message_size(batch.size());
  message.header = {ipc::MessageType::kConnections, static_cast<std::uint32_t>(size), sequence};
  message.count = static_cast<std::uint32_t>(batch.size());
  message.reserved = 0;
  std::array<int, ipc::kMaxDescriptors> descriptors;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    message.connections[i] = batch[i].info;
    descriptors[i] = batch[i].fd.get();
  }
  return channel_.send(std::as_bytes(std::span(&message, 1)).first(size),
                       std::span(descriptors).first(batch.size()));
}

ipc::Sent WorkerHandle::nudge(std::uint64_t sequence) {
  ipc::NudgeMessage message{};
  return channel_.send(message, ipc::MessageType::kNudge, sequence);
}

// Without room for a whole message it stays where it is, for the next time.
std::uint64_t WorkerHandle::take_back(std::vector<Connection>& out) {
  while (has_descriptors_for_a_message(workers_end_.fd()) &&
         workers_end_.receive(message_) == ipc::Received::kMessage) {
    const auto connections = message_.connections();
    if (connections.empty()) {
      const auto bytes = message_.bytes();
      kept_.emplace_back(bytes.begin(), bytes.end());
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

void WorkerHandle::resend_kept() {
  for (const auto& bytes : kept_) channel_.send(bytes);
  kept_.clear();
}

void WorkerHandle::want_room() {
  slot_->room_wanted.store(slot_->room_wanted.load(std::memory_order_relaxed) + 1);
}

}  // namespace roundhouse::edge
