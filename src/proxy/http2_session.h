// One client connection that speaks HTTP/2: many requests at once, each a stream of its own.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string_view>
#include <vector>

#include "http/http2_codec.h"
#include "ipc/http2_count.h"
#include "ipc/messages.h"
#include "net/deadline_queue.h"
#include "net/event_loop.h"
#include "net/transport.h"
#include "proxy/body_pace.h"
#include "proxy/connection_limiter.h"
#include "proxy/http2_request.h"
#include "proxy/http2_server.h"
#include "upstream/http2_output.h"

namespace roundhouse::proxy {

// Owned by its Http2Server. What exchanges ask for between two calls is done at the end of the
// loop's turn, for all of them together: their answers leave in one write.
//
// A client that takes nothing holds up its own streams, one that takes nothing of one stream only
// that; while its output is stuck nothing more is read from it. Time limits: the time without a
// request (closed, announced by GOAWAY), and each wait for room to send and the pace of that
// (reset).
class Http2Session final : private IoHandler, private Deadline, private StreamOutlet {
 public:
  Http2Session(Http2Server& server, Http2Server::Arrival arrival);
  ~Http2Session();

  // With what was read of it already.
  void start(std::string_view received);
  // Nothing new is to begin: the client is told, and has a moment for what is on its way.
  void drain();
  void cut();

 private:
  friend class Http2Server;
  friend class Http2Request;
  enum class State : std::uint8_t {
    kOpen,
    kFlushing,   // the last frames are on their way
    kLingering,  // our side is closed; what the client still sends is dropped, so that it can read
                 // the end of ours
    kClosed
  };

  // IoHandler, Deadline, StreamOutlet
  void on_ready(Ready ready) override;
  void expired() override;
  http::Http2Codec& codec() override { return codec_; }
  HeadSpace& head_space() override { return server_.head_space_; }
  http::Http2Codec::Written write(http::Http2Stream& stream, std::string_view data,
                                  bool ends) override {
    return output_.write(stream, data, ends);
  }
  std::size_t room(const http::Http2Stream& stream) const override { return output_.room(stream); }

  // For its requests.
  const Http2Server::Parts& parts() const { return server_.parts_; }
  EventLoop& loop() const { return server_.parts_.loop; }
  const config::Listener& listener() const { return server_.parts_.listeners[info_.listener]; }
  const ipc::ConnectionInfo& info() const { return info_; }
  const TlsFacts* tls() const { return tls_.get(); }
  Address local_address() const { return transport_.local_address(); }
  std::uint32_t requests() const { return requests_; }
  std::string_view date_line() const { return server_.parts_.date_line.text(); }
  void resume(Http2Request& request);
  void wait_for_room(Http2Request& request);
  void release(std::unique_ptr<http::Http2Head> head, std::unique_ptr<http::Http2Head> trailers,
               std::unique_ptr<Http2Workspace> work);
  void count(ipc::Http2Count what, std::size_t offset = 0);

  void advance();
  bool step();
  bool receive();
  bool drop_input();
  void digest(std::string_view bytes);
  void take_events();
  void take(http::Http2Event event);
  void begin_request(http::Http2Event event);
  bool serve();
  void give_room();
  bool flush();
  void note_sent();
  void end_if_finished();
  void finish_connection();
  void forget(Http2Request& request);
  void announce_close();
  void enter(State state);
  void rest();
  Time next_deadline() const;
  bool idle() const { return requests_open_.empty(); }
  void reset();
  void close();

  Http2Server& server_;
  std::list<Http2Session>::iterator self_;
  Transport transport_;
  IoWatcher watcher_;
  std::unique_ptr<TlsFacts> tls_;  // nullptr: plain text
  ipc::ConnectionInfo info_;
  ConnectionLimiter::Ticket ticket_;
  http::Http2Codec codec_;
  std::list<Http2Request> requests_open_;
  std::vector<Http2Request*> to_go_on_;
  std::vector<Http2Request*> waiting_for_room_;
  upstream::Http2Output output_;
  BodyPace answer_pace_;  // of what the client takes
  Time entered_;          // the state, or kOpen without requests
  Time sent_;             // the last byte, or since when none could be sent
  Time announced_{};      // the close
  std::uint64_t turn_bytes_ = 0;
  std::uint64_t dropped_ = 0;  // while lingering
  std::uint32_t requests_ = 0;
  State state_ = State::kOpen;
  Interest interest_ = Interest::kNone;
  bool advancing_ = false;
  bool deferred_ = false;  // an advance() at the end of the turn
  bool readable_ = true;
  bool peer_ending_ = false;  // its end comes behind the bytes
  bool announced_close_ = false;
  bool closing_ = false;  // the last GOAWAY was queued
};

}  // namespace roundhouse::proxy
