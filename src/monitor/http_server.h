// The monitor's HTTP server on one listening socket. The one door to evhttp.
//
// A slow or stuck client costs one of a bounded number of connections for a bounded time: each
// connection carries one request and is cut after kLifetime whatever it does. When all are taken,
// new ones wait in the backlog, and the oldest is cut as soon as it is older than kGrace. So
// whoever asks and reads at an ordinary speed is served. Streams of events are counted by
// themselves, and one that is not read is cut.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/unique_fd.h"
#include "monitor/control_api.h"
#include "net/event_loop.h"

struct bufferevent;
struct evconnlistener;
struct evhttp;
struct evhttp_request;

namespace roundhouse::monitor {

class HttpServer {
 public:
  static constexpr Duration kLifetime = std::chrono::seconds(20);
  static constexpr Duration kIdle = std::chrono::seconds(10);  // between two reads or writes
  static constexpr Duration kGrace = std::chrono::seconds(1);
  // Of a stream that a client does not read, so many times in a row.
  static constexpr int kMostMissed = 5;
  static constexpr std::size_t kMaxHeaders = 8 * 1024;
  // Far above what is accepted, so that the API says so instead of evhttp.
  static constexpr std::size_t kMaxBody = 4 * ControlApi::kMaxBody;

  struct Setting {
    UniqueFd listening;  // its backlog is the owner's
    Viewer viewer = Viewer::kAnyone;
    std::size_t max_connections = 20;  // few enough for a monitor under `ulimit -n 64`; as is:
    std::size_t max_streams = 12;
  };

  // `api` and `loop` must outlive it; SIGPIPE must be ignored.
  static Result<std::unique_ptr<HttpServer>> create(EventLoop& loop, Setting setting,
                                                    const ControlApi& api);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();

  std::size_t connections() const { return connections_.size(); }
  std::size_t streams() const { return streams_.size(); }

  // Tells every stream what is new. Call it once a second.
  void tell_streams();
  // Says to their clients that they have ended.
  void end_streams();

 private:
  // evhttp tells neither of a connection's begin nor of its end. But it asks us for the
  // connection's bufferevent, which knows the descriptor at the end of the turn; and the socket's
  // cookie tells whether a descriptor is still that socket.
  struct Connection {
    int fd;
    std::uint64_t cookie;
    Time since;
  };
  // A response that goes on. It is no connection any more.
  struct Stream {
    HttpServer* server;
    evhttp_request* request;
    std::uint64_t after;  // the last event that was told
    int missed = 0;
  };
  struct Free {
    void operator()(evhttp* http) const;
  };

  HttpServer(EventLoop& loop, Setting& setting, const ControlApi& api);
  Result<void> listen(UniqueFd listening);
  void admit();
  void sweep();
  void answer(evhttp_request* request);
  void begin_stream(evhttp_request* request, const Response& response);
  void forget(const Stream* stream);

  EventLoop& loop_;
  const ControlApi& api_;
  Viewer viewer_;
  std::size_t max_connections_;
  std::size_t max_streams_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::unique_ptr<evhttp, Free> http_;
  evconnlistener* listener_ = nullptr;   // owned by http_
  std::vector<bufferevent*> arrived_;    // in this turn; one reference to each is ours
  std::vector<Connection> connections_;  // the oldest first
  bool accepting_ = true;
  Timer sweeper_;
};

}  // namespace roundhouse::monitor
