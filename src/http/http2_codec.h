// HTTP/2 framing and field compression of one connection (RFC 9113, RFC 7541): bytes in, events
// out, and the way back. The only place that knows nghttp2. Pure: no sockets; the time is told.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/http2_flood.h"
#include "http/http2_head.h"
#include "http/message.h"

namespace roundhouse::http {

// What a client begins with (RFC 9113 3.4).
inline constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// RFC 9113 7.
enum class Http2Error : std::uint32_t {
  kNone = 0x0,
  kProtocol = 0x1,
  kInternal = 0x2,
  kFlowControl = 0x3,
  kStreamClosed = 0x5,
  kRefusedStream = 0x7,
  kCancel = 0x8,
  kEnhanceYourCalm = 0xb,
};

struct Http2Limits {
  HeadLimits head;
  std::uint32_t streams = 100;                  // at once, that the other end may open
  std::uint32_t stream_window = 64U * 1024;     // bytes
  std::uint32_t session_window = 1024U * 1024;  // bytes, of the whole connection
};

// One stream. Owned by its codec, from its first head (or Http2Codec::request) until the event
// kClosed of it was taken and the next one is asked for.
class Http2Stream {
 public:
  class User {
   protected:
    ~User() = default;
  };

  std::int32_t id() const { return id_; }
  // Whose it is; nothing is done with it here.
  User* user() const { return user_; }
  void set_user(User* user) { user_ = user; }

 private:
  friend class Http2Codec;
  explicit Http2Stream(std::int32_t id) : id_(id) {}

  std::int32_t id_;
  User* user_ = nullptr;
  std::string_view view_;   // what write() offers, while it runs
  bool ends_ = false;       // behind the view nothing follows
  bool ending_ = false;     // nothing follows at all
  bool last_made_ = false;  // the frame with END_STREAM: it waits, or has gone out
  bool ended_ = false;      // END_STREAM has gone out
  bool shown_ = false;      // its head was taken, or it is ours
  bool begun_ = false;      // our head has gone out
  std::size_t held_ = 0;    // bytes received and not consumed
  bool reset_ = false;      // by the user
  bool closed_ = false;
  std::unique_ptr<Http2Head> incoming_;                              // what HPACK has given so far
  std::vector<std::pair<std::string, std::string>> early_trailers_;  // before its head went out
};

struct Http2Event {
  enum class Kind : std::uint8_t {
    kHead,      // of a request, or of a final or interim answer
    kTrailers,  // kEnd follows
    kData,
    kEnd,     // the other end has said all: behind a head that is `ended`, too
    kClosed,  // the stream is over both ways, or reset by either end: the last one of it
    kGoAway,  // the other end takes no further streams; those that it did not see are closed
              // with kRefusedStream
  };

  Kind kind;
  Http2Stream* stream = nullptr;  // nullptr: kGoAway
  std::unique_ptr<Http2Head> head =
      nullptr;                           // kHead, kTrailers; goes back to the pool by its taker
  std::string_view data = {};            // kData: points into what receive() was given
  Http2Error error = Http2Error::kNone;  // kClosed, kGoAway
};

// Nothing calls back: events are taken out one by one after each receive(), and nothing is sent but
// by produce() and write(), into the caller's room. What stays behind in a stream's view stays the
// caller's: no stream has a buffer here. What is asked of a stream that is closed already, as its
// event will tell, comes to nothing.
//
// Received data counts against its stream's window until consume(); against that of the connection
// only until receive() returns, so that a stream whose data nobody takes holds up no other. But
// what nobody has taken of all of them is never much more than that window.
//
// Rules of RFC 9113 8 are held here for both roles: names in lower case, no field that steers a
// connection, pseudo-header fields first and once, Content-Length that matches the data. A stream
// that breaks one is reset with PROTOCOL_ERROR; its head is never handed out.
class Http2Codec {
 public:
  enum class Role : std::uint8_t { kServer, kClient };
  using Time = std::chrono::steady_clock::time_point;

  // The pool must outlive it.
  Http2Codec(Role role, const Http2Limits& limits, Http2HeadPool& heads);
  ~Http2Codec();

  // The events must be taken before it is called again, and before `bytes` are given up. A server
  // begins with the client's preface.
  void receive(std::string_view bytes, Time now);
  // A request whose stream was reset before its head was taken never shows, nor does its kClosed.
  std::optional<Http2Event> next_event();

  // Nothing more will be received: it is closed by agreement, or broken, and the other end was told
  // so by what produce() has given.
  bool finished() const;
  // Why the other end was told ENHANCE_YOUR_CALM.
  std::optional<Http2Flood> flood() const;
  // What it was told by us in GOAWAY, if not NO_ERROR.
  Http2Error error() const;
  // Open streams.
  std::size_t streams() const;
  // Client: whether request() would open one now, within what the server allows.
  bool may_open() const;

  // Field names need not be in lower case. A server's head is its answer (1xx: interim, never
  // `ended`), on a stream that has none yet. Queued: written by the next produce() or write().
  void answer(Http2Stream& stream, int status, std::span<const Field> fields, bool ended);
  struct RequestHead {
    std::string_view method;
    std::string_view scheme;
    std::string_view authority;  // may be empty
    std::string_view path;
    std::span<const Field> fields;
    bool ended;
  };
  // nullptr: !may_open(), or the stream numbers are used up.
  Http2Stream* request(const RequestHead& head);

  struct Written {
    std::size_t taken;     // of `data`
    std::size_t produced;  // into `room`: with whatever else was to be sent
    bool ended;            // END_STREAM has gone out
  };
  // As much of `data` as both windows and `room` allow; `ends`: with END_STREAM if all of it went.
  // After a head that is not `ended`. The rest is what is offered next.
  Written write(Http2Stream& stream, std::string_view data, bool ends, std::span<char> room);
  // Ends the stream, behind whatever was written. Queued.
  void end(Http2Stream& stream, std::span<const Field> trailers);
  // No event but kClosed follows. Queued.
  void reset(Http2Stream& stream, Http2Error error);
  // Bytes of kData that are done with: the other end may send as many again.
  void consume(Http2Stream& stream, std::size_t bytes);
  // Bytes of data that could be written now, room aside; 0 for a stream that is closed.
  std::size_t window(const Http2Stream& stream) const;

  // GOAWAY that announces the end (RFC 9113 6.8): streams may still be opened until close().
  void announce_close();
  // GOAWAY that names the last stream that will be answered; finished() when all of them are over.
  void close(Http2Error error);

  // Frames that wait, into the room; 0: there are none, or nothing fits.
  std::size_t produce(std::span<char> room);
  bool has_output() const;

 private:
  class Session;
  std::unique_ptr<Session> session_;
};

}  // namespace roundhouse::http
