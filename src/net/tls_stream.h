// TLS over one non-blocking socket, on either side.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "net/tls_facts.h"
#include "net/transfer.h"

struct ssl_st;

namespace roundhouse {

class TlsClientContext;
class TlsContext;
struct TlsPeer;

// Borrows the socket. Part of Transport, which is what others use.
//
// What write() has taken is sealed into a record, and that may wait for room (holds_unsent)
// although the caller is rid of it: flush() sends it.
class TlsStream {
 public:
  TlsStream(const TlsContext& context, int fd);                             // of a server
  TlsStream(const TlsClientContext& context, int fd, const TlsPeer& peer);  // of a client
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  // kMoved: it is done. kWouldBlock: waits for what wants_room() says.
  TransferStatus handshake();
  TlsFailure failure() const { return failure_; }
  // Of what failed, a handshake or later, in OpenSSL's words.
  std::string_view reason() const { return reason_; }

  // REQUIRES: the handshake is done, as is:
  Transfer read(std::span<char> into);
  Transfer write(std::string_view first, std::string_view second);
  TransferStatus flush();
  bool holds_unsent() const { return unsent_ != 0; }
  // It has taken more from the socket than was read.
  bool holds_received() const;
  // The peer has said nothing and has not ended: asks the socket. What is no byte of the stream,
  // such as a ticket, is taken. A byte that is there is lost: of no use then.
  bool is_quiet();
  // Tells the peer that nothing more comes (close_notify). kWouldBlock: again, when there is room.
  TransferStatus end_writing();

  // What blocked last, a handshake or a read, waits for room to write.
  bool wants_room() const { return wants_room_; }

  TlsFacts facts() const;

 private:
  struct Socket {
    int fd;
    bool dry = false;    // the last read took all there was
    bool ended = false;  // without a close_notify that is a truncation
    bool failed = false;
  };
  struct Method;  // the BIO over a Socket
  struct Free {
    void operator()(ssl_st* connection) const;
  };

  bool has_taken_all() const;
  // Of a call that did not succeed.
  TransferStatus status_of(int result);
  std::string_view next_record(std::string_view& first, std::string_view& second);

  Socket socket_;
  std::unique_ptr<ssl_st, Free> connection_;
  std::string client_;  // the subject of its certificate
  std::size_t unsent_ = 0;
  const char* reason_ = "";  // lives for ever
  TlsFailure failure_ = TlsFailure::kNone;
  const bool is_server_;
  bool established_ = false;
  bool wants_room_ = false;
  bool said_end_ = false;
};

}  // namespace roundhouse
