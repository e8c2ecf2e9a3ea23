// The event loop of a process: libevent's, driven one turn at a time.
//
// Single-threaded; every callback runs inside run(). A turn is: wait, run the callbacks of what is
// ready, then the work deferred to the end of the turn, then delete what was retired. now() is read
// once per turn. In a base of somebody else, who drives it, a turn is what one of its passes runs
// of ours.
#pragma once

#include <event2/event.h>
#include <event2/event_struct.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace roundhouse {

class EventLoop {
 public:
  static Result<std::unique_ptr<EventLoop>> create();
  // In a base that outlives it and that others use too; they may run it themselves.
  static std::unique_ptr<EventLoop> adopt(event_base* base);
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  ~EventLoop();

  // Until stop(). Watchers may come and go meanwhile.
  void run();
  void stop() { stopping_ = true; }

  // The time at which this turn began; outside a turn, the time of the call.
  Time now();
  // How long this loop has worked, not waited, up to the end of the last turn.
  Duration busy() const { return busy_; }

  // Runs once, at the end of this turn (before the next wait).
  void defer(std::function<void()> work) {
    deferred_.push_back(std::move(work));
    if (adopted_) schedule_end();
  }

  // Destroys `object` at the end of this turn: for what may be inside its own callback.
  template <typename T>
  void delete_later(std::unique_ptr<T> object) {
    if (object != nullptr)
      retired_.emplace_back(object.release(), [](void* p) { delete static_cast<T*>(p); });
  }

  event_base* base() { return base_; }

 private:
  friend class IoWatcher;
  friend class Timer;
  friend class SignalWatcher;
  EventLoop(event_base* base, bool adopted) : base_(base), adopted_(adopted) {}
  void begin_turn();
  void note_begin();
  void end_turn();
  void schedule_end();
  static void end_fired(int fd, short what, void* self) noexcept;

  event_base* const base_;
  const bool adopted_;
  event end_;  // of a turn, in an adopted base
  std::vector<std::function<void()>> deferred_;
  std::vector<std::unique_ptr<void, void (*)(void*)>> retired_;
  Time turn_began_{};
  bool in_turn_ = false;
  bool end_is_due_ = false;
  bool stopping_ = false;
  Duration busy_{};
};

struct Ready {
  bool readable;
  bool writable;
  bool ending =
      false;  // edge-triggered reading only: the peer has ended its side, so read to the end
};

class IoHandler {
 public:
  virtual void on_ready(Ready ready) = 0;

 protected:
  ~IoHandler() = default;
};

enum class Interest : short {
  kNone = 0,
  kRead = EV_READ,
  kWrite = EV_WRITE,
  kReadWrite = EV_READ | EV_WRITE
};
enum class Trigger : short { kLevel = 0, kEdge = EV_ET };

// Watches one descriptor that it borrows. Destroy it before the descriptor is closed. Persistent.
class IoWatcher {
 public:
  IoWatcher() = default;
  IoWatcher(const IoWatcher&) = delete;
  IoWatcher& operator=(const IoWatcher&) = delete;
  ~IoWatcher() { stop(); }

  // `handler` must outlive the watching. Watching again with another interest replaces the first.
  void watch(EventLoop& loop, int fd, Interest interest, Trigger trigger, IoHandler& handler);
  void stop();
  bool watching() const { return watching_; }

 private:
  static void fired(int fd, short what, void* self) noexcept;

  EventLoop* loop_ = nullptr;
  IoHandler* handler_ = nullptr;
  bool watching_ = false;
  event event_;
};

// One-shot or periodic. The callback may restart or stop it, but not destroy it.
class Timer {
 public:
  Timer(EventLoop& loop, std::function<void()> callback);
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { stop(); }

  void start_once(Duration after) { start(after, 0); }
  void start_periodic(Duration every) { start(every, EV_PERSIST); }
  void stop();
  bool running() const { return running_; }

 private:
  void start(Duration after, short flags);
  static void fired(int fd, short what, void* self) noexcept;

  EventLoop& loop_;
  std::function<void()> callback_;
  bool running_ = false;
  bool periodic_ = false;
  event event_;
};

// Runs the callback in the loop, not in the signal handler; many of the same signal may become one
// call.
class SignalWatcher {
 public:
  SignalWatcher(EventLoop& loop, int signal, std::function<void()> callback);
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;
  ~SignalWatcher();

 private:
  static void fired(int signal, short what, void* self) noexcept;

  EventLoop& loop_;
  std::function<void()> callback_;
  event event_;
};

}  // namespace roundhouse
