// The event loop of a process of the cluster: one thread, in which every callback runs.
//
// Nothing of the library may be used from another thread, or from a signal handler. A callback that
// throws ends the process by std::terminate (SIGABRT): the primary sees that as a crash of the
// worker.
#pragma once

#include <roundhouse/result.h>

#include <chrono>
#include <functional>
#include <memory>

struct event_base;  // libevent's

namespace roundhouse::cluster {

// Runs the loop, and returns what main should: 0.
//
// In the primary until no worker is left and none is about to be started (as a Node process ends
// when nothing holds it). In a worker until it is disconnected, or the primary is dead, and what it
// has begun is finished. Or until stop().
int run();
// run() returns after this turn. Nobody is told; workers of a primary that ends then finish and
// exit.
void stop();

// Instead of a loop of its own the library uses this one, which must outlive it and be run by the
// thread that calls this. To be called before anything else of the library; run() then runs that
// loop. While the cluster lives, events of the library are pending in it; then none.
// Error: EALREADY a loop is in use.
Result<void> use_event_base(event_base* base);
// The loop, for libevent's own functions. It is there from the first call on.
::event_base* base();

// Calls `callback` whenever `fd` can be read, which includes its end. Borrows the descriptor:
// destroy the watch before closing it. The callback may destroy its own watch.
class Watch {
 public:
  // Watches from now on.
  Watch(int fd, std::function<void()> callback);
  ~Watch();
  // The other watches nothing then.
  Watch(Watch&&) noexcept;
  // The two change places.
  Watch& operator=(Watch&&) noexcept;

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

// Once, after `delay`. Does not keep run() going.
void after(std::chrono::milliseconds delay, std::function<void()> callback);

// From now on the signal does not do what it did, but calls back. Several callbacks may share one.
// One loop of a process can watch signals (libevent's rule). Error: EINVAL no such signal, or one
// that cannot be caught.
Result<void> on_signal(int signal, std::function<void()> callback);

}  // namespace roundhouse::cluster
