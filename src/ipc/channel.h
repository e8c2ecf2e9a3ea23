// One end of the socket pair between the edge and one worker (or the monitor).
//
// SOCK_SEQPACKET: a message arrives whole or not at all, with at most kMaxDescriptors descriptors.
// Non-blocking. Passive: watch fd() and call receive() when it is readable. End of file is the
// peer's death.
//
// The edge also keeps a duplicate of the worker's end. What lies unread in the channel can be
// received on that duplicate: the kernel delivers each message exactly once, to the worker or to
// the edge.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <utility>

#include "base/error.h"
#include "base/unique_fd.h"
#include "ipc/messages.h"

namespace roundhouse::ipc {

// A received message; it owns the descriptors that came with it.
class Message {
 public:
  MessageType type() const { return header().type; }
  std::uint64_t sequence() const { return header().sequence; }
  std::span<UniqueFd> descriptors() { return {descriptors_.data(), descriptor_count_}; }

  // The message as a T, or nullptr if it is shorter than a T.
  template <typename T>
  const T* as() const {
    return size_ >= sizeof(T) ? reinterpret_cast<const T*>(bytes_.data()) : nullptr;
  }
  // Those of a kConnections or kReturn; empty if count, size and descriptors do not agree (a breach
  // of protocol).
  std::span<const ConnectionInfo> connections() const;
  std::span<const std::byte> bytes() const { return {bytes_.data(), size_}; }

 private:
  friend class Channel;
  const MessageHeader& header() const {
    return *reinterpret_cast<const MessageHeader*>(bytes_.data());
  }

  alignas(8) std::array<std::byte, kMaxMessageSize> bytes_;
  std::size_t size_ = 0;
  std::array<UniqueFd, kMaxDescriptors> descriptors_;
  std::size_t descriptor_count_ = 0;
};

// What travels where every message has a form of its owner's making: its bytes, and the first of
// the descriptors that came along; others are closed.
struct Packet {
  std::size_t size = 0;
  UniqueFd descriptor;
};

enum class Sent { kYes, kFull, kClosed };
// kTruncated: descriptors were lost for want of descriptors in this process (MSG_CTRUNC). Room for
// a whole message must be kept, so that this cannot happen.
enum class Received { kMessage, kNothing, kClosed, kMalformed, kTruncated };

class Channel {
 public:
  Channel() = default;
  explicit Channel(UniqueFd fd) : fd_(std::move(fd)) {}
  // Both ends CLOEXEC and non-blocking.
  static Result<std::pair<Channel, Channel>> create_pair();

  int fd() const { return fd_.get(); }
  explicit operator bool() const { return static_cast<bool>(fd_); }
  void close() { fd_.reset(); }
  UniqueFd release() { return std::move(fd_); }

  // kFull also when the kernel holds as many descriptors in flight as it allows (ETOOMANYREFS).
  Sent send(std::span<const std::byte> bytes, std::span<const int> descriptors = {});
  // A kConnections or kReturn message; as many of each.
  Sent send(MessageType type, std::uint64_t sequence, std::span<const ConnectionInfo> connections,
            std::span<const int> descriptors);
  template <typename T>
  Sent send(T& message, MessageType type, std::uint64_t sequence = 0) {
    message.header = {type, sizeof(T), sequence};
    return send(std::as_bytes(std::span(&message, 1)));
  }

  // The peer is dead, whatever it left unread here.
  bool is_hung_up() const;

  // Overwrites `message`; descriptors left in it are closed first.
  Received receive(Message& message);
  // The same into a buffer; kMalformed: the packet was longer. `packet` is overwritten.
  Received receive(std::span<std::byte> buffer, Packet& packet);

 private:
  UniqueFd fd_;
};

}  // namespace roundhouse::ipc
