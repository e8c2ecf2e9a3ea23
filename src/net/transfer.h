// What came of one attempt to move bytes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace roundhouse {

enum class TransferStatus : std::uint8_t {
  kMoved,       // `bytes` of them, at least one
  kWouldBlock,  // wait until the loop says ready
  kEnd,         // read only: the peer has ended its side
  kFailed       // reset, timed out, broken: the connection is of no more use
};

struct Transfer {
  TransferStatus status;
  std::size_t bytes;
  bool dry = false;  // of a read: the socket gave less than it was asked for
};

}  // namespace roundhouse
