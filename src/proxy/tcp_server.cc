#include "proxy/tcp_server.h"

#include <iterator>
#include <utility>

namespace roundhouse::proxy {

void TcpServer::take(UniqueFd fd, const ipc::ConnectionInfo& info, upstream::Cluster& cluster) {
  open_.emplace_back(*this, std::move(fd), info, cluster);
  const auto session = std::prev(open_.end());
  session->self_ = session;
  session->start();
}

// The session may be inside its own functions: it is destroyed at the end of the turn.
void TcpServer::closed(TcpSession& session) {
  if (closed_.empty()) parts_.loop.defer([this] { closed_.clear(); });
  closed_.splice(closed_.end(), open_, session.self_);
  if (parts_.on_closed) parts_.on_closed(session.info_.listener);
}

}  // namespace roundhouse::proxy
