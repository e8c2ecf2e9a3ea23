// A worker that is an unmodified Node program: to it the edge is the primary of Node's cluster.
//
// A connection goes to it as a `newconn` and is taken when the worker has answered that it accepts,
// which it says before its program sees the connection. Until then the edge keeps a descriptor of
// it: one that the worker turns away, did not read, or left unanswered when it died, was touched by
// nobody and goes to another.
//
// A worker that proxies forward to has a door of its own, a private socket from which the edge
// accepts for it alone, so that what the program sees is the same; see docs/node.md.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/checks.h"
#include "edge/endpoint_drain.h"
#include "edge/node_channel.h"
#include "edge/node_framing.h"
#include "edge/node_listens.h"
#include "edge/node_writer.h"
#include "edge/worker_handle.h"
#include "ipc/heritage.h"
#include "ipc/slot.h"
#include "net/event_loop.h"

namespace roundhouse::edge {

// The slot is written by the edge: the program does not know of it.
class NodeHandle final : public WorkerHandle, private IoHandler, private NodeReceiver {
 public:
  struct Setting {
    const config::Pool& pool;  // must outlive this, as is:
    NodeListens& listens;
    std::uint32_t id = 0;  // of the worker
    // The dispatcher's number of its own door; none: it is no endpoint of an upstream.
    std::optional<std::uint32_t> own_door;
    std::span<const ipc::InheritedListener> own_sockets;  // policy rr_kernel; borrowed
    std::function<std::uint32_t()> requests_in_flight;    // at it, by the proxies
  };

  NodeHandle(EventLoop& loop, std::size_t place, Listener& listener, ipc::Shared<ipc::Slot> slot,
             Setting setting);

  Result<Inheritance> prepare(ipc::Bequest bequest, Time now) override;
  void died() override;
  void ended() override;
  void ask_to_drain(const ipc::DrainTerms& terms) override;
  std::optional<Time> heartbeat() const override { return std::nullopt; }
  std::optional<Time> unanswered_since() override;
  std::uint64_t requests_since_start() const override { return 0; }
  bool has_announced_exit() const override { return announced_; }
  std::string listens() const override;
  std::string why_not_ready() const override;
  bool has_shut_its_door() const override;
  std::uint64_t program_messages() const override { return program_messages_; }

  ipc::Sent send(std::uint64_t sequence, std::span<Connection> batch) override;
  ipc::Sent nudge(std::uint64_t sequence) override;
  std::uint64_t take_back(std::vector<Connection>& out) override;
  std::uint64_t taken() const override;
  std::uint64_t connections_active() const override { return 0; }
  void want_room() override { room_wanted_ = true; }
  bool willing(std::uint32_t listener) const override;
  std::size_t batch_limit() const override { return 1; }
  void flush() override;

 private:
  // A connection that was given to the worker and not answered.
  struct Given {
    std::uint64_t sequence;
    Time at;
    Connection connection;  // its descriptor, here as well
  };
  // What the worker does for a listener.
  struct Serving {
    std::string key;  // empty: nothing
    Time rests_until{};
    Duration rest{};  // the last one, since it last accepted
  };
  // What it asked for and has.
  struct Held {
    NodeEndpoint* endpoint;
    NodeListen asked;
  };

  void on_ready(Ready ready) override;
  bool on_node_message(const NodeMessage& message) override;
  std::size_t read_messages();
  void watch(bool writing);
  void disconnect();
  // What serves connections of a listener, by the dispatcher's number; nullptr: nothing.
  Serving* server_of(std::uint32_t listener);
  std::optional<std::size_t> index_of_server(std::uint32_t listener) const;
  void on_query(const NodeMessage& message);
  void on_listening(const NodeListen& listen);
  void on_close(const std::string& key);
  void on_answer(const NodeMessage& message);
  bool on_acknowledged(bool arrived);
  void turn_away(const std::deque<Given>::iterator& given, Duration rest);
  void say_room();
  void end_rest();
  void reply(const NodeMessage& query, NodeEndpoint& endpoint);
  int socket_of(const NodeEndpoint& endpoint) const;
  std::deque<Given>::iterator find(std::uint64_t sequence);

  EventLoop& loop_;
  const config::Pool& pool_;
  NodeListens& listens_;
  const std::uint32_t id_;
  const std::optional<std::uint32_t> own_door_;
  const std::span<const ipc::InheritedListener> own_sockets_;
  const NodeFormat format_;
  NodeChannel channel_;
  NodeFraming framing_;
  NodeWriter writer_;
  IoWatcher watcher_;
  Timer disconnect_timer_;
  EndpointDrain drain_;
  Timer rest_timer_;  // to try again what was not possible
  std::deque<Given> given_;
  std::optional<std::deque<std::uint64_t>> recalled_;  // still to be told by take_back()
  std::vector<Held> held_;
  std::array<Serving, kOwnDoor + 1> serving_;  // by listener
  std::uint64_t last_sequence_ = 0;
  std::uint64_t nudge_ = 0;  // not known to be read; 0: none
  Time nudged_at_{};
  bool watches_writing_ = false;
  bool room_wanted_ = false;
  bool announced_ = false;  // that its exit is its own wish
  bool told_to_leave_ = false;
  bool dead_ = false;
  std::uint64_t program_messages_ = 0;
  Time loss_told_at_{};
};

}  // namespace roundhouse::edge
