// A stream over which some messages carry one descriptor: the channel of a Node program.
//
// SOCK_STREAM, both ends non-blocking and CLOEXEC. A descriptor travels with the first byte of its
// message, and the kernel never delivers two of them in one read; bytes that came before are
// delivered with it.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/unique_fd.h"
#include "ipc/channel.h"

namespace roundhouse::ipc {

// Both with as large a send buffer as an unprivileged process may have.
Result<std::pair<UniqueFd, UniqueFd>> create_stream_pair();

struct StreamPart {
  std::string_view bytes;
  int descriptor = -1;  // borrowed; -1: none
};
inline constexpr std::size_t kMaxStreamParts = 32;  // of one call

struct StreamSent {
  std::size_t whole = 0;    // parts sent whole
  std::size_t partial = 0;  // bytes of the next one, with its descriptor if there are any
  Sent status = Sent::kYes;
};
// In order, with one system call; at most kMaxStreamParts.
StreamSent send_parts(int fd, std::span<const StreamPart> parts);

struct StreamReceived {
  Received status = Received::kNothing;  // kMessage: bytes came
  std::size_t size = 0;
};
// One read. Descriptors that come along are closed: nobody here has a use for them.
StreamReceived receive_bytes(int fd, std::span<char> buffer);

// Bytes that lie unread at this end.
std::size_t unread_bytes(int fd);

}  // namespace roundhouse::ipc
