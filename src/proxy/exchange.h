// One request that an upstream answers, and its answer on the way back.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/options.h"
#include "http/http1_body.h"
#include "http/http1_response_parser.h"
#include "net/buffer.h"
#include "net/deadline_queue.h"
#include "net/pipe.h"
#include "proxy/exchange_parts.h"
#include "proxy/handler.h"
#include "upstream/cluster.h"

namespace roundhouse::proxy {

// Bytes are moved as they come, both ways; what one side cannot take stops the reading of the
// other. An endpoint that fails before a byte of its answer was passed on, and before the client's
// body was begun, is replaced by another, within the retry budget: always if nothing was sent, else
// only for idempotent methods (RFC 9110 9.2.2). A kept connection that turns out to be dead costs
// no try.
class UpstreamExchange final : public Exchange,
                               private upstream::Waiter,
                               private upstream::Connection::User,
                               private upstream::Http2Call::User,
                               private Deadline {
 public:
  struct Plan {
    Client& client;
    upstream::Cluster& cluster;
    std::unique_ptr<RequestSource> source;
    upstream::Wish wish;
    Duration response_timeout;
    Duration idle_timeout;
    std::uint32_t retries;          // tries after the first
    bool upgrade = false;           // the client asked to switch protocols, and that goes on
    std::string proxy_header = {};  // opens each connection; empty: none does
  };

  UpstreamExchange(ExchangeHost& host, Plan plan);
  ~UpstreamExchange() override;

  // In Handler::on_request.
  void start();

  std::size_t on_body(std::string_view data) override;
  bool on_body_end(const http::FieldTable& trailers) override;
  void on_room() override;
  void describe(AccessRecord& record) const override;
  bool on_refused(http::Failure failure) override;

 private:
  enum class State : std::uint8_t {
    kConnecting,  // waits for a connection
    kAwaiting,    // the request is on its way, or was sent
    kAnswering,   // the head of the answer was passed on
    kOver
  };

  // While one lives the session goes on by itself, or will be told behind it.
  class Inside {
   public:
    explicit Inside(UpstreamExchange& exchange)
        : flag_(exchange.inside_), before_(std::exchange(flag_, true)) {}
    ~Inside() { flag_ = before_; }

   private:
    bool& flag_;
    bool before_;
  };

  void on_connection(std::unique_ptr<upstream::Connection> connection) override;
  void on_no_connection(http::Failure failure, upstream::EndpointId endpoint) override;
  void on_call(std::unique_ptr<upstream::Http2Call> call) override;
  void on_upstream_ready(Ready ready) override;
  void on_call_head(http::Http2Head& head) override;
  std::size_t on_call_data(std::string_view data) override;
  bool on_call_end(http::FieldTable& trailers) override;
  void on_call_closed(http::Http2Error error) override;
  void on_call_room() override {}  // behind it the client goes on
  void on_call_turn_over() override;
  void expired() override;

  void acquire();
  void begin_try(const upstream::Endpoint& endpoint);
  bool leases() const { return connection_ != nullptr || call_ != nullptr; }
  bool reuses() const;
  upstream::Endpoint& endpoint() const;
  void send_head();
  void send_head_on_call(std::string_view text);
  void end_call(const http::FieldTable& trailers);
  void take_head(http::Http2Head& head);
  void resume_if_left();
  std::size_t send_raw(std::string_view data);
  std::size_t send_chunk(std::string_view data);
  void keep_unsent(std::string_view data);
  bool flush_unsent();
  bool holds_unsent() const;
  bool may_try_again(http::Failure failure) const;

  void read();
  bool splices();
  void splice();
  bool fill_pipe();
  std::span<char> room_for_answer();
  void take(std::string_view received, bool kept);
  std::string_view digest(std::string_view received);
  bool digest_head(std::string_view& received);
  bool begin_answer();
  bool begin_tunnel();
  bool pass_interim();
  bool digest_body(std::string_view& received);
  bool finish_body(std::string_view rest);
  void on_upstream_end(bool reset);
  void fail(http::Failure failure);
  void leave_connection(upstream::Use use);
  void give_up(http::Failure failure);
  void finish(http::Failure failure);
  bool waits_for_endpoint() const;
  void set_deadline();
  bool has_request_body() const;

  ExchangeHost& host_;
  Plan plan_;
  std::unique_ptr<ExchangeSpace> space_;
  std::unique_ptr<upstream::Connection> connection_;  // of HTTP/1.1, or
  std::unique_ptr<upstream::Http2Call> call_;
  ExchangeResult result_;
  std::string endpoint_;
  Time sent_{};  // the request, or a part of it
  Time last_moved_{};
  std::size_t decoded_ = 0;  // bytes in front of the received ones that are body already
  std::uint32_t interim_ = 0;
  std::uint32_t refused_ = 0;  // streams
  State state_ = State::kConnecting;
  bool inside_ = false;  // called by the session, which goes on by itself
  bool readable_ = false;
  bool upstream_ended_ = false;
  bool blocked_ = false;       // the client has no room
  bool got_bytes_ = false;     // of this try
  bool body_begun_ = false;    // some of the client's body has been taken
  bool request_sent_ = false;  // all of it was given to the connection
  bool body_stuck_ = false;    // the connection did not take all of the last piece of it
  bool send_failed_ = false;
  bool tunnel_ = false;
  bool stale_retried_ = false;
  bool may_splice_ = true;
};

}  // namespace roundhouse::proxy
