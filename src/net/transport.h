// The byte stream of one connection: a non-blocking connected socket, in plain text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/unique_fd.h"

namespace roundhouse {

// Owns the descriptor. Passive: register fd() with an EventLoop.
class Transport {
 public:
  enum class Status : std::uint8_t {
    kMoved,       // `bytes` of them, at least one
    kWouldBlock,  // wait until the loop says ready
    kEnd,         // read only: the peer has ended its side
    kFailed       // reset, timed out: the connection is of no more use
  };
  struct Transfer {
    Status status;
    std::size_t bytes;
  };

  explicit Transport(UniqueFd fd) : fd_(std::move(fd)) {}

  int fd() const { return fd_.get(); }
  // REQUIRES: room for a byte, a byte to write.
  Transfer read(std::span<char> into);
  Transfer write(std::string_view bytes);
  // The one behind the other. REQUIRES: a byte in each.
  Transfer write(std::string_view first, std::string_view second);
  // The connection was reset or timed out. Tells it once.
  bool has_failed();
  // Ends our side; the peer's goes on.
  void end_writing();
  void close() { fd_.reset(); }
  // Closes so that the peer sees a reset and no end: what it got is not whole.
  void reset();

 private:
  UniqueFd fd_;
};

}  // namespace roundhouse
