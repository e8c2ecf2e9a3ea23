// The floor under a proxy: what it costs to move a request and its answer where nobody looks at
// them.
//
//   bench_forward PORT ORIGIN_PORT
//
// One process; each client has a connection to the origin of its own. Four system calls for a
// request: read it, write it, read its answer, write that; and what it shares of epoll_wait. No
// parsing, no limits, no time-outs, no buffering: a peer that does not read holds up all others.
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string_view>
#include <vector>

#include "bench/bare/socket.h"

namespace {

using namespace roundhouse::bench;

struct Pair;

// One end of a pair.
struct End {
  Pair* pair;
  int fd;
};

struct Pair {
  End client{};
  End origin{};
  bool over = false;
  End& other(const End& end) { return &end == &client ? origin : client; }
};

// False: the other end is gone.
bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN) return false;
    if (count < 0) {
      pollfd writable{.fd = fd, .events = POLLOUT, .revents = 0};
      ::poll(&writable, 1, -1);
      continue;
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

class Forwarder {
 public:
  Forwarder(int listener, std::uint16_t origin)
      : listener_(listener), origin_(origin), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    watch(epoll_, listener_, {.ptr = nullptr});
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 256> events{};
    while (true) {
      const int count = ::epoll_wait(epoll_, events.data(), events.size(), -1);
      for (int i = 0; i < count; ++i) {
        auto* const end = static_cast<End*>(events[static_cast<std::size_t>(i)].data.ptr);
        if (end == nullptr)
          accept();
        else
          forward(*end);
      }
      over_.clear();  // no event of this turn names them any more
    }
  }

 private:
  void accept() {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client < 0) return;
    const int origin = connect_to(origin_);
    if (origin < 0) {
      ::close(client);
      return;
    }
    auto* const pair = new Pair;
    pair->client = {pair, client};
    pair->origin = {pair, origin};
    watch(epoll_, client, {.ptr = &pair->client});
    watch(epoll_, origin, {.ptr = &pair->origin});
  }

  void forward(End& from) {
    Pair& pair = *from.pair;
    if (pair.over) return;
    const ssize_t count = ::read(from.fd, bytes_.data(), bytes_.size());
    if (count < 0 && errno == EAGAIN) return;
    if (count > 0 &&
        send_all(pair.other(from).fd, {bytes_.data(), static_cast<std::size_t>(count)}))
      return;
    pair.over = true;
    ::close(pair.client.fd);
    ::close(pair.origin.fd);
    over_.emplace_back(&pair);
  }

  int listener_;
  std::uint16_t origin_;
  int epoll_;
  std::array<char, 65536> bytes_{};
  std::vector<std::unique_ptr<Pair>> over_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("bench_forward PORT ORIGIN_PORT\n", stderr);
    return 64;
  }
  Forwarder(listen_on(port_of(argv[1])), port_of(argv[2])).run();
}
