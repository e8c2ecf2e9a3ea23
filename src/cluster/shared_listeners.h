// The listening sockets of a primary: opened when the first worker asks for an address, shared by
// all that ask for the same, closed when the last has closed it.
//
// They outlive crashes: a socket whose workers all died is kept, and its clients wait in the
// backlog for the next worker that asks. So an address is in no worker's way, and two workers never
// collide.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cluster/line.h"
#include "edge/acceptor.h"
#include "edge/pool.h"
#include "ipc/board.h"

namespace roundhouse::membership {

class SharedListeners {
 public:
  // All outlive it.
  SharedListeners(EventLoop& loop, edge::Pool& pool, const ipc::Board& board)
      : loop_(loop), pool_(pool), board_(board) {}

  struct Answer {
    ListenAnswer answer;
    int descriptor = -1;  // policy none: what the worker accepts from; borrowed
  };
  // `folder`: of the workers, for relative paths; empty: ours.
  Answer ask(std::size_t place, const ListenQuestion& question, const std::string& folder);
  // The worker is ready for connections of this listener. Its address; empty if it may not be.
  std::string listening(std::size_t place, std::uint32_t listener);
  void closed(std::size_t place, std::uint32_t listener);
  // The worker will finish: where nobody else listens, what waits in the backlog is taken for it.
  void leaving(std::size_t place);
  // Its process is gone, after it was asked to leave or had wished to; else by a crash.
  void gone(std::size_t place, bool left);
  // There may be room again.
  void resume();
  void close_all();

 private:
  struct Entry {
    std::string key;
    std::string address;  // as bound
    std::string unix_path;
    int fd = -1;                      // the acceptor's
    std::vector<std::size_t> places;  // that share it
    std::unique_ptr<edge::Acceptor> acceptor;
  };

  Result<std::uint32_t> find_or_open(std::size_t place, const ListenQuestion& question,
                                     const std::string& folder);
  Result<std::uint32_t> open(std::string key, const Address& address,
                             const ListenQuestion& question);
  std::optional<std::uint32_t> free_number();
  void forget(Entry& entry, std::size_t place);
  void close(Entry& entry);

  EventLoop& loop_;
  edge::Pool& pool_;
  const ipc::Board& board_;
  std::array<Entry, ipc::kMaxListeners> entries_;  // by listener; no acceptor: free
  std::size_t last_opened_ = ipc::kMaxListeners - 1;
  std::uint64_t connections_ = 0;
};

}  // namespace roundhouse::membership
