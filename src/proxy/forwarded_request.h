// What of a client's request goes to the endpoint, and what of its answer goes back.
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "http/forwarding.h"
#include "http/message.h"
#include "ipc/slot.h"
#include "proxy/exchange.h"
#include "proxy/handler.h"
#include "proxy/request_facts.h"
#include "proxy/router.h"
#include "upstream/cluster.h"

namespace roundhouse::proxy {

// The fields of this hop stay here (RFC 9110 7.6.1). Who the client is and what it asked for is
// told from what we know, never from what it says, unless it is a trusted proxy: X-Forwarded-For,
// -Host, -Proto, Forwarded (RFC 7239). Names with '_' are dropped: to a CGI-like program they are
// the same as those with '-'. What the route says of fields has the last word.
class ForwardedRequest final : public RequestSource {
 public:
  struct Parts {
    Client& client;
    ipc::Slot& slot;
    EventLoop& loop;
    const PreparedRoute& route;  // outlives this
    std::size_t row;             // of the slot
    std::string_view path;       // in normal form, valid during the constructor
    const upstream::Cluster& cluster;
    std::mt19937_64& random;
  };

  // REQUIRES: !HopByHop(request.fields).too_many().
  ForwardedRequest(Parts parts, const RequestFacts& facts);

  // It asks for a WebSocket, the one protocol that is switched to (RFC 6455 4.1).
  bool is_upgrade() const { return upgrade_; }

  http::HeadWriter::Outcome write_request(std::span<char> out, std::size_t& size) override;
  void write_response(const http::Response& response, const upstream::Endpoint& endpoint,
                      http::HeadWriter& head) override;
  bool passes_trailer(const http::Field& field) const override { return goes_on(field); }
  bool passes_answer_trailer(const http::Field& field) const override;
  void ended(const ExchangeResult& result) override;

 private:
  bool goes_on(const http::Field& field) const;
  std::string_view request_id() const;
  void write_target(http::HeadWriter& head) const;
  void write_host(http::HeadWriter& head) const;
  void write_origin(http::HeadWriter& head) const;
  void write_forwarded(http::HeadWriter& head) const;
  void write_trace(http::HeadWriter& head) const;
  void write_framing(http::HeadWriter& head) const;
  void write_cookie(const upstream::Endpoint& endpoint, http::HeadWriter& head) const;

  Parts parts_;
  const http::Request& request_;
  http::HopByHop hop_;
  RequestFacts facts_;
  Time began_;
  std::string peer_;
  std::string target_;          // of a route that rewrites; else empty
  std::string answer_options_;  // what the answer's Connection names, for its trailers
  std::array<char, 32> id_;     // of the request and its trace; made here
  bool upgrade_ = false;
};

}  // namespace roundhouse::proxy
