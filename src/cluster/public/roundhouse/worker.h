// One worker process, as the primary or the worker itself sees it: Node's class Worker.
#pragma once

#include <roundhouse/result.h>
#include <sys/types.h>

#include <csignal>
#include <memory>
#include <string_view>

namespace roundhouse::membership {
struct WorkerRecord;
}

namespace roundhouse::cluster {

// Bytes of one Worker::send, and the descriptor that came with them. The library owns both, during
// the callback only.
class Message {
 public:
  // Made by the library.
  Message(std::string_view bytes, int descriptor) : bytes_(bytes), descriptor_(descriptor) {}

  // What was sent.
  std::string_view bytes() const { return bytes_; }
  // -1: none came. Borrowed, unless it is taken.
  int descriptor() const { return descriptor_; }
  // The same, and the caller owns it from now on; whoever asks later gets -1.
  int take_descriptor() {
    const int taken = descriptor_;
    descriptor_ = -1;
    return taken;
  }

 private:
  std::string_view bytes_;
  int descriptor_;
};

// A name for a worker, cheap to copy; keep it as long as you like. When the process is gone, what
// is asked of it is an error value, and what is known of it can still be read.
//
// In the primary: a worker that fork() made. In a worker: itself, from worker().
class Worker {
 public:
  // No worker: id 0, dead, everything an error.
  Worker() = default;
  // Made by the library.
  explicit Worker(std::shared_ptr<membership::WorkerRecord> record) : record_(std::move(record)) {}

  // 1, 2, 3, ... in the order of the forks; never given twice, as in Node.
  int id() const;
  // 1..N and given again: the lowest number that no living worker had at the fork. The replacement
  // that a restart policy starts has its predecessor's. For what a worker keeps under a name of its
  // own: a port, a shard, a file.
  int place() const;
  // The process; stays known after its death.
  pid_t pid() const;

  // Sends bytes, at most kMessageBytesMax, and at most one descriptor (-1: none), which is
  // duplicated: the caller may close its own at once. Never blocks: what does not fit into the
  // channel waits here, and is bounded. Delivered in order, once, or not at all when the other side
  // dies first; a process that has no descriptor left gets the bytes alone. A worker sends to the
  // primary, the primary to that worker.
  //
  // Errors: ENOTCONN the other side is gone or disconnected, EMSGSIZE too long, ENOBUFS
  // kMessagesQueuedMax messages wait already, EBADF the descriptor. (Node emits
  // ERR_IPC_CHANNEL_CLOSED and queues without bound.)
  Result<void> send(std::string_view bytes, int descriptor = -1) const;

  // Asks it to finish: its servers close, what has begun is finished within Settings::drain, then
  // cluster::run() returns there. Whoever is not gone by then is killed (Node waits for ever).
  // exited_after_disconnect() is true from now on, and a restart policy does not replace it. Asked
  // again: nothing. Error: ENOTCONN.
  Result<void> disconnect() const;

  // In the primary: sends the signal to the worker's process group, nothing else; death by it is a
  // crash. In the worker, of itself: tells the primary that its exit is its own wish, and exits 0
  // without closing gracefully (as Node's does). Errors: ESRCH it is dead, EINVAL.
  Result<void> kill(int signal = SIGTERM) const;

  // Its channel is open: messages can be sent.
  bool is_connected() const;
  // Its process has ended, and that is known here.
  bool is_dead() const;
  // It left because it was asked to, by either side, and not by a crash.
  bool exited_after_disconnect() const;

  // The same process of the same cluster.
  friend bool operator==(const Worker& a, const Worker& b) { return a.record_ == b.record_; }

 private:
  std::shared_ptr<membership::WorkerRecord> record_;
};

// Of one message. Bodies do not belong on the channel: pass a descriptor.
inline constexpr std::size_t kMessageBytesMax = std::size_t{64} * 1024;
// That wait for a side which does not read.
inline constexpr std::size_t kMessagesQueuedMax = 1024;

}  // namespace roundhouse::cluster
