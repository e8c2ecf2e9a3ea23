// The frames of one HTTP/2 connection, of either role, on their way into its transport.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "http/http2_codec.h"
#include "net/buffer.h"
#include "net/transport.h"

namespace roundhouse::upstream {

// Holds a buffer only while there is something in it that the transport has not taken.
class Http2Output {
 public:
  // Buffers that are free, of all connections of a thread.
  class Pool {
   public:
    std::unique_ptr<Buffer> acquire();
    void release(std::unique_ptr<Buffer> buffer);

   private:
    std::vector<std::unique_ptr<Buffer>> free_;
  };

  // All of them must outlive it.
  Http2Output(http::Http2Codec& codec, Transport& transport, Pool& pool)
      : codec_(codec), transport_(transport), pool_(pool) {}

  // How many bytes may go out before others have their turn.
  void begin_turn(std::uint64_t bytes_max) { turn_left_ = bytes_max; }
  // Bytes that have gone out since the last call.
  std::uint64_t take_moved() { return std::exchange(moved_, 0); }

  // As much of `data` as the other end's windows and the room to send allow now.
  http::Http2Codec::Written write(http::Http2Stream& stream, std::string_view data, bool ends);
  // How much that would be, if nothing were sent.
  std::size_t room(const http::Http2Stream& stream) const;
  // What waits in the codec and here. True: some has gone, and there may be room for more.
  bool flush();
  // There is nothing left that was to be sent.
  bool empty() const;

  void on_writable() { writable_ = true; }
  // Something waits for the transport.
  bool blocked() const;
  bool writable() const { return writable_; }
  void set_writable(bool writable) { writable_ = writable; }
  bool failed() const { return failed_; }
  // Nothing more is sent in this turn.
  void rest();

 private:
  bool send();
  bool flush_sealed();

  http::Http2Codec& codec_;
  Transport& transport_;
  Pool& pool_;
  std::unique_ptr<Buffer> buffer_;
  std::uint64_t turn_left_ = 0;
  std::uint64_t moved_ = 0;
  bool writable_ = true;
  bool failed_ = false;
};

}  // namespace roundhouse::upstream
