// How the sockets of a listener become others without a client's noticing.
//
// The two kinds share the address for a moment: new clients go to the old until make_way(), then to
// the new, while the old is kept open for those whose handshake was on its way. A socket of one
// kind cannot be made into the other, nor can a second listen where one does without SO_REUSEPORT,
// which can be set afterwards.
#include <algorithm>
#include <chrono>

#include "edge/acceptor.h"

namespace roundhouse::edge {
namespace {

// As long as a handshake may take that began before, and its first bytes.
constexpr Duration kLastArrivals = std::chrono::milliseconds(100);

}  // namespace

Result<Acceptor::Sockets> Acceptor::listen_anew(const Address& asked, const ListenOptions& options,
                                                std::size_t group_of) {
  finish_leaving();
  forget_past(asked);
  const auto has_address = [&](const auto& one) { return one.asked == asked; };
  const auto now = views();
  const auto before = std::ranges::find_if(now, has_address);
  Sockets sockets;
  if (!before->worker) {
    sockets.groups.push_back(
        TRY(listen_in_rotation_after(before->fd, before->address, asked, options, group_of)));
    return sockets;
  }
  ListenOptions shared = options;
  shared.shares_port = true;
  sockets.own.push_back(TRY(listen_on(before->address, shared)));
  sockets.own.back().asked = asked;
  const auto group = std::ranges::find_if(rotations_, has_address);
  TRY_VOID(group->turns.add_beside(sockets.own.back().fd.get()));
  return sockets;
}

void Acceptor::make_way(const Address& asked) {
  for (const auto& socket : sockets_)
    if (socket->listening.asked == asked) socket->leaving = true;
  for (Rotation& rotation : rotations_) {
    if (rotation.asked != asked) continue;
    rotation.leaving = true;
    rotation.turns.turn_to_beside();
  }
  leave_.start_once(kLastArrivals);
}

void Acceptor::take_strays(Sockets sockets) {
  const std::size_t before = sockets_.size();
  add(std::move(sockets));
  for (std::size_t i = before; i < sockets_.size(); ++i) {
    sockets_[i]->leaving = true;
    take_rest(*sockets_[i]);
  }
  sockets_.resize(before);
  keep_as_past([&](const Rotation& rotation) {
    return std::ranges::none_of(sockets_, [&](const auto& socket) {
      return socket->place && socket->listening.asked == rotation.asked;
    });
  });
}

// Workers that end may have its sockets open still: it goes on sending new clients to the one
// beside it.
void Acceptor::keep_as_past(const std::function<bool(const Rotation&)>& is_over) {
  for (auto rotation = rotations_.begin(); rotation != rotations_.end();) {
    if (!is_over(*rotation)) {
      ++rotation;
      continue;
    }
    rotation->turns.turn_to_beside();
    rotation->before.forget();  // the socket that this acceptor has is enough
    past_.push_back(std::move(*rotation));
    rotation = rotations_.erase(rotation);
  }
  // Where nobody listens any more there is nothing to choose.
  std::erase_if(past_, [&](const Rotation& rotation) {
    return std::ranges::none_of(
        sockets_, [&](const auto& socket) { return socket->listening.asked == rotation.asked; });
  });
}

void Acceptor::forget_past(const Address& asked) {
  const auto is_of_it = [&](const Rotation& rotation) { return rotation.asked == asked; };
  if (std::erase_if(past_, is_of_it) == 0) return;
  for (const auto& socket : sockets_)
    if (socket->listening.asked == asked && !socket->place)
      stop_sharing(socket->listening.fd.get());
}

// While nobody has room they go on waiting in the queues.
void Acceptor::finish_leaving() {
  for (const auto& socket : sockets_) {
    if (!socket->leaving) continue;
    take_rest(*socket);
    if (paused_) return leave_.start_once(kLastArrivals);
  }
  for (Rotation& rotation : rotations_) rotation.before.forget();
  std::erase_if(sockets_, [](const auto& socket) { return socket->leaving; });
  keep_as_past([](const Rotation& rotation) { return rotation.leaving; });
  if (!accepts()) end_pause();
}

Acceptor::Sockets Acceptor::release(const Address& asked) {
  finish_leaving();
  forget_past(asked);
  Sockets released;
  const auto rotation = std::ranges::find(rotations_, asked, &Rotation::asked);
  if (rotation != rotations_.end())
    released.groups.push_back(
        {.before = {}, .rotation = std::move(rotation->turns), .sockets = {}});
  for (const auto& socket : sockets_) {
    if (socket->listening.asked != asked) continue;
    auto& list = socket->place ? released.groups.front().sockets : released.own;
    list.push_back(std::move(socket->listening));
    socket->watcher.stop();
  }
  std::erase_if(sockets_, [](const auto& socket) { return !socket->listening.fd; });
  std::erase_if(rotations_, [&](const Rotation& one) { return one.asked == asked; });
  return released;
}

}  // namespace roundhouse::edge
