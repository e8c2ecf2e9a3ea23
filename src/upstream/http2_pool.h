// The HTTP/2 connections to one endpoint.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "config/proxy_options.h"
#include "upstream/http2_connection.h"

namespace roundhouse::upstream {

class Http2Pool final : private Http2Connection::Owner {
 public:
  struct Parts {
    EventLoop& loop;
    DeadlineQueue& deadlines;
    Http2Shared& shared;
    const config::Upstream& config;
  };

  explicit Http2Pool(const Parts& parts) : parts_(parts) {}
  ~Http2Pool();

  // One that takes another call; nullptr: there is none.
  Http2Connection* find_room() const;
  // A new one, which has just agreed to speak HTTP/2.
  Http2Connection& add(std::unique_ptr<Connection> connection);
  // Those without calls.
  void drop_idle();
  // All of them end with their calls.
  void leave();

 private:
  void on_http2_over(Http2Connection& connection) override;

  const Parts parts_;
  std::vector<std::unique_ptr<Http2Connection>> open_;
};

}  // namespace roundhouse::upstream
