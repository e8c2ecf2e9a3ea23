// Node's module `cluster` for C++ programs: one program, one primary process, a worker for each
// core, one port. docs/library.md has the example and the whole story.
//
//   if (cluster::is_primary()) { for (...) cluster::fork(); } else {
//   http::create_server(...).listen(8000); } return cluster::run();
//
// A worker is this program started anew (fork and exec), so it shares nothing with the primary but
// its channel and the sockets. Which of the two a process is has been decided before main.
//
// Every process of it has one thread that uses the library; see <roundhouse/loop.h>. Callbacks run
// in the loop, never inside a call of yours. Several may be registered for an event; they are
// called in that order and stay registered.
#pragma once

#include <roundhouse/listen.h>
#include <roundhouse/loop.h>
#include <roundhouse/result.h>
#include <roundhouse/worker.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace roundhouse::cluster {

// Whether this process was started by fork() of a primary. May be asked anywhere, at any time.
bool is_primary();
// The opposite of is_primary().
bool is_worker();

// NOLINTBEGIN(readability-identifier-naming): enumerators read as Node's words do

// How a connection finds its worker.
enum class Scheduling {
  none,         // Node's SCHED_NONE: every worker accepts from the same socket; uneven, cheapest
  round_robin,  // Node's SCHED_RR: the primary accepts, each worker in strict turn; the default
  least,        // the primary accepts; the worker with the fewest open connections
  sticky        // the primary accepts; always the same worker for one client address
};
// The one in force. From set_scheduling_policy; else ROUNDHOUSE_SCHED_POLICY (rr, none, least,
// sticky), else NODE_CLUSTER_SCHED_POLICY (rr, none), else round_robin.
Scheduling scheduling_policy();
// Errors: EBUSY a worker was forked already, and the policy of a cluster is frozen then (Node
// ignores the call); EPERM in a worker.
Result<void> set_scheduling_policy(Scheduling policy);

// What the library says on stderr by itself: the lines of the program roundhouse.
enum class Chatter { errors, warnings, everything };
// NOLINTEND(readability-identifier-naming)

// What setup_primary() sets.
struct Settings {
  // For the workers forked from now on.
  std::string exec;                              // what a worker runs; empty: this program
  std::optional<std::vector<std::string>> args;  // behind its name; this process's own unless set
  std::string cwd;                               // empty: the primary's
  std::string user;  // of the primary's being root: whom a worker becomes
  // For the whole cluster, frozen with the first fork.
  bool restart =
      false;  // a worker that crashes or exits by itself is replaced, as the program does it:
              // at once, with a budget, then more slowly; a new Worker at the same place
  std::chrono::milliseconds drain = std::chrono::seconds(25);  // to finish, after a disconnect
  std::chrono::milliseconds hang{
      0};  // a worker whose loop does not turn for so long is aborted; 0: never
  std::uint32_t worker_connections = 10000;  // open at once; at that it takes no more
  Chatter chatter = Chatter::errors;         // on stderr
};
// Replaces the settings. May be called again; the event `setup` follows each time. Errors: EPERM in
// a worker; EBUSY a frozen one differs; EINVAL a user that does not exist, a time that is negative.
Result<void> setup_primary(Settings settings);
// Those in force; in a worker the defaults.
const Settings& settings();

// Variables and their values.
using Environment = std::map<std::string, std::string>;
// Starts a worker. `environment` is added to the primary's, and stays the place's over restarts.
// The process exists when this returns; `fork` follows, then `online` when its library runs, before
// its main.
//
// Errors: EPERM in a worker; EINVAL the policy in the environment variable is none, or a variable's
// name is; EAGAIN kWorkersMax live already, or as many as RLIMIT_NOFILE (which the first fork
// raises to its hard limit) allows; else what fork(2) said. A file that cannot be executed shows as
// an exit with code 127.
Result<Worker> fork(const Environment& environment = {});
inline constexpr int kWorkersMax = 256;  // alive at once

// In the primary: those that are not gone, by id. Node drops a worker when it is told to
// disconnect; here it stays until its exit event. In a worker: none.
std::vector<Worker> workers();
// In a worker: itself. In the primary: no worker (id 0).
Worker worker();

// Disconnects every worker. The callback is called once, when all of them are gone, exit events
// included (Node's comes with the first); with no workers in the next turn. Error: EPERM in a
// worker.
Result<void> disconnect(std::function<void()> when_all_gone = {});

// CPUs that this process may use: by affinity and by its cgroup's quota.
unsigned cpu_count();

// Event of the primary: setup_primary() was called.
void on_setup(std::function<void(const Settings&)> callback);
// Event of the primary: a worker's process has been started, by fork() or by the restart policy.
void on_fork(std::function<void(Worker)> callback);
// Event of the primary: the library runs in a worker; its main begins.
void on_online(std::function<void(Worker)> callback);
// Event of the primary: a worker takes connections of an address, which comes once for each.
void on_listening(std::function<void(Worker, const Listening&)> callback);
// Event of the primary: a worker's process has ended, by exit with `code` or by `signal`; the other
// is 0. Comes after `disconnect`.
void on_exit(std::function<void(Worker, int code, int signal)> callback);

// Event of both: a message from the other side. In the primary of any worker, in a worker of
// itself.
void on_message(std::function<void(Worker, Message&)> callback);
// Event of both: the channel is closed, since the worker is done, or dead; seen by a worker, since
// it is done, or the primary is dead.
void on_disconnect(std::function<void(Worker)> callback);

// Event of a worker: it has been asked to finish. Connections of its own that know no end should
// end now.
void on_draining(std::function<void()> callback);

}  // namespace roundhouse::cluster
