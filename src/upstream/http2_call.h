// One request on an HTTP/2 connection to an endpoint: a stream, among those of others.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "http/http2_codec.h"
#include "http/message.h"

namespace roundhouse::upstream {

class Endpoint;
class Http2Connection;

// Owned by whoever asks, and given back to the cluster. Its connection must outlive it, or has told
// on_call_closed().
class Http2Call final : public http::Http2Stream::User {
 public:
  // Who asks. The call may be given back within each of these.
  class User {
   public:
    // Of an interim answer, or of the final one; valid during the call.
    virtual void on_call_head(http::Http2Head& head) = 0;
    // How much of the next piece of the body it takes. The rest is kept, and offered by go_on().
    virtual std::size_t on_call_data(std::string_view data) = 0;
    // The answer was whole. False: told again by go_on(). `trailers` is valid during the call.
    virtual bool on_call_end(http::FieldTable& trailers) = 0;
    // It was not, and nothing more comes. kRefusedStream: the server has not looked at it.
    virtual void on_call_closed(http::Http2Error error) = 0;
    // More of the body of the request can be written.
    virtual void on_call_room() = 0;
    // Behind one or several of these.
    virtual void on_call_turn_over() = 0;

   protected:
    ~User() = default;
  };

  explicit Http2Call(Http2Connection& connection, bool reused);
  ~Http2Call();

  Endpoint& endpoint() const { return endpoint_; }
  // Its connection has served another request before.
  bool reused() const { return reused_; }
  void set_user(User* user) { user_ = user; }
  User* user() const { return user_; }

  // False: the connection takes no request any more, and nothing of this one was sent.
  bool start(const http::Http2Codec::RequestHead& head);
  // How many bytes were taken; on_call_room() follows when they were fewer.
  std::size_t write(std::string_view data);
  void end(std::span<const http::Field> trailers);
  // Offers what was kept.
  void go_on();

 private:
  friend class Http2Connection;
  friend class Cluster;

  void on_data(std::string_view data);
  void on_end();
  // Nothing is told any more; what is not over is reset.
  void leave();

  Endpoint& endpoint_;
  Http2Connection* connection_;  // nullptr: left, or closed
  http::Http2Stream* stream_ = nullptr;
  User* user_ = nullptr;
  std::string held_;  // of the body, not yet taken: less than the stream's window
  std::unique_ptr<http::Http2Head> trailers_;
  const bool reused_;
  bool ended_ = false;  // all has come
  bool told_end_ = false;
  bool waits_for_room_ = false;
  bool touched_ = false;  // in this turn of its connection
};

}  // namespace roundhouse::upstream
