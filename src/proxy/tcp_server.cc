#include "proxy/tcp_server.h"

#include <iterator>
#include <utility>

#include "http/failure.h"

namespace roundhouse::proxy {

void TcpServer::take(Transport client, const ipc::ConnectionInfo& info, upstream::Cluster& cluster,
                     std::optional<ConnectionLimiter::Ticket> ticket) {
  if (!ticket) {
    constexpr auto kFailure = static_cast<std::size_t>(http::Failure::kTooManyConnections);
    ipc::add(parts_.slot.proxy_failures[kFailure]);
    client.close();
    if (parts_.on_closed) parts_.on_closed(info.listener);
    return;
  }
  open_.emplace_back(*this, std::move(client), info, cluster);
  const auto session = std::prev(open_.end());
  session->self_ = session;
  session->ticket_ = *std::move(ticket);
  session->start();
}

// The session may be inside its own functions: it is destroyed at the end of the turn.
void TcpServer::closed(TcpSession& session) {
  if (closed_.empty()) parts_.loop.defer([this] { closed_.clear(); });
  closed_.splice(closed_.end(), open_, session.self_);
  if (parts_.on_closed) parts_.on_closed(session.info_.listener);
}

}  // namespace roundhouse::proxy
