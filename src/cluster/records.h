// What the public handles of the library point to.
#pragma once

#include <roundhouse/listen.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>

namespace roundhouse::membership {

// Of one process that is or was a worker; outlives it as long as somebody asks.
struct WorkerRecord {
  int id = 0;
  int place = 0;  // from 1
  pid_t pid = 0;
  bool connected = true;
  bool dead = false;
  bool leaving = false;  // it was asked to, or wished to
};

class Member;

// Of something that this worker listens on.
struct ListenRecord {
  std::uint32_t listener = 0;
  cluster::Listening listening;
  std::string asked;       // the address as the program wrote it
  std::uint32_t turn = 0;  // of a port 0: which of this worker's listens there
  bool closed = false;
  std::function<void(cluster::Connection)> on_connection;  // none: HTTP
};

// One connection of a listener in the worker's count, until it is destroyed.
class ConnectionCount {
 public:
  ConnectionCount(Member& member, std::uint32_t listener) : member_(member), listener_(listener) {}
  ConnectionCount(const ConnectionCount&) = delete;
  ConnectionCount& operator=(const ConnectionCount&) = delete;
  ~ConnectionCount();

 private:
  Member& member_;
  std::uint32_t listener_;
};

}  // namespace roundhouse::membership
