// One request on an HTTP/2 connection: a stream, and whoever answers it.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/http2_codec.h"
#include "ipc/http2_count.h"
#include "net/deadline_queue.h"
#include "proxy/access_record.h"
#include "proxy/body_pace.h"
#include "proxy/handler.h"
#include "proxy/http2_answer.h"
#include "proxy/request_log.h"

namespace roundhouse::proxy {

class Http2Session;

// What a request needs only while it is in progress; kept for the next one.
struct Http2Workspace {
  explicit Http2Workspace(std::size_t fields_max) : request(fields_max) {}
  http::Request request;
  AccessRecord record;
};

// Owned by its session, from its head until its stream is closed.
//
// Time limits: the whole request and each wait for a part of its body, and its pace (408); each
// wait of the answer for the client's windows (reset). None of them ends another stream.
class Http2Request final : public http::Http2Stream::User, private Client, private Deadline {
 public:
  Http2Request(Http2Session& session, http::Http2Stream& stream,
               std::unique_ptr<http::Http2Head> head, std::unique_ptr<Http2Workspace> work);
  ~Http2Request();

  // What came on its stream, in this order.
  void begin();
  void on_data(std::string_view data);
  void on_trailers(std::unique_ptr<http::Http2Head> trailers);
  void on_end();
  // No call but the destructor follows.
  void on_closed(http::Http2Error error);

  // Its exchange has asked for this, or there is room again for what it writes.
  void go_on();
  void on_room();
  // It waits for the client's windows, or for room to send.
  bool starved() const { return !over_ && (answer_.starved() || answer_.holds_rest()); }
  const http::Http2Stream& stream() const { return stream_; }

 private:
  friend class Http2Session;

  // Deadline, Client
  void expired() override;
  const http::Request& request() const override { return work_->request; }
  Answer& answer() override { return answer_; }
  bool is_local() const override;
  const TlsFacts* tls() const override;
  const ipc::ConnectionInfo& connection() const override;
  Address local_address() const override;
  const config::Listener& listener() const override;
  Time began() const override { return began_; }
  EventLoop& loop() override;
  AccessRecord* record() const override;
  void accept_body() override;
  void begin_tunnel() override;
  void resume() override;
  void abort() override;

  void offer_body();
  std::size_t offer(std::string_view data);
  void settle();
  void finish();
  void end_exchange();
  void log();
  void refuse(http::Failure failure);
  void reset(http::Http2Error error);
  void count(http::Failure failure);
  void count(ipc::Http2Count what);
  bool waits_for_body() const;
  Time next_deadline() const;

  Http2Session& session_;
  http::Http2Stream& stream_;
  std::list<Http2Request>::iterator self_;
  std::unique_ptr<http::Http2Head> head_;
  std::unique_ptr<http::Http2Head> trailers_;
  std::unique_ptr<Http2Workspace> work_;
  Http2Answer answer_;
  std::unique_ptr<Exchange> exchange_;
  std::optional<RequestInProgress> in_progress_;
  BodyPace pace_;     // of the body
  std::string held_;  // of the body, not yet taken by the exchange: less than the stream's window
  std::uint64_t body_limit_ = 0;
  std::uint64_t body_bytes_ = 0;
  Time began_;
  Time received_;               // the last of it
  Time moved_;                  // the last of the answer, or since when it waits for room
  std::uint32_t number_;        // of the requests of its connection, from 1
  bool accepts_body_ = false;   // the exchange wants it
  bool body_ended_ = false;     // it has come
  bool body_end_left_ = false;  // the exchange has not yet taken the end
  bool aborted_ = false;        // by its exchange
  bool reset_ = false;          // by us
  bool over_ = false;           // answered, reset or gone
  bool to_go_on_ = false;       // in a list of the session; as is:
  bool waits_for_room_ = false;
};

}  // namespace roundhouse::proxy
