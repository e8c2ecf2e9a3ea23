// The byte stream of one connection: a non-blocking connected socket, in plain text or under TLS.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/address.h"
#include "base/unique_fd.h"
#include "net/event_loop.h"
#include "net/tls_facts.h"
#include "net/tls_stream.h"
#include "net/transfer.h"

namespace roundhouse {

// Owns the descriptor. Passive: register fd() with an EventLoop, and ask what its Ready means.
class Transport {
 public:
  using Status = TransferStatus;
  using Transfer = roundhouse::Transfer;

  explicit Transport(UniqueFd fd) : fd_(std::move(fd)) {}
  // The server's side of TLS: handshake() comes first.
  Transport(UniqueFd fd, const TlsContext& context);
  // The client's side, from here on: what was moved before was plain. handshake() comes next.
  void begin_tls(const TlsClientContext& context, const TlsPeer& peer);

  int fd() const { return fd_.get(); }
  // Of our end, where the peer has connected to; none where there is none any more.
  Address local_address() const;
  // The bytes of the socket are those of the stream: what another process, or a pipe, can go on
  // with.
  bool is_plain() const { return tls_ == nullptr; }
  // What it means for the stream that the loop says this of the socket.
  Ready meaning_of(Ready ready);

  // kMoved: it is done. REQUIRES: !is_plain(), as is:
  Status handshake() { return tls_->handshake(); }
  TlsFailure handshake_failure() const { return tls_->failure(); }
  std::string_view tls_reason() const { return tls_->reason(); }
  TlsFacts facts() const { return tls_->facts(); }
  // What blocked last waits for room to write, whatever it was.
  bool wants_room() const { return tls_ != nullptr && tls_->wants_room(); }
  // The peer speaks without TLS, and is answered so. What it said is lost.
  void become_plain() { tls_.reset(); }

  // REQUIRES: room for a byte, a byte to write.
  Transfer read(std::span<char> into);
  Transfer write(std::string_view bytes);
  // The one behind the other. REQUIRES: a byte in each.
  Transfer write(std::string_view first, std::string_view second);
  // Of what was written some has not left yet, for want of room: flush() when there is some.
  bool holds_unsent() const { return tls_ != nullptr && tls_->holds_unsent(); }
  Status flush() { return tls_ == nullptr ? Status::kMoved : tls_->flush(); }
  // TLS has taken more from the socket than was read.
  bool holds_received() const { return tls_ != nullptr && tls_->holds_received(); }
  // The peer has said nothing and has not ended: asks the kernel. Else it is of no more use.
  bool is_quiet();
  // The connection was reset or timed out. Tells it once.
  bool has_failed();
  // Under TLS says that no more comes; before close(), which says it too and cannot wait.
  // kWouldBlock: not yet, for want of room.
  Status tell_end();
  // Ends our side; the peer's goes on. kWouldBlock: not yet, for want of room.
  Status end_writing();
  // An orderly end as far as that is possible at once.
  void close();
  // Closes so that the peer sees a reset and no end: what it got is not whole.
  void reset();

 private:
  UniqueFd fd_;
  std::unique_ptr<TlsStream> tls_;
};

}  // namespace roundhouse
