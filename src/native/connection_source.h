// The worker's half of the native protocol (docs/native-protocol.md): connections in, life signs
// out.
//
// With rr, least and sticky they come through the channel; with none from the listening sockets
// that the worker inherited. Either way they are taken only while there is room for them: fewer
// open than worker_connections and descriptors to spare. What is not taken stays with the edge or
// in the kernel's backlog; so do the connections of a listener that is full over all workers.
//
// Descriptors are never looked for, but promised: each open connection has descriptors_each, used
// or not, and what the sink could do without has a part of what is left (DescriptorAllowance).
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "ipc/channel.h"
#include "ipc/heritage.h"
#include "ipc/limits.h"
#include "ipc/shared_memory.h"
#include "ipc/slot.h"
#include "net/descriptor_allowance.h"
#include "net/event_loop.h"

namespace roundhouse::native {

// What a worker does with what the source tells it.
class ConnectionSink {
 public:
  virtual void on_connection(UniqueFd fd, const ipc::ConnectionInfo& info) = 0;
  // Finish what has begun; nothing new comes any more. Asked again, it wants other connections
  // back.
  virtual void on_drain(const ipc::DrainTerms& terms) = 0;
  // What it could do without keeps connections from being taken: it closes what it can.
  virtual void on_shortage() {}
  // Where the access log goes on. Programs get none.
  virtual void on_access_log(UniqueFd /*fd*/) {}
  // Other certificates, sealed. Error: those before go on. Programs get none.
  virtual Result<void> on_tls_material(UniqueFd /*fd*/) { return {}; }

 protected:
  ~ConnectionSink() = default;
};

struct SourceOptions {
  std::uint32_t worker_connections = 10000;
  // Policy none: what each listener may hold open over all workers of the pool, by its index;
  // empty: anything. `limits` counts for all, and outlives the source.
  std::vector<std::uint32_t> listener_connections = {};
  ipc::Limits* limits = nullptr;
  Duration heartbeat = std::chrono::milliseconds(200);
  Duration drain = std::chrono::seconds(25);  // when the edge has died or a signal asks for it
  // What one connection needs, its own included.
  std::uint32_t descriptors_each = 1;
  // Set by the source, taken from by the sink; outlives both. nullptr: the sink has no use for it.
  DescriptorAllowance* allowance = nullptr;
};

class ConnectionSource final : private IoHandler {
 public:
  // `sink` and `slot` must outlive it.
  ConnectionSource(EventLoop& loop, ipc::Heritage heritage, ipc::Slot& slot,
                   const SourceOptions& options, ConnectionSink& sink);

  // Says Ready and begins to take.
  void start();
  // Policy none: accepts from one more listening socket, which it owns, until it is removed.
  void add_listener(std::uint32_t listener, UniqueFd fd);
  void remove_listener(std::uint32_t listener);
  // The sink closed a connection that it had from here.
  void connection_closed(std::uint32_t listener);
  // While draining: takes what still lies in the channel, as far as there is room. False if nothing
  // did.
  bool take_rest();
  // Idle connections, which others serve from now on; at most ipc::kMaxDescriptors. Borrowed: close
  // them then. False: not now. REQUIRES: the terms of the drain ask for those of their listeners.
  bool give_back(std::span<const ipc::ConnectionInfo> connections,
                 std::span<const int> descriptors);
  // Nothing of it stays in the loop; what comes in the channel is not taken. REQUIRES: it drains,
  // and none of its callbacks runs.
  void stop();
  // Stops taking and tells the edge: a signal asked this worker to finish.
  void drain_by_itself();

  std::uint32_t worker_id() const { return heritage_.worker_id; }

 private:
  // One inherited listening socket.
  struct Acceptor final : IoHandler {
    Acceptor(ConnectionSource& source, std::uint32_t listener, int fd)
        : source(source), listener(listener), fd(fd) {}
    void on_ready(Ready ready) override;
    ConnectionSource& source;
    std::uint32_t listener;
    int fd;
    IoWatcher watcher;
    bool full = false;  // the listener is, so nothing is accepted
  };

  void on_ready(Ready ready) override;
  bool read_message();  // false: nothing more to read now
  void take(ipc::Message& message);
  void forgo(ipc::Message& message);
  void opened(std::uint32_t listener);
  bool has_room() const;
  bool has_descriptors() const;
  void set_capacity();
  void share_descriptors();
  void update_interest();
  void take_tls_material(ipc::Message& message);
  void send_tls_answer();
  void answer_room();
  void beat();
  void begin_drain(const ipc::DrainTerms& terms);
  ipc::DrainTerms terms_by_itself(Time deadline) const;
  bool is_full(std::uint32_t listener) const;
  void set_interest(Acceptor& acceptor);
  void resume_acceptors();
  void accept_one(Acceptor& acceptor);

  EventLoop& loop_;
  ipc::Heritage heritage_;
  ipc::Channel channel_;
  ipc::Slot& slot_;
  const SourceOptions options_;
  ConnectionSink& sink_;
  IoWatcher channel_watcher_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  Timer heartbeat_;
  Timer retry_;                 // while a listener is full, or the machine has no descriptors left
  std::uint32_t reserved_;      // descriptors that are there before any connection is
  std::uint32_t limit_;         // RLIMIT_NOFILE
  std::uint32_t capacity_ = 0;  // descriptors under it for connections and what comes with them
  std::uint32_t open_ = 0;
  std::uint32_t room_answered_ = 0;
  std::uint64_t busy_before_;                        // of predecessors, ns
  std::optional<ipc::TlsAnswerMessage> tls_answer_;  // that the channel has not taken yet
  bool taking_ = false;
  bool draining_ = false;
  ipc::Message message_;
};

}  // namespace roundhouse::native
