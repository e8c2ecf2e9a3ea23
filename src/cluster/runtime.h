// The library's state of this process: its loop, who wants to hear of what, and the primary or the
// worker that it is.
//
// One thread. Made at first use, never destroyed: handles of the program may outlive main's locals.
#pragma once

#include <roundhouse/cluster.h>

#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "ipc/messages.h"
#include "net/event_loop.h"

namespace roundhouse::membership {

class Primary;
class Member;

// Calls what the program registered: what it throws ends the process here.
template <typename Callback, typename... Arguments>
void call_out(const Callback& callback, Arguments&&... arguments) noexcept {
  callback(std::forward<Arguments>(arguments)...);
}

// Those who registered for one event.
template <typename... Arguments>
class Callbacks {
 public:
  using Callback = std::function<void(Arguments...)>;
  void add(Callback callback) {
    if (callback) all_.push_back(std::make_unique<Callback>(std::move(callback)));
  }
  // One may register another, which is called as well.
  void call(const Arguments&... arguments) const {
    for (std::size_t i = 0; i < all_.size(); ++i) (*all_[i])(arguments...);
  }

 private:
  std::vector<std::unique_ptr<Callback>> all_;
};

struct Events {
  Callbacks<const cluster::Settings&> setup;
  Callbacks<cluster::Worker> fork;
  Callbacks<cluster::Worker> online;
  Callbacks<cluster::Worker, const cluster::Listening&> listening;
  Callbacks<cluster::Worker, int, int> exit;
  Callbacks<cluster::Worker, cluster::Message&> message;
  Callbacks<cluster::Worker> disconnect;
  Callbacks<> draining;
};

class Runtime {
 public:
  static Runtime& get();

  // Error: a loop is in use.
  bool use(event_base* base);
  EventLoop& loop();
  Events& events() { return events_; }
  // At the end of this turn.
  void emit(std::function<void()> event) {
    loop().defer([event = std::move(event)] { call_out(event); });
  }

  // REQUIRES: is_primary(), is_worker(). Made at the first call.
  Primary& primary();
  Member& member();

  void watch_signal(int number, std::function<void()> callback);
  void after(Duration delay, std::function<void()> callback);
  void run();

 private:
  struct Delayed;
  Runtime();

  std::unique_ptr<EventLoop> loop_;
  Events events_;
  std::vector<std::unique_ptr<SignalWatcher>> signals_;
  std::vector<std::unique_ptr<Delayed>> delayed_;
  std::unique_ptr<Primary> primary_;
  std::unique_ptr<Member> member_;
};

// What the address of a listener says.
cluster::Listening listening_at(const std::string& address);
// "192.0.2.1:4711"; "unix".
std::string peer_text(const ipc::ConnectionInfo& info);
// Tells of a message; a descriptor that nobody takes is closed with it.
void deliver(const Events& events, const cluster::Worker& worker, std::string_view bytes,
             UniqueFd& descriptor);

cluster::Error to_public(const Error& error);
std::unexpected<cluster::Error> refuse(int number, std::string_view what);

}  // namespace roundhouse::membership
