// Rotation in the kernel: several listening sockets on one address, and a small eBPF program
// (BPF_PROG_TYPE_SK_REUSEPORT) that gives each new connection to the next one that is in turn.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "net/listener.h"

namespace roundhouse {

// One group of sockets. The program looks at a dense list {count, index[]} and counts with one
// atomic addition, so the rotation is exact whatever CPU a packet comes in on. A map with holes
// would not do: for an index without a socket the kernel hashes over the whole group. There are two
// lists and a word that says which is in use, so a change is seen whole or not at all.
//
// What counts is the first packet of a connection (SYN): one that comes to nothing takes its turn
// too. With nobody in turn the kernel hashes over the group, and what is accepted waits in the
// queue of some socket.
class ReuseportRotation {
 public:
  ReuseportRotation() = default;  // of nothing
  static constexpr std::uint32_t kMaxSockets = 1024;

  // Needs CAP_BPF and CAP_NET_ADMIN, or root. The error says what is missing. `sockets` listen on
  // one address with SO_REUSEPORT; they keep their places for the life of this.
  static Result<ReuseportRotation> attach(std::span<const int> sockets);
  // Nothing if this process could attach one; tries with sockets of its own on loopback.
  static Result<void> probe();

  // Who is in turn, by place; each once.
  void set_turns(std::span<const std::uint32_t> places);
  // Nobody is, and new clients are refused, as if nothing listened here; what is in the queues
  // stays there.
  void refuse();

 private:
  struct Turns {
    std::uint32_t refuses;  // 0 or 1
    std::uint32_t count;
    std::uint32_t places[kMaxSockets];
  };
  // The one value of the state map, mapped into this process (BPF_F_MMAPABLE).
  struct State {
    std::uint32_t active;
    std::uint32_t cursor;
    Turns turns[2];
  };
  struct Unmap {
    void operator()(State* state) const;
  };

  static Result<UniqueFd> load_program(int state, int sockets);
  void change(const std::function<void(Turns&)>& write);

  UniqueFd state_fd_;
  UniqueFd sockets_fd_;
  UniqueFd program_;
  std::unique_ptr<State, Unmap> state_;
};

// Sockets on one address and the rotation over them.
struct ReuseportGroup {
  std::vector<ListeningSocket> sockets;  // by place
  ReuseportRotation rotation;
};
// An address that anybody else listens on is an error, even if they would share it.
Result<ReuseportGroup> listen_in_rotation(const Address& address, ListenOptions options,
                                          std::size_t count);

}  // namespace roundhouse
