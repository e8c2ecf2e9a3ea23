#include "edge/node_channel.h"

#include <algorithm>
#include <array>
#include <utility>

namespace roundhouse::edge {
namespace {

constexpr std::size_t kReadSize = 64 * 1024;
// Messages sent before it is asked which of them were read.
constexpr std::size_t kRemembered = 64;

}  // namespace

Result<void> NodeChannel::open() {
  close();
  auto [ours, theirs] = TRY(ipc::create_stream_pair());
  ours_ = std::move(ours);
  workers_end_ = std::move(theirs);
  return {};
}

void NodeChannel::close() {
  ours_.reset();
  workers_end_.reset();
  unsent_.clear();
  sent_.clear();
  unacknowledged_.clear();
  unsent_bytes_ = 0;
  last_sent_ = 0;
  full_ = false;
}

void NodeChannel::post(std::string bytes, UniqueFd descriptor) {
  unsent_bytes_ += bytes.size();
  unsent_.push_back({.bytes = std::move(bytes), .owned = std::move(descriptor)});
}

void NodeChannel::post_connection(std::string bytes, int descriptor, std::uint64_t sequence) {
  unsent_bytes_ += bytes.size();
  unsent_.push_back({.bytes = std::move(bytes), .sequence = sequence, .borrowed = descriptor});
}

ipc::Sent NodeChannel::flush() {
  while (!unsent_.empty()) {
    std::array<ipc::StreamPart, ipc::kMaxStreamParts> parts;
    const std::size_t count = std::min(unsent_.size(), parts.size());
    for (std::size_t i = 0; i < count; ++i) {
      const Message& message = unsent_[i];
      parts[i] = {.bytes = std::string_view(message.bytes).substr(message.sent),
                  .descriptor = message.sent == 0 ? message.descriptor() : -1};
    }
    const ipc::StreamSent sent = ipc::send_parts(ours_.get(), std::span(parts).first(count));
    note_sent(sent);
    if (sent_.size() > kRemembered) forget_read();
    full_ = sent.status == ipc::Sent::kFull;
    if (sent.status != ipc::Sent::kYes) return sent.status;
  }
  full_ = false;
  return ipc::Sent::kYes;
}

void NodeChannel::note_sent(const ipc::StreamSent& sent) {
  for (std::size_t i = 0; i < sent.whole; ++i) {
    Message message = std::move(unsent_.front());
    unsent_.pop_front();
    unsent_bytes_ -= message.bytes.size() - message.sent;
    if (message.sent == 0 && message.descriptor() >= 0) unacknowledged_.push_back(message.sequence);
    if (message.sequence != 0) last_sent_ = message.sequence;
    sent_.push_back(std::move(message));
  }
  if (sent.partial == 0) return;
  Message& begun = unsent_.front();
  if (begun.sent == 0 && begun.descriptor() >= 0) unacknowledged_.push_back(begun.sequence);
  begun.sent += sent.partial;
  unsent_bytes_ -= sent.partial;
}

ipc::StreamReceived NodeChannel::receive(std::span<char> buffer) {
  return ipc::receive_bytes(ours_.get(), buffer);
}

void NodeChannel::was_read(std::uint64_t sequence) {
  const auto found = std::ranges::find(sent_, sequence, &Message::sequence);
  if (found != sent_.end()) sent_.erase(sent_.begin(), found + 1);
}

std::optional<std::uint64_t> NodeChannel::next_acknowledged() {
  if (unacknowledged_.empty()) return std::nullopt;
  const std::uint64_t sequence = unacknowledged_.front();
  unacknowledged_.pop_front();
  return sequence;
}

bool NodeChannel::all_read() const {
  return unsent_.empty() && ipc::unread_bytes(workers_end_.get()) == 0;
}

// What is unread is the last of what was sent.
void NodeChannel::forget_read() {
  std::size_t unread = ipc::unread_bytes(workers_end_.get());
  if (!unsent_.empty()) unread -= std::min(unread, unsent_.front().sent);
  auto first = sent_.end();
  while (unread > 0 && first != sent_.begin()) unread -= std::min(unread, (--first)->bytes.size());
  sent_.erase(sent_.begin(), first);
}

std::vector<std::uint64_t> NodeChannel::recall() {
  std::vector<std::uint64_t> back;
  std::vector<Message> again;
  const bool one_has_begun = !unsent_.empty() && unsent_.front().sent > 0;
  if (!one_has_begun) {  // else what lies there is not whole
    sort_unread(receive_unread(), back, again);
    sent_.clear();  // the rest of it was read
  }
  for (Message& message : std::exchange(unsent_, {})) {
    if (message.sequence != 0 && message.sent == 0) {
      back.push_back(message.sequence);
    } else {
      again.push_back(std::move(message));
    }
  }
  unsent_bytes_ = 0;
  for (Message& message : again) {
    unsent_bytes_ += message.bytes.size() - message.sent;
    unsent_.push_back(std::move(message));
  }
  flush();
  return back;
}

std::string NodeChannel::receive_unread() {
  std::string bytes;
  std::vector<char> buffer(kReadSize);
  for (;;) {
    const ipc::StreamReceived received = ipc::receive_bytes(workers_end_.get(), buffer);
    if (received.status != ipc::Received::kMessage) return bytes;
    bytes.append(buffer.data(), received.size);
  }
}

// The worker may have read in between: what does not follow in `bytes` it has read. Bytes before
// the first whole message are the end of one that it has begun.
void NodeChannel::sort_unread(std::string_view bytes, std::vector<std::uint64_t>& back,
                              std::vector<Message>& again) {
  auto next = sent_.begin();
  std::string begun;
  while (!bytes.empty()) {
    const auto found = std::find_if(next, sent_.end(), [&](const Message& message) {
      return bytes.starts_with(message.bytes);
    });
    if (found == sent_.end()) {
      begun += bytes.front();
      bytes.remove_prefix(1);
      continue;
    }
    bytes.remove_prefix(found->bytes.size());
    if (found->descriptor() >= 0) forget_acknowledgement(found->sequence);
    if (found->sequence != 0) {
      back.push_back(found->sequence);
    } else {
      again.push_back(std::move(*found));
      again.back().sent = 0;
    }
    next = found + 1;
  }
  if (!begun.empty()) again.insert(again.begin(), Message{.bytes = std::move(begun)});
}

// It is sent again, or never was.
void NodeChannel::forget_acknowledgement(std::uint64_t sequence) {
  const auto found = std::find(unacknowledged_.rbegin(), unacknowledged_.rend(), sequence);
  if (found != unacknowledged_.rend()) unacknowledged_.erase(std::next(found).base());
}

}  // namespace roundhouse::edge
