// What the access log says of one request.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "http/failure.h"
#include "ipc/messages.h"
#include "net/tls_facts.h"

namespace roundhouse::proxy {

// One for each request in progress, used again for the next one, so that its texts keep their room.
struct AccessRecord {
  // By the session, at the end; the views are valid while the line is made.
  const ipc::ConnectionInfo* connection = nullptr;
  const TlsFacts* tls = nullptr;  // of the connection; nullptr: plain text
  std::string_view listener;
  std::string_view method;
  std::string_view host;
  std::string_view target;  // as it came
  std::string_view path;
  std::string_view protocol;
  std::string_view user_agent;
  std::string_view referer;
  int status = 0;                    // 0: none was sent
  std::uint64_t request_bytes = 0;   // of the body, without framing; of a tunnel all
  std::uint64_t response_bytes = 0;  // as is
  Duration duration{};
  std::uint32_t connection_requests = 0;
  // By whoever saw it.
  http::Failure failure = http::Failure::kNone;

  // By a handler that knows; these views outlive the request.
  std::string_view route;
  std::string_view upstream;
  std::string client;  // where it is not the peer
  std::string request_id;
  std::string endpoint;
  std::optional<Duration> upstream_duration;
  std::uint32_t tries = 0;

  // For the next request.
  void start() {
    connection = nullptr;
    tls = nullptr;
    listener = method = host = target = path = protocol = user_agent = referer = {};
    status = 0;
    request_bytes = response_bytes = 0;
    duration = {};
    connection_requests = tries = 0;
    failure = http::Failure::kNone;
    route = upstream = {};
    client.clear();
    request_id.clear();
    endpoint.clear();
    upstream_duration.reset();
  }
};

}  // namespace roundhouse::proxy
