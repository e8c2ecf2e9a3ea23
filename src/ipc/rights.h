// Descriptors that come with bytes over a unix socket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/unique_fd.h"
#include "ipc/messages.h"

namespace roundhouse::ipc {

struct ReceivedBytes {
  std::size_t size = 0;  // 0: the end of a stream, or the peer's death
  std::size_t descriptors = 0;
  bool bytes_cut = false;        // the message was larger than the buffer
  bool descriptors_cut = false;  // some were lost: more than fit, or none free in this process
};

// One message, or of a stream what has come; without waiting. The descriptors are CLOEXEC, and
// owned by the first of `into` before anything is looked at; those for which it has no place are
// closed. None: errno says why.
std::optional<ReceivedBytes> receive_with_descriptors(int fd, std::span<std::byte> buffer,
                                                      std::span<UniqueFd> into);

}  // namespace roundhouse::ipc
