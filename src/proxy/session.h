// One client connection: requests in, answers out, in order.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>

#include "config/options.h"
#include "http/http1_body.h"
#include "http/http1_request_parser.h"
#include "ipc/messages.h"
#include "ipc/slot.h"
#include "ipc/tls_outcome.h"
#include "net/buffer.h"
#include "net/deadline_queue.h"
#include "net/event_loop.h"
#include "net/transport.h"
#include "proxy/access_record.h"
#include "proxy/body_pace.h"
#include "proxy/connection_limiter.h"
#include "proxy/handler.h"
#include "proxy/http1_answer.h"
#include "proxy/request_log.h"

namespace roundhouse::proxy {

class Server;

// What a connection needs only while a request is in progress; shared by all that are idle.
struct Workspace {
  explicit Workspace(const http::HeadLimits& limits);
  // For a connection of a listener with these limits.
  void start(const http::HeadLimits& limits);

  // One connection's share of a turn of the loop.
  static constexpr std::uint64_t kTurnBytesMax = 256 * std::uint64_t{1024};
  // Bytes that go through a pipe cost so much less than others.
  static constexpr std::uint64_t kSplicedToCopied = 4;
  static constexpr std::size_t kBodyRoom = 16 * std::size_t{1024};  // beside the largest head
  // The head of an answer, which may come from elsewhere, fits together with another's rest.
  static constexpr std::size_t kOutput = 40 * std::size_t{1024};

  http::RequestParser parser;
  http::Request request;
  http::BodyDecoder body;
  BodyPace pace;         // of the body
  BodyPace answer_pace;  // of what the client takes
  Http1Answer answer;
  AccessRecord record;
  Buffer input;
  Buffer output;
};

// Owned by its Server. Reads before it asks the loop: a request that has already come is answered,
// and a connection that is closed after it ended, without the loop ever knowing of it.
//
// Time limits: the handshake under TLS (closed), the head (408; from its first byte, or from the
// start of the connection), the whole request (408), each wait for a part of the body and its pace
// (408), each wait for room to send and the pace of that (reset), and the time between requests
// (closed).
//
// A client that ends its side after a whole request may be half-closed, and still gets an answer
// that begins within kHalfCloseGrace; one that resets the connection is gone at once.
class Session final : private IoHandler, private Deadline, private Client, private Outlet {
 public:
  Session(Server& server, Transport transport, const ipc::ConnectionInfo& info);
  ~Session();

  void start(ConnectionLimiter::Ticket ticket);
  // Refused before anything is read. The client can read why, also if it is sending still.
  void turn_away(http::Failure failure);
  // Nothing new is to begin on this connection.
  void drain();
  // Reset, unless it is a tunnel.
  void cut();

 private:
  friend class Server;
  enum class State : std::uint8_t {
    kHandshake,  // under TLS
    kIdle,       // no byte of a request yet
    kHead,       // some of a head
    kRequest,    // being answered
    kFlushing,   // the last answer is on its way
    kLingering,  // our side is closed; what the client still sends is dropped, so that it can read
                 // our answer
    kClosed
  };
  enum class Input : std::uint8_t { kBytes, kDry, kFull, kEnd };

  // IoHandler, Deadline, Client, Outlet
  void on_ready(Ready ready) override;
  void expired() override;
  const http::Request& request() const override { return work_->request; }
  Answer& answer() override { return work_->answer; }
  bool is_local() const override;
  const TlsFacts* tls() const override { return tls_.get(); }
  EventLoop& loop() override;
  AccessRecord* record() const override;
  const config::Listener& listener() const override;
  const ipc::ConnectionInfo& connection() const override { return info_; }
  Address local_address() const override { return transport_.local_address(); }
  Time began() const override { return entered_; }
  void accept_body() override;
  void begin_tunnel() override;
  void resume() override;
  void abort() override;
  std::size_t send_with(std::string_view more) override;
  std::size_t send_from(Pipe& pipe) override;

  void advance();
  void acquire_workspace();
  bool begins_http2();
  void become_http2();
  bool step();
  bool step_handshake();
  void end_handshake(ipc::TlsOutcome outcome);
  bool step_head();
  bool step_request();
  bool step_body();
  bool offer_body();
  bool drop_input();
  bool flush();
  bool flush_unsent();
  Transport::Transfer send(std::string_view more);
  Input fill();
  void begin_request();
  void finish_request();
  void finish_connection();
  void leave_request();
  void end_exchange();
  void refuse(http::Failure failure);
  void log_request();
  void log_refusal(http::Failure failure);
  void log(AccessRecord& record, std::uint32_t requests);
  void count(http::Failure failure);
  void enter(State state);
  void close();
  void reset();
  void rest();
  bool needs_no_watch() const;
  void watch(Interest interest);
  Time next_deadline() const;
  bool fresh() const { return requests_ == 0; }
  bool ends_with_server() const;
  bool may_be_given_back() const;
  bool sending_blocked() const;
  bool closes_cleanly() const;
  bool client_is_leaving() const;
  bool waits_for_body() const;

  Server& server_;
  std::list<Session>::iterator self_;
  Transport transport_;
  IoWatcher watcher_;
  std::unique_ptr<TlsFacts> tls_;  // once the handshake is done
  ipc::ConnectionInfo info_;
  ConnectionLimiter::Ticket ticket_;
  std::unique_ptr<Workspace> work_;
  std::unique_ptr<Exchange> exchange_;
  std::optional<RequestInProgress> in_progress_;
  std::string_view body_left_;  // decoded, not yet taken by the exchange
  Time entered_;                // the state; for kHead and kRequest the first byte of the request
  Time received_;               // the last byte
  Time sent_;                   // the last byte, or since when none could be sent
  Time ending_;                 // since when its end was seen coming
  std::uint64_t turn_bytes_ = 0;
  std::uint64_t dropped_ = 0;  // while lingering
  std::uint32_t requests_ = 0;
  State state_ = State::kIdle;
  Interest interest_ = Interest::kNone;
  bool advancing_ = false;
  bool resuming_ = false;  // the exchange is a caller of this
  bool aborted_ = false;   // as soon as nobody is inside
  bool refused_ = false;
  bool turned_away_ = false;
  bool readable_ = true;        // there may be bytes to read
  bool short_read_ = false;     // the last read took all there was
  bool writable_ = true;        // the last write took all
  bool peer_ending_ = false;    // its end comes behind the bytes
  bool peer_ended_ = false;     // and was read
  bool accepts_body_ = false;   // the exchange wants it
  bool body_end_left_ = false;  // the exchange has not yet taken the end
  bool tunnel_ = false;         // bytes without framing, until an end
  std::size_t end_size_ = 0;    // bytes of that end in the input
};

}  // namespace roundhouse::proxy
