// What a Node worker says, and what the edge does about it; the rest of NodeHandle is in
// node_handle.cc.
#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "base/log.h"
#include "edge/node_handle.h"

namespace roundhouse::edge {
namespace {

using namespace std::chrono_literals;
using Kind = NodeMessage::Kind;

// A worker that was out of descriptors gets nothing for so long.
constexpr Duration kRestAfterLoss = 200ms;
// One that turned a connection away (maxConnections) for so long, and twice as long each time.
constexpr Duration kRestMin = 20ms;
constexpr Duration kRestMax = 1s;

// Programs cause the line as often as they like.
constexpr Duration kTellAgainAfter = 1s;

UniqueFd duplicate(int fd) { return UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 0)); }

}  // namespace

bool NodeHandle::on_node_message(const NodeMessage& message) {
  switch (message.kind) {
    case Kind::kMalformed:
      return false;
    case Kind::kUser:
      ++program_messages_;
      break;
    case Kind::kUnknown:
    case Kind::kOnline:
      break;
    case Kind::kQueryServer:
      on_query(message);
      break;
    case Kind::kListening:
      on_listening(message.listen);
      break;
    case Kind::kClose:
      on_close(message.key);
      break;
    case Kind::kExitedAfterDisconnect:
      announced_ = true;
      disconnect_timer_.stop();
      drain_.stop();
      channel_.post(writer_.acknowledge(message.sequence));
      listener().on_draining_notice(place());
      listener().on_door_notice(place());
      break;
    case Kind::kAnswer:
      on_answer(message);
      break;
    case Kind::kHandleAck:
    case Kind::kHandleNack:
      return on_acknowledged(message.kind == Kind::kHandleAck);
    case Kind::kHandle:  // to the primary's own program, and there is none
      ++program_messages_;
      channel_.post(writer_.handle_arrived());
      break;
    case Kind::kSocketClosed:
      channel_.post(writer_.all_closed(message.key));
      break;
    case Kind::kSocketCount:
      channel_.post(writer_.count_of_none(message.key));
      break;
  }
  return true;
}

// Node itself does not answer a worker that has announced its exit.
void NodeHandle::on_query(const NodeMessage& message) {
  if (announced_) return;
  const auto acquired = listens_.acquire(message.listen);
  if (!acquired) {
    channel_.post(writer_.error_reply(message.sequence, "", message.listen.data, acquired.error()));
    return;
  }
  NodeEndpoint& endpoint = **acquired;
  const bool has_it = std::ranges::find(held_, &endpoint, &Held::endpoint) != held_.end();
  if (has_it) {
    listens_.release(endpoint, false);
    channel_.post(writer_.error_reply(message.sequence, "", message.listen.data, EADDRINUSE));
    return;
  }
  held_.push_back({&endpoint, message.listen});
  reply(message, endpoint);
}

void NodeHandle::reply(const NodeMessage& query, NodeEndpoint& endpoint) {
  const std::string& data = endpoint.asked.data;
  if (endpoint.shared < 0) {
    channel_.post(writer_.rotation_reply(query.sequence, endpoint.key, data, endpoint.name));
    return;
  }
  UniqueFd socket = duplicate(socket_of(endpoint));
  if (socket) {
    channel_.post(writer_.socket_reply(query.sequence, endpoint.key, data, query.listen.is_udp()),
                  std::move(socket));
  } else {
    on_close(endpoint.key);
    channel_.post(writer_.error_reply(query.sequence, "", data, EMFILE));
  }
}

// Where workers accept for themselves.
int NodeHandle::socket_of(const NodeEndpoint& endpoint) const {
  const auto own = std::ranges::find_if(own_sockets_, [&](const ipc::InheritedListener& one) {
    return endpoint.listener == one.listener;
  });
  return own == own_sockets_.end() ? endpoint.shared : own->fd;
}

// The same words as in its query, with the port that it was told.
void NodeHandle::on_listening(const NodeListen& listen) {
  const auto held = std::ranges::find_if(held_, [&](const Held& candidate) {
    const NodeListen& asked = candidate.asked;
    const auto& name = candidate.endpoint->name;
    return asked.type == listen.type && asked.address == listen.address &&
           asked.index == listen.index &&
           (asked.port == listen.port || (name && name->port == listen.port));
  });
  channel_.forget_read();
  if (held == held_.end() || !held->endpoint->listener) return;
  listens_.restore_backlog(*held->endpoint, socket_of(*held->endpoint));
  serving_[*held->endpoint->listener] = {.key = held->endpoint->key};
  listener().on_ready_notice(place());
  listener().on_door_notice(place());
  say_room();  // it was ready, and this is another listener
}

void NodeHandle::on_close(const std::string& key) {
  const auto held =
      std::ranges::find_if(held_, [&](const Held& one) { return one.endpoint->key == key; });
  if (held == held_.end()) return;
  if (held->endpoint->listener) serving_[*held->endpoint->listener] = {};
  listens_.release(*held->endpoint, true);
  held_.erase(held);
  listener().on_door_notice(place());
}

std::deque<NodeHandle::Given>::iterator NodeHandle::find(std::uint64_t sequence) {
  return std::ranges::find(given_, sequence, &Given::sequence);
}

void NodeHandle::on_answer(const NodeMessage& message) {
  const auto given = find(static_cast<std::uint64_t>(message.ack));
  if (given == given_.end() || given->sequence > channel_.last_sent())
    return;  // of nothing of ours
  channel_.was_read(given->sequence);
  const ipc::ConnectionInfo& info = given->connection.info;
  Serving* const here = server_of(info.listener);  // none: it has closed that server
  if (!message.accepted) {
    if (here == nullptr) return turn_away(given, kRestMin);
    here->rest = std::clamp(here->rest * 2, kRestMin, kRestMax);
    return turn_away(given, here->rest);
  }
  if (here != nullptr) here->rest = Duration::zero();
  ipc::add(slot().connections_total);
  const Time accepted = time_from_nanoseconds(info.accepted_ns);
  ipc::record_handoff(slot(), std::max<std::int64_t>((loop_.now() - accepted).count(), 0));
  given_.erase(given);
}

// False: there was nothing that could have arrived.
bool NodeHandle::on_acknowledged(bool arrived) {
  const auto sequence = channel_.next_acknowledged();
  if (!sequence) return false;
  if (arrived || *sequence == 0) return true;
  const auto given = find(*sequence);
  if (given == given_.end()) return true;
  if (loop_.now() - loss_told_at_ >= kTellAgainAfter) {
    loss_told_at_ = loop_.now();
    log::warn("node_lost_descriptor",
              "worker " + pool_.name + "/" + std::to_string(id_) +
                  " is out of descriptors: a connection goes to another",
              {{"pool", pool_.name}, {"worker", id_}});
  }
  channel_.was_read(*sequence);
  turn_away(given, kRestAfterLoss);
  return true;
}

void NodeHandle::turn_away(const std::deque<Given>::iterator& given, Duration rest) {
  const std::uint64_t sequence = given->sequence;
  Connection connection = std::move(given->connection);
  given_.erase(given);
  if (Serving* const here = server_of(connection.info.listener))
    here->rests_until = loop_.now() + rest;
  rest_timer_.start_once(rest + 1ms);
  listener().on_turned_away(place(), sequence, std::move(connection));
}

}  // namespace roundhouse::edge
