// The line between a primary and one of its workers: what they tell each other besides connections.
//
// A SOCK_SEQPACKET pair beside the native channel: messages of the program must not stand in the
// way of connections, nor be taken back with them. Each packet is a LineHeader and what its kind
// says. Packets that do not fit into the socket wait here, bounded; nothing blocks but wait().
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "base/clock.h"
#include "ipc/channel.h"
#include "net/event_loop.h"

namespace roundhouse::membership {

enum class LineKind : std::uint32_t {
  // worker -> primary
  kOnline = 1,  // the library is there
  kListen,      // ListenQuestion, answered by kAnswer of the same number
  kListening,   // `number`: the listener; connections may come
  kClose,       // `number`: the listener; none may come any more
  kLeave,       // `number`: Leaving
  // both ways
  kMessage = 16,  // bytes of the program, at most one descriptor
  // primary -> worker
  kAnswer = 32,  // ListenAnswer; with policy none the listening socket
};

enum class Leaving : std::uint32_t { kDisconnect, kExit };

struct LineHeader {
  LineKind kind;
  std::uint32_t number;
};

inline constexpr std::size_t kLineTextMax = 256;

struct ListenQuestion {
  std::int32_t backlog;
  std::uint32_t turn;  // of a port 0: how many of this address the worker had asked for before
  std::uint32_t unix_mode;
  std::uint8_t only_v6;
  std::uint8_t client_speaks_first;
  std::uint8_t is_http;
  std::uint8_t reserved;
  char address[kLineTextMax];  // as the program wrote it, ends in NUL
};

struct ListenAnswer {
  std::int32_t error;  // errno; 0: it listens
  std::uint32_t listener;
  char text[kLineTextMax];  // the address as bound, or what went wrong
};

inline constexpr std::size_t kLineBytesMax = std::size_t{64} * 1024;
inline constexpr std::size_t kLineQueuedMax = 1024;

class Line final : private IoHandler {
 public:
  // Who is told. Called inside the loop, or inside wait() and read_rest().
  class Listener {
   public:
    virtual void on_packet(LineHeader header, std::span<const std::byte> content,
                           UniqueFd descriptor) = 0;
    // The other side has closed, or broken the form. Once; then the line is closed.
    virtual void on_line_closed() = 0;

   protected:
    ~Listener() = default;
  };

  // Both must outlive the line.
  Line(EventLoop& loop, Listener& listener) : loop_(loop), listener_(listener) {}

  void open(ipc::Channel channel);
  bool is_open() const { return static_cast<bool>(channel_); }
  void close();

  // 0, or why not: ENOTCONN, EMSGSIZE, ENOBUFS, EBADF. The descriptor is duplicated.
  int send(LineHeader header, std::span<const std::byte> content = {}, int descriptor = -1);
  template <typename T>
  int send_struct(LineHeader header, const T& content, int descriptor = -1) {
    return send(header, std::as_bytes(std::span(&content, 1)), descriptor);
  }
  bool has_unsent() const { return !unsent_.empty(); }

  // Blocks until something can be read, or the deadline; then reads it. False: the deadline, or the
  // line is closed.
  bool wait(Time deadline);
  // Everything that lies there, up to the end.
  void read_rest();

 private:
  struct Unsent {
    std::vector<std::byte> bytes;
    UniqueFd descriptor;
  };

  void on_ready(Ready ready) override;
  bool read_one();  // false: nothing more now
  void flush();
  void watch();

  EventLoop& loop_;
  Listener& listener_;
  ipc::Channel channel_;
  IoWatcher watcher_;
  std::deque<Unsent> unsent_;
};

template <typename T>
const T* content_as(std::span<const std::byte> content) {
  return content.size() == sizeof(T) ? reinterpret_cast<const T*>(content.data()) : nullptr;
}

}  // namespace roundhouse::membership
