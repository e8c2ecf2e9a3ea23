#include "worker/worker.h"

#include <unistd.h>

#include <csignal>
#include <optional>
#include <vector>

#include "base/log.h"
#include "config/effective.h"
#include "ipc/endpoint_board.h"
#include "ipc/limits.h"
#include "ipc/shared_memory.h"
#include "native/connection_source.h"
#include "net/deadline_queue.h"
#include "net/descriptor_allowance.h"
#include "net/event_loop.h"
#include "proxy/access_log.h"
#include "proxy/connection_limiter.h"
#include "proxy/proxy.h"
#include "proxy/server.h"
#include "worker/crash_handler.h"
#include "worker/hello.h"
#include "worker/tls_contexts.h"

namespace roundhouse::worker {
namespace {

// Of a worker of this type; else nullptr. `configuration` must outlive it.
std::unique_ptr<proxy::Proxy> make_proxy(EventLoop& loop, DeadlineQueue& deadlines, ipc::Slot& slot,
                                         const config::Configuration& configuration,
                                         const config::Pool& pool, ipc::EndpointBoard endpoints,
                                         ipc::Limits* limits, ipc::Board pools,
                                         DescriptorAllowance& descriptors, const TlsContexts& tls) {
  if (pool.type != config::PoolType::kProxy) return nullptr;
  return std::make_unique<proxy::Proxy>(proxy::Proxy::Parts{
      .loop = loop,
      .deadlines = deadlines,
      .slot = slot,
      .configuration = configuration,
      .endpoints = std::move(endpoints),
      .limits = limits,
      .pools = std::move(pools),
      .descriptors = &descriptors,
      .find_tls = [&tls](std::size_t upstream) { return tls.find_upstream(upstream); }});
}

std::unique_ptr<proxy::AccessLog> make_access_log(EventLoop& loop, ipc::Slot& slot,
                                                  ipc::Heritage& heritage,
                                                  const config::AccessLog& options) {
  if (!heritage.access_log || options.format == config::AccessFormat::kOff) return nullptr;
  return std::make_unique<proxy::AccessLog>(
      proxy::AccessLog::Parts{.loop = loop,
                              .slot = slot,
                              .options = options,
                              .pool = heritage.pool,
                              .worker = heritage.worker_id,
                              .fd = std::move(heritage.access_log)});
}

// What this worker holds together with the others of its pool.
struct SharedLimits {
  config::SharedLimits which;
  std::optional<ipc::Limits> memory;

  ipc::Limits* memory_if(bool wanted) { return wanted && memory ? &*memory : nullptr; }
};

Result<SharedLimits> open_limits(UniqueFd fd, const config::Configuration& configuration,
                                 const config::Pool& pool) {
  SharedLimits limits{.which = configuration.shared_limits(pool), .memory = std::nullopt};
  if (!limits.which.any()) return limits;
  if (!fd) return fail("the edge gave no memory for the limits of the pool", ExitCode::kSystem);
  limits.memory =
      TRY(ipc::Limits::open(std::move(fd), {.places = pool.rows.ids,
                                            .worker_connections = pool.worker_connections,
                                            .by_address = limits.which.addresses}));
  return limits;
}

// By the index of the listener.
std::vector<std::uint32_t> most_connections(const config::Configuration& configuration) {
  std::vector<std::uint32_t> most;
  most.reserve(configuration.listeners.size());
  for (const config::Listener& listener : configuration.listeners)
    most.push_back(listener.max_connections);
  return most;
}

class Worker final : public native::ConnectionSink {
 public:
  Worker(std::unique_ptr<EventLoop> loop, ipc::Heritage heritage, ipc::Shared<ipc::Slot> slot,
         SharedLimits limits, const config::Configuration& configuration, const config::Pool& pool,
         ipc::EndpointBoard endpoints, ipc::Board pools, TlsContexts tls)
      : configuration_(configuration),
        tls_(std::move(tls)),
        loop_(std::move(loop)),
        slot_(std::move(slot)),
        limits_(std::move(limits)),
        deadlines_(loop_->now()),
        access_log_(make_access_log(*loop_, *slot_, heritage, configuration.log.access)),
        hello_(heritage.worker_id, ::getpid(), pool.test_handlers),
        proxy_(make_proxy(*loop_, deadlines_, *slot_, configuration, pool, std::move(endpoints),
                          limits_.memory_if(limits_.which.rates), std::move(pools), descriptors_,
                          tls_)),
        limiter_({.limits = limits_.memory_if(limits_.which.addresses),
                  .place = heritage.worker_id - 1,
                  .slot = *slot_,
                  .configuration = configuration}),
        server_({.loop = *loop_,
                 .deadlines = deadlines_,
                 .slot = *slot_,
                 .handler = proxy_ ? static_cast<proxy::Handler&>(*proxy_) : hello_,
                 .listeners = configuration.listeners,
                 .find_cluster = [this](auto upstream) { return proxy_->find_cluster(upstream); },
                 .access_log = access_log_.get(),
                 .on_closed = [this](std::uint32_t listener) { on_closed(listener); },
                 .limiter = &limiter_,
                 .descriptors = &descriptors_,
                 .give_back =
                     [this](auto connections, auto descriptors) {
                       return source_.give_back(connections, descriptors);
                     },
                 .find_tls = [this](std::uint32_t listener) { return tls_.find(listener); }}),
        source_(*loop_, std::move(heritage), *slot_,
                {.worker_connections = pool.worker_connections,
                 .listener_connections = most_connections(configuration),
                 .limits = limits_.memory_if(limits_.which.listeners),
                 .heartbeat = pool.liveness.suspect / 5,
                 .drain = pool.timeouts.drain,
                 .descriptors_each = proxy_ ? 2U : 1U,  // one to an endpoint as well
                 .allowance = &descriptors_},
                *this),
        ticker_(*loop_, [this] { deadlines_.advance(loop_->now()); }),
        cut_(*loop_, [this] { server_.cut_requests(); }),
        give_up_(*loop_, [this] { loop_->stop(); }),
        on_term_(*loop_, SIGTERM, [this] { source_.drain_by_itself(); }) {}

  void run() {
    ticker_.start_periodic(DeadlineQueue::kResolution);
    source_.start();
    loop_->run();
  }

  void on_connection(UniqueFd fd, const ipc::ConnectionInfo& info) override {
    server_.take(std::move(fd), info);
  }

  void on_drain(const ipc::DrainTerms& terms) override {
    server_.drain(terms);
    if (terms.requests_until < terms.deadline) cut_.start_once(terms.requests_until - loop_->now());
    give_up_.start_once(terms.deadline - loop_->now());
    leave_if_done();
  }

  void on_shortage() override {
    server_.give_way();
    if (proxy_ != nullptr) proxy_->give_way();
  }

  void on_access_log(UniqueFd fd) override {
    if (access_log_ != nullptr) access_log_->replace(std::move(fd));
  }

  Result<void> on_tls_material(UniqueFd fd) override {
    return tls_.replace(configuration_, std::move(fd));
  }

 private:
  void on_closed(std::uint32_t listener) {
    source_.connection_closed(listener);
    leave_if_done();
  }

  void leave_if_done() {
    if (!server_.draining() || leaving_ || server_.open_connections() != 0) return;
    leaving_ = true;
    // At the end of the turn, since what is found then is served by a server that is in a callback
    // of its own now.
    loop_->defer([this] {
      leaving_ = false;
      if (!source_.take_rest() && server_.open_connections() == 0) loop_->stop();
    });
  }

  const config::Configuration& configuration_;
  TlsContexts tls_;
  std::unique_ptr<EventLoop> loop_;
  ipc::Shared<ipc::Slot> slot_;
  SharedLimits limits_;
  DeadlineQueue deadlines_;
  DescriptorAllowance descriptors_;
  std::unique_ptr<proxy::AccessLog> access_log_;  // none: off
  Hello hello_;
  std::unique_ptr<proxy::Proxy> proxy_;  // answers in its place if there is one
  proxy::ConnectionLimiter limiter_;
  proxy::Server server_;
  native::ConnectionSource source_;
  Timer ticker_;
  Timer cut_;  // what is no tunnel
  Timer give_up_;
  SignalWatcher on_term_;
  bool leaving_ = false;
};

}  // namespace

Result<void> run_worker(ipc::Heritage heritage) {
  const config::Configuration configuration =
      TRY(config::from_effective_text(TRY(ipc::read_sealed_file(heritage.configuration.get()))));
  log::configure(configuration.log.level, configuration.log.format);
  const config::Pool* pool = configuration.find_pool(heritage.pool);
  if (pool == nullptr) return fail("the configuration has no pool " + heritage.pool);
  auto slot =
      TRY(ipc::Shared<ipc::Slot>::open(std::move(heritage.memory), ipc::Access::kReadWrite));
  SharedLimits limits = TRY(open_limits(std::move(heritage.limits), configuration, *pool));
  ipc::EndpointBoard endpoints;
  if (pool->type == config::PoolType::kProxy && !configuration.upstreams.empty())
    endpoints =
        TRY(ipc::EndpointBoard::open(std::move(heritage.endpoints), ipc::Access::kReadOnly));
  ipc::Board pools;
  if (heritage.pools) pools = TRY(ipc::Board::open(std::move(heritage.pools)));
  TlsContexts tls = TRY(TlsContexts::create(configuration, std::move(heritage.tls)));
  install_crash_handler(*slot);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGUSR1, SIG_IGN);  // for the edge alone, whoever else gets it
  ::signal(SIGXFSZ, SIG_IGN);  // a log that is as large as it may be
  ::signal(SIGINT, SIG_IGN);   // of a terminal: for the edge alone
  Worker worker(TRY(EventLoop::create()), std::move(heritage), std::move(slot), std::move(limits),
                configuration, *pool, std::move(endpoints), std::move(pools), std::move(tls));
  worker.run();
  return {};
}

}  // namespace roundhouse::worker
