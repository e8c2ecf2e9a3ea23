#include "worker/worker.h"

#include <unistd.h>

#include <csignal>

#include "base/log.h"
#include "config/effective.h"
#include "ipc/shared_memory.h"
#include "native/connection_source.h"
#include "net/deadline_queue.h"
#include "net/event_loop.h"
#include "proxy/proxy.h"
#include "proxy/server.h"
#include "worker/crash_handler.h"
#include "worker/hello.h"

namespace roundhouse::worker {
namespace {

// `configuration` must outlive it.
std::unique_ptr<proxy::Handler> make_handler(EventLoop& loop, DeadlineQueue& deadlines,
                                             ipc::Slot& slot, std::uint32_t worker_id,
                                             const config::Configuration& configuration,
                                             const config::Pool& pool, ipc::Board pools) {
  if (pool.type == config::PoolType::kProxy) {
    return std::make_unique<proxy::Proxy>(proxy::Proxy::Parts{.loop = loop,
                                                              .deadlines = deadlines,
                                                              .slot = slot,
                                                              .configuration = configuration,
                                                              .pools = std::move(pools)});
  }
  return std::make_unique<Hello>(worker_id, ::getpid(), pool.test_handlers);
}

class Worker final : public native::ConnectionSink {
 public:
  Worker(std::unique_ptr<EventLoop> loop, ipc::Heritage heritage, ipc::Shared<ipc::Slot> slot,
         const config::Configuration& configuration, const config::Pool& pool, ipc::Board pools)
      : loop_(std::move(loop)),
        slot_(std::move(slot)),
        deadlines_(loop_->now()),
        handler_(make_handler(*loop_, deadlines_, *slot_, heritage.worker_id, configuration, pool,
                              std::move(pools))),
        server_({.loop = *loop_,
                 .deadlines = deadlines_,
                 .slot = *slot_,
                 .handler = *handler_,
                 .listeners = configuration.listeners,
                 .on_closed = [this](std::uint32_t listener) { on_closed(listener); }}),
        source_(*loop_, std::move(heritage), *slot_,
                {.worker_connections = pool.worker_connections,
                 .heartbeat = pool.liveness.suspect / 5,
                 .drain = pool.timeouts.drain},
                *this),
        ticker_(*loop_, [this] { deadlines_.advance(loop_->now()); }),
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

  void on_drain(Time deadline) override {
    server_.drain();
    give_up_.start_once(deadline - loop_->now());
    leave_if_done();
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

  std::unique_ptr<EventLoop> loop_;
  ipc::Shared<ipc::Slot> slot_;
  DeadlineQueue deadlines_;
  std::unique_ptr<proxy::Handler> handler_;
  proxy::Server server_;
  native::ConnectionSource source_;
  Timer ticker_;
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
  ipc::Board pools;
  if (heritage.pools) pools = TRY(ipc::Board::open(std::move(heritage.pools)));
  install_crash_handler(*slot);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGINT, SIG_IGN);  // of a terminal: for the edge alone
  Worker worker(TRY(EventLoop::create()), std::move(heritage), std::move(slot), configuration,
                *pool, std::move(pools));
  worker.run();
  return {};
}

}  // namespace roundhouse::worker
