// One HTTP/2 connection to an endpoint, for the requests of many clients.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "http/http2_codec.h"
#include "net/deadline_queue.h"
#include "net/event_loop.h"
#include "upstream/connection.h"
#include "upstream/http2_call.h"
#include "upstream/http2_output.h"

namespace roundhouse::upstream {

// What all of a thread share.
struct Http2Shared {
  http::Http2HeadPool heads{http::HeadLimits{}.fields};
  Http2Output::Pool outputs;
  std::vector<char> input = std::vector<char>(64 * std::size_t{1024});
};

// What is asked of it leaves at the end of the loop's turn, all in one write. A call whose user
// takes nothing holds up its own stream alone.
class Http2Connection final : private Connection::User, private Deadline {
 public:
  // Exactly one call: it takes no requests any more, and has none. It is destroyed by
  // EventLoop::delete_later alone.
  class Owner {
   public:
    virtual void on_http2_over(Http2Connection& connection) = 0;

   protected:
    ~Owner() = default;
  };
  struct Parts {
    EventLoop& loop;
    DeadlineQueue& deadlines;
    Http2Shared& shared;
    Owner& owner;
    std::uint32_t streams;    // at once, at most
    Duration keep_alive;      // how long it is kept without a call
    std::string_view scheme;  // "http" or "https"
  };

  Http2Connection(const Parts& parts, std::unique_ptr<Connection> connection);
  ~Http2Connection();

  // One more call would find room.
  bool has_room() const;
  std::unique_ptr<Http2Call> open();
  // Ends when its calls are over.
  void leave();
  // Lets go of the endpoint: what is left may be destroyed at any time.
  void close_transport() { connection_->retire(); }
  bool idle() const { return calls_.empty() && opening_ == 0; }

  Endpoint& endpoint() const { return connection_->endpoint(); }
  std::string_view scheme() const { return parts_.scheme; }

 private:
  friend class Http2Call;

  void on_upstream_ready(Ready ready) override;
  void expired() override;

  // For its calls.
  http::Http2Codec& codec() { return codec_; }
  bool start(Http2Call& call, const http::Http2Codec::RequestHead& head);
  std::size_t write(Http2Call& call, std::string_view data);
  void forget(Http2Call& call);
  void touch(Http2Call& call);
  void flush_later();

  void read();
  void digest(std::string_view bytes);
  void take_events();
  void take(http::Http2Event event);
  void give_room();
  void tell_turn_over();
  void flush();
  void settle();
  void count_moved();
  void break_off();
  void close(Http2Call& call, http::Http2Error error);
  void retire();

  const Parts parts_;
  std::unique_ptr<Connection> connection_;
  http::Http2Codec codec_;
  Http2Output output_;
  std::vector<Http2Call*> calls_;    // that have a stream
  std::vector<Http2Call*> touched_;  // whose users are to hear of the end of the turn
  std::uint32_t opening_ = 0;        // calls without a stream yet
  std::uint64_t served_ = 0;
  bool readable_ = true;
  bool inside_ = false;    // digests, or flushes
  bool deferred_ = false;  // a flush at the end of the turn
  bool leaving_ = false;
  bool over_ = false;
};

}  // namespace roundhouse::upstream
