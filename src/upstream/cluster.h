// One upstream as a worker sees it: its endpoints, and connections to them.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/clock.h"
#include "config/proxy_options.h"
#include "http/failure.h"
#include "ipc/slot.h"
#include "net/deadline_queue.h"
#include "net/descriptor_allowance.h"
#include "net/event_loop.h"
#include "net/tls_client_context.h"
#include "upstream/connection.h"
#include "upstream/http2_call.h"

namespace roundhouse::upstream {

// Counts the endpoints of a cluster, from 1; never used again.
using EndpointId = std::uint32_t;

// What an endpoint is to be, as the configuration or the endpoint board says.
struct EndpointSpec {
  Address address;
  std::string name;  // as it was written, for logs
  std::uint32_t weight = 1;
  bool healthy = true;    // by the active probes
  std::uint32_t row = 0;  // of ipc::Slot::endpoints
  bool operator==(const EndpointSpec&) const = default;
};

// What a connection is for. An upgrade is known to HTTP/1.1 alone.
enum class Carries : std::uint8_t { kRequest, kUpgrade, kBytes };

// Which endpoint a request may go to.
struct Wish {
  static constexpr std::size_t kAvoidMax = 4;
  std::uint64_t hash = 0;                     // where the balancer is hash
  std::array<EndpointId, kAvoidMax> avoid{};  // tried already; only if there is another
  std::optional<EndpointId> only;             // sticky: if it is eligible
  bool fresh = false;                         // a connection that has served nothing
  Carries carries = Carries::kRequest;
  std::string_view header = {};  // sent before all else on a new connection; the waiter's, whole
                                 // until its call
  Time wait_until{};             // the cluster's: not set before it has waited
};

// Who wants a connection. Exactly one of the calls follows, perhaps inside acquire(), unless it is
// cancelled.
class Waiter {
 public:
  virtual void on_connection(std::unique_ptr<Connection> connection) = 0;
  // Its endpoint speaks HTTP/2. Only for what carries a request.
  virtual void on_call(std::unique_ptr<Http2Call> call) = 0;
  // One that is_unreached() (`endpoint` is whose), or kNoEndpoint, kQueueFull, kQueueTimeout (0).
  // Nothing was sent to anyone.
  virtual void on_no_connection(http::Failure failure, EndpointId endpoint) = 0;

 protected:
  ~Waiter() = default;
};

// An endpoint was chosen, and there is no connection to it: another one may be asked.
constexpr bool is_unreached(http::Failure failure) {
  return failure == http::Failure::kConnectFailed || failure == http::Failure::kConnectTimeout ||
         failure == http::Failure::kUpstreamTls || failure == http::Failure::kStreamRefused;
}

// How the use of a connection ended.
struct Use {
  bool reusable = false;  // the answer was whole, and the connection may serve another request
  bool failed = false;    // it counts against the endpoint: no whole answer, or a 5xx
  bool counted = true;    // false: the client left; says nothing about the endpoint
  Duration took{};        // since the request was sent
};

class Cluster {
 public:
  struct Parts {
    EventLoop& loop;
    DeadlineQueue& deadlines;
    ipc::Slot& slot;
    const config::Upstream& config;  // must outlive this
    // What idle connections count against; must outlive this. nullptr: nothing.
    DescriptorAllowance* descriptors = nullptr;
    // TLS of the connections that begin now; nullptr, or none: they are plain.
    std::function<const TlsClientContext*()> find_tls = {};
  };

  explicit Cluster(const Parts& parts);
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;
  ~Cluster();

  // Those that are still there keep their connections, counts and health; those that are not are
  // drained: their requests in flight finish.
  void set_endpoints(std::span<const EndpointSpec> specs);

  void acquire(Waiter& waiter, const Wish& wish);
  void cancel(Waiter& waiter);
  // Gives a connection back. Never calls a waiter inside: at the end of the turn.
  void release(std::unique_ptr<Connection> connection, const Use& use);
  // The same; a call that is not over is reset, and its connection goes on.
  void release(std::unique_ptr<Http2Call> call, const Use& use);

  // Descriptors are wanted for something better: closes all idle connections.
  void drop_idle();

  // A request is begun; one that failed at `endpoint` is to be tried again: whether the budget
  // allows it (then it is taken from it).
  void request_begins();
  bool take_retry(EndpointId endpoint);

  // The endpoint whose token this is, if there is one: what a sticky cookie says.
  std::optional<EndpointId> kept_by(std::string_view token) const;

  const config::Upstream& config() const { return parts_.config; }
  static EndpointId id_of(const Endpoint& endpoint);
  static const std::string& name_of(const Endpoint& endpoint);
  // What a sticky cookie says for it; empty where there are none. The same in every worker; nobody
  // else can make one.
  static std::string_view token_of(const Endpoint& endpoint);

 private:
  struct State;  // the implementer's
  Parts parts_;
  std::unique_ptr<State> state_;
};

}  // namespace roundhouse::upstream
