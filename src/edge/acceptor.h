// One listener: accepts from its sockets and offers to its pool, and stops accepting while the pool
// has no room.
//
// Then the kernel's backlog queues, bounded by `backlog`; nothing queues without bound here. Under
// policy `none` it only holds the sockets, for the workers that accept from them. Under `rr_kernel`
// the workers that are in turn accept for themselves, each from its own; what the kernel has put
// into the queue of another is accepted here and offered to the pool, or, where that can be given
// nothing (listen_fds), waits for the replacement.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/options.h"
#include "edge/pool.h"
#include "ipc/board.h"
#include "net/event_loop.h"
#include "net/listener.h"
#include "net/reuseport_rotation.h"

namespace roundhouse::edge {

class Acceptor {
 public:
  // What it listens on: sockets of its own, and under rr_kernel a group for each TCP address.
  struct Sockets {
    std::vector<ListeningSocket> own;
    std::vector<ReuseportGroup> groups;
    const ListeningSocket& first() const { return own.empty() ? groups[0].sockets[0] : own[0]; }
  };
  // One of these, for those who get copies of it.
  struct SocketView {
    Address asked;  // as it was asked for
    Address address;
    int fd;
    std::optional<std::size_t> worker;  // whose it is under rr_kernel; 0 is that of id 1
  };
  static std::vector<SocketView> views_of(const Sockets& sockets);

  // `index`: of the listener in the configuration, or the own door of a worker of the pool.
  // `next_id` counts the connections of this edge. All references outlive it.
  Acceptor(EventLoop& loop, const config::Listener& options, std::uint32_t index, Sockets sockets,
           Pool& pool, ipc::ListenerRow& row, std::uint64_t& next_id);

  void start();
  // Others of the pool's workers are in turn.
  void take_turns();
  // The pool may have room again.
  void resume();
  // Connections that were accepted here, and given back by a worker that drains: whether the pool
  // can have them, has room, and one of them.
  bool wants_back() const;
  bool has_room_for_returned() { return pool_->has_room(index_); }
  void take_back(Connection connection) { pool_->offer(std::move(connection)); }
  // It will be closed soon: a client that is connected but has sent nothing yet is let in as well.
  void expect_close();
  // Takes what already waits in the backlog, as far as the pool has room, then closes the sockets.
  void close();
  // The same with those of one address.
  void expect_close(const Address& asked);
  void close(const Address& asked);
  void add(Sockets sockets);
  std::vector<SocketView> views() const;

  // Of another kind on the same address: one socket in place of a group, or the other way. It is
  // added after make_way(), which sends new clients there; those before it are closed when what
  // was on its way to them has come.
  Result<Sockets> listen_anew(const Address& asked, const ListenOptions& options,
                              std::size_t group_of);
  void make_way(const Address& asked);
  // What came to these meanwhile is served; then they are closed.
  void take_strays(Sockets sockets);
  // For another listener, which goes on with them.
  Sockets release(const Address& asked);
  // From now on with these options, and for this pool, whose policy may be another.
  void adopt(const config::Listener& options, Pool& pool);
  // A program accepts from its sockets that proxies forward to as well: it serves until these are
  // gone, and so does whoever replaces it meanwhile.
  bool is_proxies_too() const;
  const std::string& pool_name() const { return options_.pool; }

 private:
  struct Socket final : IoHandler {
    Socket(Acceptor& acceptor, ListeningSocket socket, std::optional<std::size_t> place)
        : acceptor(acceptor), listening(std::move(socket)), place(place) {}
    void on_ready(Ready ready) override { acceptor.accept_batch(*this, ready); }
    Acceptor& acceptor;
    ListeningSocket listening;
    std::optional<std::size_t> place;  // of the worker that accepts from it while it is in turn
    bool leaving = false;              // others have its address
    IoWatcher watcher;
  };

  struct Rotation {
    Address asked;
    SharedAddress before;
    ReuseportRotation turns;
    bool leaving = false;
  };

  bool accepts() const;
  bool accepts_from(const Socket& socket) const;
  void finish_leaving();
  void keep_as_past(const std::function<bool(const Rotation&)>& is_over);
  void forget_past(const Address& asked);
  void watch_sockets();
  bool accept_batch(Socket& socket, Ready ready);  // false: nobody waits there
  std::optional<ipc::PauseReason> obstacle();
  bool is_abandoned(const Accepted& accepted);
  void tell_of_shortage();
  void pause(ipc::PauseReason reason);
  void end_pause();
  void take_rest(Socket& socket);

  EventLoop& loop_;
  config::Listener options_;
  const std::uint32_t index_;
  std::vector<std::unique_ptr<Socket>> sockets_;
  std::vector<Rotation> rotations_;
  std::vector<Rotation> past_;  // of addresses that have one socket again
  Pool* pool_;
  ipc::ListenerRow& row_;
  std::uint64_t& next_id_;
  Timer retry_;
  Timer leave_;
  std::optional<ipc::PauseReason> paused_;
  Time paused_since_{};
  std::optional<Time> told_at_;       // of a shortage of descriptors
  std::optional<Time> behind_since_;  // the backlog has not been empty since this pause began
};

}  // namespace roundhouse::edge
