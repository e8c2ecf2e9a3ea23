#include "edge/listening_sockets.h"

namespace roundhouse::edge {

std::string joined_addresses(const Acceptor::Sockets& sockets) {
  std::string text;
  const auto add = [&](const ListeningSocket& socket) {
    text += (text.empty() ? "" : ", ") + socket.address.to_string();
  };
  for (const ListeningSocket& socket : sockets.own) add(socket);
  for (const ReuseportGroup& group : sockets.groups) add(group.sockets.front());
  return text;
}

Result<Acceptor::Sockets> bind_sockets(const config::Listener& listener, const config::Pool& pool) {
  Acceptor::Sockets bound;
  const ListenOptions options{.backlog = static_cast<int>(listener.backlog),
                              .defer = listener.defer_accept};
  for (const Address& address : listener.bind) {
    if (pool.policy == config::Policy::kRrKernel && !address.is_unix())
      bound.groups.push_back(TRY(listen_in_rotation(address, options, pool.workers)));
    else
      bound.own.push_back(TRY(listen_on(address, options)));
  }
  return bound;
}

void choose_inherited(std::uint32_t listener, const Acceptor::Sockets& sockets,
                      const config::Pool& pool, Pool::Setting& setting) {
  if (pool.policy == config::Policy::kNone) {
    for (const ListeningSocket& socket : sockets.own)
      setting.sockets.push_back({listener, socket.fd.get()});
  }
  for (const ReuseportGroup& group : sockets.groups) {
    for (std::size_t place = 0; place < group.sockets.size(); ++place)
      setting.own_sockets[place].push_back({listener, group.sockets[place].fd.get()});
  }
}

}  // namespace roundhouse::edge
