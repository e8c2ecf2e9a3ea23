// Which sockets a configuration needs: those that there are, others of the same address, new ones.
#include <algorithm>
#include <cstdio>
#include <utility>

#include "config/socket_change.h"
#include "edge/fleet.h"
#include "net/listener.h"

namespace roundhouse::edge {
namespace {

// The kernel rotates over so many; 0: it does not.
std::size_t queues_of(const config::Pool& pool, const Address& address) {
  if (!config::is_in_kernel(pool, address)) return 0;
  return config::queues_of(config::is_foreign(pool.type), pool.workers, pool.rows);
}

std::string joined(const std::vector<Acceptor::SocketView>& views) {
  std::string text;
  for (const Acceptor::SocketView& view : views) {
    if (view.worker.value_or(0) == 0) text += (text.empty() ? "" : ", ") + view.address.to_string();
  }
  return text;
}

bool has_address(const config::Configuration& configuration, std::size_t listener,
                 const Address& asked) {
  if (listener >= configuration.listeners.size()) return false;
  const config::Listener& options = configuration.listeners[listener];
  return !config::is_vacant(options) &&
         std::ranges::find(options.bind, asked) != options.bind.end();
}

}  // namespace

Fleet::SocketViews Fleet::views_of(std::size_t listener, const Address& asked) const {
  SocketViews views;
  if (listener < acceptors_.size() && acceptors_[listener]) views = acceptors_[listener]->views();
  std::erase_if(views, [&](const auto& view) { return view.asked != asked; });
  return views;
}

// Who listens there now and will not any more.
std::optional<std::size_t> Fleet::giver_of(const config::Configuration& next, std::size_t listener,
                                           const Address& asked) const {
  for (std::size_t i = 0; i < acceptors_.size(); ++i) {
    if (i != listener && !has_address(next, i, asked) && !views_of(i, asked).empty()) return i;
  }
  return std::nullopt;
}

// Binds what is not bound yet.
Result<Fleet::Views> Fleet::find_sockets(Change& change) {
  const config::Configuration& next = change.next->configuration;
  Views views(next.listeners.size());
  change.sockets.resize(std::max(next.listeners.size(), acceptors_.size()));
  for (std::size_t i = 0; i < next.listeners.size(); ++i) {
    if (config::is_vacant(next.listeners[i])) continue;
    for (const Address& asked : next.listeners[i].bind) {
      const SocketViews found = TRY(find_socket(change, i, asked));
      views[i].insert(views[i].end(), found.begin(), found.end());
    }
  }
  const auto is_moved = [&](std::size_t from, const Address& asked) {
    return std::ranges::any_of(change.sockets, [&](const Change::ListenerChange& one) {
      return std::ranges::any_of(
          one.moved, [&](const auto& move) { return move.from == from && move.asked == asked; });
    });
  };
  for (std::size_t i = 0; i < acceptors_.size(); ++i) {
    if (!acceptors_[i]) continue;
    for (const Acceptor::SocketView& view : acceptors_[i]->views()) {
      const bool stays = has_address(next, i, view.asked) || is_moved(i, view.asked);
      if (!stays && view.worker.value_or(0) == 0) change.sockets[i].gone.push_back(view.asked);
    }
  }
  return views;
}

Result<Fleet::SocketViews> Fleet::find_socket(Change& change, std::size_t index,
                                              const Address& asked) {
  const config::Configuration& next = change.next->configuration;
  const config::Listener& listener = next.listeners[index];
  const config::Pool& pool = *next.find_pool(listener.pool);
  const ListenOptions options{.backlog = static_cast<int>(listener.backlog),
                              .defer = listener.defer_accept};
  const std::size_t wanted = queues_of(pool, asked);
  const auto queues_in = [](const SocketViews& views) {
    return views.front().worker ? views.size() : 0;
  };
  const auto check = [&](const SocketViews& views, std::size_t of) -> Result<void> {
    const config::Pool& before = *configuration().find_pool(acceptors_[of]->pool_name());
    const std::string_view why = config::refusal_of_change(
        {.queues = queues_in(views), .foreign = config::is_foreign(before.type)},
        {.queues = wanted, .foreign = config::is_foreign(pool.type), .same_listener = of == index});
    if (why.empty()) return {};
    return fail("listener " + listener.name + ", " + asked.to_string() + ": " + std::string(why),
                ExitCode::kConfiguration);
  };
  SocketViews known = views_of(index, asked);
  if (!known.empty() && queues_in(known) == wanted) return known;
  Acceptor::Sockets added;
  if (!known.empty()) {
    TRY_VOID(check(known, index));
    added = TRY(acceptors_[index]->listen_anew(asked, options, wanted));
    change.sockets[index].anew.push_back(asked);
  } else if (const auto giver = giver_of(next, index, asked)) {
    known = views_of(*giver, asked);
    TRY_VOID(check(known, *giver));
    change.sockets[index].moved.push_back({*giver, asked});
    return known;
  } else if (wanted != 0) {
    added.groups.push_back(TRY(listen_in_rotation(asked, options, wanted)));
  } else {
    added.own.push_back(TRY(listen_on(asked, options)));
  }
  SocketViews views = Acceptor::views_of(added);
  Acceptor::Sockets& all = change.sockets[index].added;
  std::ranges::move(added.own, std::back_inserter(all.own));
  std::ranges::move(added.groups, std::back_inserter(all.groups));
  return views;
}

void Fleet::close_what_goes(Change& change) {
  for (Change::ListenerChange& one : change.sockets) {
    for (const auto& move : one.moved) {
      Acceptor::Sockets released = acceptors_[move.from]->release(move.asked);
      std::ranges::move(released.own, std::back_inserter(one.added.own));
      std::ranges::move(released.groups, std::back_inserter(one.added.groups));
    }
  }
  const auto& listeners = change.next->configuration.listeners;
  for (std::size_t i = 0; i < acceptors_.size(); ++i) {
    if (!acceptors_[i]) continue;
    for (const Address& asked : change.sockets[i].gone) acceptors_[i]->close(asked);
    for (const Address& asked : change.sockets[i].anew) acceptors_[i]->make_way(asked);
    if (i < listeners.size() && !config::is_vacant(listeners[i])) continue;
    acceptors_[i]->close();
    acceptors_[i].reset();
  }
}

void Fleet::adopt_listeners(Change& change) {
  const config::Configuration& next = configuration();
  acceptors_.resize(std::max(acceptors_.size(), next.listeners.size()));
  for (std::size_t i = 0; i < next.listeners.size(); ++i) {
    if (config::is_vacant(next.listeners[i])) continue;
    Pool& pool = *find_pool(next.listeners[i].pool);
    std::unique_ptr<Acceptor>& acceptor = acceptors_[i];
    ipc::ListenerRow& row = board_.listener(i);
    if (acceptor) {
      acceptor->add(std::move(change.sockets[i].added));
      acceptor->adopt(next.listeners[i], pool);
    } else {
      acceptor =
          std::make_unique<Acceptor>(loop_, next.listeners[i], static_cast<std::uint32_t>(i),
                                     std::move(change.sockets[i].added), pool, row, connections_);
      if (running_) {
        acceptor->start();
        acceptor->take_turns();
        acceptor->resume();
      }
    }
    std::snprintf(row.addresses, sizeof row.addresses, "%s", joined(acceptor->views()).c_str());
  }
}

}  // namespace roundhouse::edge
