// Both ends of one TCP connection over loopback, non-blocking.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <string>
#include <string_view>

#include "base/unique_fd.h"

namespace roundhouse::test {

struct TcpPair {
  // `buffers`: of the kernel, for each way; 0: as they are.
  explicit TcpPair(int buffers = 0) {
    const UniqueFd listening(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    limit(listening.get(), buffers);
    EXPECT_EQ(::bind(listening.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listening.get(), 1), 0);
    ::getsockname(listening.get(), reinterpret_cast<sockaddr*>(&address), &size);
    near.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    limit(near.get(), buffers);
    EXPECT_EQ(::connect(near.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    far.reset(::accept4(listening.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    EXPECT_EQ(::fcntl(near.get(), F_SETFL, O_NONBLOCK), 0);
    constexpr int kOn = 1;  // as every connection of ours
    for (const UniqueFd* fd : {&near, &far})
      ::setsockopt(fd->get(), IPPROTO_TCP, TCP_NODELAY, &kOn, sizeof kOn);
  }

  UniqueFd near;
  UniqueFd far;

 private:
  static void limit(int fd, int buffers) {
    if (buffers == 0) return;
    ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffers, sizeof buffers);
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffers, sizeof buffers);
  }
};

// As much as it takes.
inline std::size_t send_some(const UniqueFd& fd, std::string_view bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t count =
        ::send(fd.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count <= 0) break;
    sent += static_cast<std::size_t>(count);
  }
  return sent;
}

// What has come.
inline std::string receive_some(const UniqueFd& fd) {
  std::string bytes;
  char piece[65536];
  while (true) {
    const ssize_t count = ::recv(fd.get(), piece, sizeof piece, MSG_DONTWAIT);
    if (count <= 0) return bytes;
    bytes.append(piece, static_cast<std::size_t>(count));
  }
}

inline void reset(UniqueFd& fd) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  fd.reset();
}

// Bytes that tell where they stand.
inline std::string numbered(std::size_t size) {
  std::string bytes;
  bytes.reserve(size + 16);
  for (std::size_t i = 0; bytes.size() < size; ++i) bytes += std::to_string(i) + ",";
  bytes.resize(size);
  return bytes;
}

}  // namespace roundhouse::test
