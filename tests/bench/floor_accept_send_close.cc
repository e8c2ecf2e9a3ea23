// The floor under the edge: what handing a connection over costs where there is nothing else.
//
//   bench_floor PORT WORKERS BATCH
//
// One process accepts, sends each descriptor to a worker in turn over SOCK_SEQPACKET, and closes
// it; at most BATCH (1..8) descriptors to a message. The workers read a request, write a fixed
// answer, and close. No limits, no supervision, no counters, no errors but the fatal ones.
#include <poll.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "bench/bare/socket.h"

namespace {

using namespace roundhouse::bench;

constexpr std::size_t kMaxBatch = 8;
constexpr int kAcceptsPerTurn = 16;  // as the edge's

// The descriptors of one message, and room for them in its control part.
struct Descriptors {
  std::array<int, kMaxBatch> fds{};
  std::size_t count = 0;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxBatch)> control{};
};

void send_batch(int channel, Descriptors& batch) {
  char byte = 0;
  iovec part{.iov_base = &byte, .iov_len = 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = batch.control.data();
  message.msg_controllen = CMSG_SPACE(sizeof(int) * batch.count);
  cmsghdr* control = CMSG_FIRSTHDR(&message);
  control->cmsg_level = SOL_SOCKET;
  control->cmsg_type = SCM_RIGHTS;
  control->cmsg_len = CMSG_LEN(sizeof(int) * batch.count);
  std::memcpy(CMSG_DATA(control), batch.fds.data(), sizeof(int) * batch.count);
  while (::sendmsg(channel, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    if (errno != EAGAIN && errno != ETOOMANYREFS) die("sendmsg");
    pollfd writable{.fd = channel, .events = POLLOUT, .revents = 0};
    ::poll(&writable, 1, 100);
  }
  for (std::size_t i = 0; i < batch.count; ++i) ::close(batch.fds[i]);
  batch.count = 0;
}

bool receive_batch(int channel, Descriptors& batch) {
  char byte = 0;
  iovec part{.iov_base = &byte, .iov_len = 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = batch.control.data();
  message.msg_controllen = batch.control.size();
  const ssize_t size = ::recvmsg(channel, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (size == 0) std::exit(0);
  if (size < 0) return false;
  const cmsghdr* control = CMSG_FIRSTHDR(&message);
  if (control == nullptr) return false;
  batch.count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  std::memcpy(batch.fds.data(), CMSG_DATA(control), sizeof(int) * batch.count);
  return true;
}

void serve(int connection, const std::string& answer) {
  char request[4096];
  if (::read(connection, request, sizeof request) > 0 &&
      ::send(connection, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) {
    std::perror("send");
  }
  ::close(connection);
}

[[noreturn]] void run_worker(int channel) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const std::string body = "hello world from the floor\n";
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                             "\r\nConnection: close\r\n\r\n" + body;
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  watch(epoll, channel, {.fd = channel});
  std::array<epoll_event, 64> events{};
  Descriptors batch;
  while (true) {
    const int count = ::epoll_wait(epoll, events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd != channel) {
        serve(fd, answer);
        continue;
      }
      while (receive_batch(channel, batch)) {
        for (std::size_t k = 0; k < batch.count; ++k)
          watch(epoll, batch.fds[k], {.fd = batch.fds[k]});
      }
    }
  }
}

[[noreturn]] void run_edge(int listener, const std::vector<int>& channels, std::size_t batch_size) {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  watch(epoll, listener, {.fd = listener});
  std::vector<Descriptors> batches(channels.size());
  std::size_t next = 0;
  while (true) {
    epoll_event event{};
    if (::epoll_wait(epoll, &event, 1, -1) < 0) continue;
    for (int i = 0; i < kAcceptsPerTurn; ++i) {
      const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) break;
      Descriptors& batch = batches[next];
      batch.fds[batch.count++] = fd;
      if (batch.count == batch_size) send_batch(channels[next], batch);
      next = (next + 1) % channels.size();
    }
    for (std::size_t i = 0; i < channels.size(); ++i) {
      if (batches[i].count > 0) send_batch(channels[i], batches[i]);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("bench_floor PORT WORKERS BATCH\n", stderr);
    return 64;
  }
  const int listener = listen_on(port_of(argv[1]));
  const int workers = std::atoi(argv[2]);
  const auto batch_size = static_cast<std::size_t>(std::atoi(argv[3]));
  if (workers < 1 || batch_size < 1 || batch_size > kMaxBatch) return 64;
  std::vector<int> channels;
  for (int i = 0; i < workers; ++i) {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) die("socketpair");
    const pid_t pid = ::fork();
    if (pid < 0) die("fork");
    if (pid == 0) {
      ::close(listener);
      ::close(pair[0]);
      for (const int other : channels) ::close(other);
      run_worker(pair[1]);
    }
    ::close(pair[1]);
    channels.push_back(pair[0]);
  }
  run_edge(listener, channels, batch_size);
}
