// What the Node programs of one pool listen on, and what serves each of it.
//
// A program says listen(3000); the pool's listeners are on other ports. So that an unmodified
// program is served, what it asks for is matched: first by `pools.NAME.listen`, then with a
// listener of exactly that port or path; and where the pool has one listener, the first TCP port
// that a program asks for is served by it, whatever its number. Everything else gets a socket of
// its own, bound as asked, which the workers share as under Node's own primary. Where proxies
// forward to the workers, their private sockets count as a listener, unless there are others.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/clock.h"
#include "base/unique_fd.h"
#include "config/checks.h"
#include "config/options.h"
#include "edge/node_message.h"
#include "edge/node_writer.h"
#include "edge/spawn.h"

namespace roundhouse::edge {

// A listener that leads to the pool.
struct ServedListener {
  std::uint32_t index = 0;
  std::string name;
  Address address;  // the first of its addresses
  int fd = -1;      // of that; borrowed until NodeListens::stop()
  int backlog = 0;
  bool operator==(const ServedListener&) const = default;
};
// Its index if it is no listener, but the private sockets, one of each worker. `address` is then
// what clients connect to, if that is one address: a program is told of it.
inline constexpr std::uint32_t kOwnDoor = config::kMaxListeners;

// What several workers ask for in the same words, and share.
struct NodeEndpoint {
  std::string key;                        // what it is called on the channels
  NodeListen asked;                       // by the first; `data` is the first that was given
  std::optional<std::uint32_t> listener;  // that serves it
  // The socket that workers accept from (under rr_kernel each has its own instead of this); -1:
  // connections are handed to them.
  int shared = -1;
  UniqueFd own;  // that socket where no listener's is
  std::optional<NodeName> name;
  std::string path;         // of a socket of our own: to be removed
  std::size_t holders = 0;  // workers that have it now
};

class NodeListens {
 public:
  NodeListens(std::shared_ptr<const config::Pool> pool, std::vector<ServedListener> listeners,
              const Identity* identity);
  NodeListens(const NodeListens&) = delete;
  NodeListens& operator=(const NodeListens&) = delete;
  ~NodeListens();

  // Counts one holder more. Error: an errno for the program.
  std::expected<NodeEndpoint*, int> acquire(const NodeListen& asked);
  // One holder less. Of what nobody holds any more the socket stays for those that come after a
  // death; after a close() of the program's own it goes.
  void release(NodeEndpoint& endpoint, bool closed);
  // The listeners are closed from now on: nothing new is given out.
  void stop() { stopped_ = true; }
  // A worker's listen(2) on a socket of the listener has set its backlog.
  void restore_backlog(const NodeEndpoint& endpoint, int socket) const;

  // What comes in at the private sockets is for a port of its own, and for no listener's.
  bool maps_own_door() const;

  // The port of the pool's listener (of the proxies' where there is none) where that is one and
  // TCP; else 0.
  std::uint16_t only_port() const;

  // "3000 -> web (0.0.0.0:8000)".
  std::string describe(const NodeEndpoint& endpoint) const;

 private:
  NodeEndpoint* find(const NodeListen& asked);
  const ServedListener* match(const NodeListen& asked) const;
  const ServedListener* main_listener() const;
  const ServedListener* only_listener(const NodeListen& asked) const;
  bool is_held(std::uint32_t listener) const;
  bool hands_over(const ServedListener& listener) const;
  int serve_by(const ServedListener& listener, NodeEndpoint& endpoint);
  int bind_own(NodeEndpoint& endpoint);
  void tell(const NodeEndpoint& endpoint);
  bool may_tell();
  void remove(NodeEndpoint& endpoint);

  const std::shared_ptr<const config::Pool> options_;
  const config::Pool& pool_;
  const std::vector<ServedListener> listeners_;
  const Identity* const identity_;
  std::vector<std::unique_ptr<NodeEndpoint>> endpoints_;
  std::uint64_t last_key_ = 0;
  bool stopped_ = false;
  std::uint32_t told_ = 0;  // lines, less one for each second since
  Time told_at_{};
};

}  // namespace roundhouse::edge
