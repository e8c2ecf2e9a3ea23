// Who wants a connection, and keeps what it is told.
#pragma once

#include <memory>
#include <utility>

#include "upstream/cluster.h"

namespace roundhouse::upstream {

class Asker : public Waiter {
 public:
  void on_call(std::unique_ptr<Http2Call> call) override {
    call_ = std::move(call);
    ++calls_;
  }
  void on_connection(std::unique_ptr<Connection> connection) override {
    connection_ = std::move(connection);
    ++calls_;
  }
  void on_no_connection(http::Failure failure, EndpointId endpoint) override {
    failure_ = failure;
    endpoint_ = endpoint;
    ++calls_;
  }
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<Http2Call> call_;
  http::Failure failure_ = http::Failure::kNone;
  EndpointId endpoint_ = 0;
  int calls_ = 0;
};

}  // namespace roundhouse::upstream
