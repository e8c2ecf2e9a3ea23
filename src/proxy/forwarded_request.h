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

namespace roundhouse::proxy {

// The fields of this hop stay here (RFC 9110 7.6.1). Who the client is and what it asked for is
// told from what we know, never from what it says: X-Forwarded-For, -Host, -Proto, Forwarded (RFC
// 7239). Names with '_' are dropped: to a CGI-like program they are the same as those with '-'.
class ForwardedRequest final : public RequestSource {
 public:
  struct Parts {
    Client& client;
    ipc::Slot& slot;
    EventLoop& loop;
    std::string_view upstream;  // stands for the host where the client names none; outlives this
    std::mt19937_64& random;
  };

  // REQUIRES: !HopByHop(request.fields).too_many().
  explicit ForwardedRequest(Parts parts);

  // It asks for a WebSocket, the one protocol that is switched to (RFC 6455 4.1).
  bool is_upgrade() const { return upgrade_; }

  http::HeadWriter::Outcome write_request(std::span<char> out, std::size_t& size) override;
  void write_response(const http::Response& response, http::HeadWriter& head) override;
  void ended(const ExchangeResult& result) override;

 private:
  bool goes_on(const http::Field& field) const;
  void write_origin(http::HeadWriter& head) const;
  void write_framing(http::HeadWriter& head) const;

  Parts parts_;
  const http::Request& request_;
  http::HopByHop hop_;
  Time began_;
  std::string peer_;
  std::array<char, 32> id_;  // of the request and its trace; made here
  bool upgrade_ = false;
};

}  // namespace roundhouse::proxy
