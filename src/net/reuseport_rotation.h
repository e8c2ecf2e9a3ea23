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
  ReuseportRotation(ReuseportRotation&&) = default;
  ReuseportRotation& operator=(ReuseportRotation&&) = default;
  ~ReuseportRotation();
  static constexpr std::uint32_t kMaxSockets = 1024;

  // Needs CAP_BPF and CAP_NET_ADMIN, or root. The error says what is missing. `sockets` listen on
  // one address with SO_REUSEPORT; they keep their places for the life of this.
  static Result<ReuseportRotation> attach(std::span<const int> sockets);
  // The same step by step. For so many places, and one beside them: who had the address before, or
  // is to have it afterwards. Attaching replaces another program of the group.
  static Result<ReuseportRotation> create(std::size_t places);
  Result<void> add(std::size_t place, int socket);
  Result<void> add_beside(int socket) { return add(places_, socket); }
  Result<void> attach_to(int socket);
  // Nothing if this process could attach one; tries with sockets of its own on loopback.
  static Result<void> probe();

  // Who is in turn, by place; each once.
  void set_turns(std::span<const std::uint32_t> places);
  // The one beside them is, alone.
  void turn_to_beside();
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

  std::size_t places_ = 0;
  UniqueFd state_fd_;
  UniqueFd sockets_fd_;
  UniqueFd program_;
  std::unique_ptr<State, Unmap> state_;
};

// Others may listen on the address of this socket too, with SO_REUSEPORT; until the end of this,
// after which it is alone again. Nothing happens if it is closed before: see forget().
class SharedAddress {
 public:
  SharedAddress() = default;
  static Result<SharedAddress> of(int socket);
  SharedAddress(SharedAddress&&) = default;
  SharedAddress& operator=(SharedAddress&& other) noexcept;
  ~SharedAddress();
  // The socket was closed, or is to be; else this keeps it open.
  void forget() { fd_.reset(); }

 private:
  UniqueFd fd_;
};
// No program of a group, nor others in it. (Another socket of the same user with SO_REUSEPORT might
// be let in still: the kernel remembers that some were.)
void stop_sharing(int socket);

// Sockets on one address and the rotation over them.
struct ReuseportGroup {
  SharedAddress before;  // of whom they are to follow
  ReuseportRotation rotation;
  std::vector<ListeningSocket> sockets;  // by place
};
// An address that anybody else listens on is an error, even if they would share it.
Result<ReuseportGroup> listen_in_rotation(const Address& address, ListenOptions options,
                                          std::size_t count);
// On the address of a socket of ours, which goes on getting all new clients until set_turns().
// What came to these in the moment before that was settled waits in their queues.
Result<ReuseportGroup> listen_in_rotation_after(int before, const Address& bound,
                                                const Address& asked, ListenOptions options,
                                                std::size_t count);

}  // namespace roundhouse
