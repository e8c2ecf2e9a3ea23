#include "edge/node_listens.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/log.h"
#include "edge/borrowed_identity.h"
#include "edge/node_sockets.h"

namespace roundhouse::edge {
namespace {

// Different things that the programs of one pool may listen on at a time.
constexpr std::size_t kEndpointsMax = 64;
constexpr std::uint32_t kLinesMax = 2 * kEndpointsMax;  // of the log at once; then one a second

// The same port for all, but each listen(0) of a program is another one.
bool same(const NodeListen& a, const NodeListen& b) {
  return a.type == b.type && a.address == b.address && a.port == b.port &&
         (a.port != 0 || a.index == b.index);
}

std::string wanted(const NodeListen& asked) {
  if (asked.type == NodeListen::Type::kUnix) return asked.address.value_or("?");
  const std::string port = asked.port == 0 ? "any port" : std::to_string(asked.port);
  return (asked.is_udp() ? "udp " : "") + (asked.address ? *asked.address + " " : "") + port;
}

}  // namespace

NodeListens::NodeListens(std::shared_ptr<const config::Pool> pool,
                         std::vector<ServedListener> listeners, const Identity* identity)
    : options_(std::move(pool)),
      pool_(*options_),
      listeners_(std::move(listeners)),
      identity_(identity) {}

NodeListens::~NodeListens() {
  while (!endpoints_.empty()) remove(*endpoints_.back());
}

NodeEndpoint* NodeListens::find(const NodeListen& asked) {
  const auto found = std::ranges::find_if(
      endpoints_, [&](const auto& endpoint) { return same(endpoint->asked, asked); });
  return found == endpoints_.end() ? nullptr : found->get();
}

std::expected<NodeEndpoint*, int> NodeListens::acquire(const NodeListen& asked) {
  if (stopped_) return std::unexpected(ECANCELED);
  if (asked.fd >= 0 || asked.type == NodeListen::Type::kDescriptor) {
    if (!may_tell()) return std::unexpected(EBADF);
    log::warn("node_listen_refused",
              "pool " + pool_.name + " listens on descriptor " + std::to_string(asked.fd) +
                  " of its primary, and the edge gives it none: listen on a port",
              {{"pool", pool_.name}});
    return std::unexpected(EBADF);
  }
  if (NodeEndpoint* known = find(asked)) {
    ++known->holders;
    if (known->asked.data.empty()) known->asked.data = asked.data;
    return known;
  }
  if (endpoints_.size() >= kEndpointsMax) {
    const auto unheld = std::ranges::find(endpoints_, 0U, [](const auto& e) { return e->holders; });
    if (unheld == endpoints_.end()) return std::unexpected(EMFILE);
    remove(**unheld);
  }
  auto endpoint = std::make_unique<NodeEndpoint>();
  endpoint->key = "k" + std::to_string(++last_key_);
  endpoint->asked = asked;
  const ServedListener* listener = match(asked);
  const int why = listener != nullptr ? serve_by(*listener, *endpoint) : bind_own(*endpoint);
  if (why != 0) return std::unexpected(why);
  endpoint->holders = 1;
  endpoints_.push_back(std::move(endpoint));
  tell(*endpoints_.back());
  return endpoints_.back().get();
}

void NodeListens::release(NodeEndpoint& endpoint, bool closed) {
  --endpoint.holders;
  if (endpoint.holders == 0 && closed && !endpoint.listener) remove(endpoint);
}

void NodeListens::restore_backlog(const NodeEndpoint& endpoint, int socket) const {
  if (!endpoint.listener || endpoint.shared < 0 || stopped_) return;
  const auto listener = std::ranges::find(listeners_, *endpoint.listener, &ServedListener::index);
  ::listen(socket, listener->backlog);
}

const ServedListener* NodeListens::match(const NodeListen& asked) const {
  if (asked.is_udp()) return nullptr;
  const bool unix_path = asked.type == NodeListen::Type::kUnix;
  const std::string called = unix_path ? asked.address.value_or("") : std::to_string(asked.port);
  const auto mapped = std::ranges::find(pool_.listen, called, &config::Variable::name);
  if (mapped != pool_.listen.end()) {
    const auto listener = std::ranges::find(listeners_, mapped->value, &ServedListener::name);
    return listener == listeners_.end() ? nullptr : &*listener;
  }
  for (const ServedListener& listener : listeners_) {
    const bool exact = unix_path
                           ? listener.address.is_unix() && listener.address.unix_path() == called
                           : !listener.address.is_unix() && asked.port != 0 &&
                                 listener.address.port() == asked.port;
    if (exact) return &listener;
  }
  return only_listener(asked);
}

// The one that there is; nullptr: there are several.
const ServedListener* NodeListens::main_listener() const {
  const auto direct = static_cast<std::size_t>(std::ranges::count_if(
      listeners_, [](const ServedListener& one) { return one.index != kOwnDoor; }));
  if (direct > 1 || listeners_.empty()) return nullptr;
  const auto main = std::ranges::find_if(
      listeners_, [&](const ServedListener& one) { return direct == 0 || one.index != kOwnDoor; });
  return &*main;
}

const ServedListener* NodeListens::only_listener(const NodeListen& asked) const {
  const ServedListener* const only = main_listener();
  if (only == nullptr || !asked.is_tcp()) return nullptr;
  const bool named =
      std::ranges::find(pool_.listen, only->name, &config::Variable::value) != pool_.listen.end();
  return named || is_held(only->index) ? nullptr : only;
}

bool NodeListens::is_held(std::uint32_t listener) const {
  return std::ranges::any_of(endpoints_, [&](const auto& endpoint) {
    return endpoint->listener == listener && endpoint->holders > 0;
  });
}

// Else the workers accept for themselves.
bool NodeListens::hands_over(const ServedListener& listener) const {
  if (listener.index == kOwnDoor) return true;
  const bool in_kernel = pool_.policy == config::Policy::kRrKernel && !listener.address.is_unix();
  return pool_.policy != config::Policy::kNone && !in_kernel;
}

int NodeListens::serve_by(const ServedListener& listener, NodeEndpoint& endpoint) {
  std::erase_if(endpoints_, [&](const auto& other) {  // a program that has changed its mind
    return other->listener == listener.index && other->holders == 0;
  });
  endpoint.listener = listener.index;
  const int family = listener.address.family();
  const bool tcp = family == AF_INET || family == AF_INET6;
  if (hands_over(listener)) {
    if (endpoint.asked.is_tcp())
      endpoint.name = {
          .address = tcp ? listener.address.host() : endpoint.asked.address.value_or("::"),
          .ipv6 = !tcp || family == AF_INET6,
          .port = endpoint.asked.port == 0 && tcp ? listener.address.port() : endpoint.asked.port};
    return 0;
  }
  endpoint.shared = listener.fd;
  // Node looks at the socket itself, and takes another port than the one it asked for as an error.
  const std::int64_t port = endpoint.asked.port;
  if (!tcp || port == 0 || port == listener.address.port() || !endpoint.asked.is_tcp()) return 0;
  if (!may_tell()) return EADDRINUSE;
  log::error("node_listen_refused",
             "pool " + pool_.name + " listens on " + wanted(endpoint.asked) + ", and listener " +
                 listener.name + " is " + listener.address.to_string() + ": with policy " +
                 std::string(to_string(pool_.policy)) +
                 " both must be the same port (listen on process.env.PORT); policy rr serves any",
             {{"pool", pool_.name}, {"listener", listener.name}});
  return EADDRINUSE;
}

int NodeListens::bind_own(NodeEndpoint& endpoint) {
  const BorrowedIdentity as_the_program(identity_);
  if (!as_the_program) return EPERM;
  auto bound = bind_for_node(endpoint.asked);
  if (!bound) return bound.error();
  endpoint.own = std::move(bound->fd);
  endpoint.shared = endpoint.own.get();
  endpoint.path = std::move(bound->path);
  if (endpoint.asked.type != NodeListen::Type::kUnix) endpoint.name = std::move(bound->name);
  return 0;
}

bool NodeListens::maps_own_door() const {
  return std::ranges::find(pool_.listen, config::kPrivateSockets, &config::Variable::value) !=
         pool_.listen.end();
}

std::uint16_t NodeListens::only_port() const {
  const ServedListener* const main = main_listener();
  return main != nullptr && !main->address.is_unix() ? main->address.port() : std::uint16_t{0};
}

std::string NodeListens::describe(const NodeEndpoint& endpoint) const {
  std::string text = wanted(endpoint.asked) + " -> ";
  if (!endpoint.listener) {
    text += "a socket of its own";
    if (endpoint.asked.port == 0 && endpoint.name)
      text += ", " + std::to_string(endpoint.name->port);
    return text;
  }
  const auto listener = std::ranges::find(listeners_, *endpoint.listener, &ServedListener::index);
  if (*endpoint.listener == kOwnDoor) return text + "private sockets, for proxies";
  return text + listener->name + " (" + listener->address.to_string() + ")";
}

// A program can cause these lines as often as it likes.
bool NodeListens::may_tell() {
  const Time now = Clock::now();
  const auto passed = static_cast<std::uint64_t>(std::max(seconds(now - told_at_), 0.0));
  if (passed > 0) {
    told_ -= static_cast<std::uint32_t>(std::min<std::uint64_t>(told_, passed));
    told_at_ = now;
  }
  if (told_ >= kLinesMax) return false;
  ++told_;
  return true;
}

void NodeListens::tell(const NodeEndpoint& endpoint) {
  if (!may_tell()) return;
  std::string free;  // listeners that serve nothing that the program has asked for
  for (const ServedListener& listener : listeners_) {
    if (!is_held(listener.index)) free += (free.empty() ? "" : ", ") + listener.name;
  }
  const bool own = !endpoint.listener && endpoint.asked.is_tcp() && !free.empty();
  std::string sentence = "pool " + pool_.name + " listens on " + describe(endpoint);
  if (own)
    sentence += "; nothing is served by listener " + free + " yet: if that was meant, set pools." +
                pool_.name + ".listen: {" + std::to_string(endpoint.asked.port) + ": NAME}";
  log::write(own ? log::Level::kWarn : log::Level::kInfo, "node_listens", sentence,
             {{"pool", pool_.name}});
}

void NodeListens::remove(NodeEndpoint& endpoint) {
  if (!endpoint.path.empty()) {
    const BorrowedIdentity as_the_program(identity_);
    if (as_the_program) ::unlink(endpoint.path.c_str());
  }
  std::erase_if(endpoints_, [&](const auto& other) { return other.get() == &endpoint; });
}

}  // namespace roundhouse::edge
