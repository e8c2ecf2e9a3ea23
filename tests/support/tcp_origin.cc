#include "support/tcp_origin.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "support/process.h"

namespace roundhouse::test {
namespace {

Address bound_to(int fd) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size);
  return {reinterpret_cast<sockaddr*>(&bound), size};
}

}  // namespace

Stream::Stream(UniqueFd fd) : fd_(std::move(fd)) {
  const timeval patience{.tv_sec = kPatience.count(), .tv_usec = 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

Stream Stream::connect(const Address& server, const Address* from) {
  UniqueFd fd(::socket(server.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (from != nullptr && ::bind(fd.get(), from->data(), from->size()) != 0)
    return Stream(UniqueFd());
  if (::connect(fd.get(), server.data(), server.size()) != 0) fd.reset();
  return Stream(std::move(fd));
}

bool Stream::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void Stream::end_writing() { ::shutdown(fd_.get(), SHUT_WR); }

void Stream::reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  fd_.reset();
}

std::string Stream::receive(std::size_t count) {
  std::string bytes;
  char piece[65536];
  while (bytes.size() < count) {
    const std::size_t most = std::min(sizeof piece, count - bytes.size());
    const ssize_t got = ::recv(fd_.get(), piece, most, 0);
    ended_ = got == 0;
    was_reset_ = got < 0 && errno == ECONNRESET;
    if (got <= 0) break;
    bytes.append(piece, static_cast<std::size_t>(got));
  }
  return bytes;
}

TcpOrigin::TcpOrigin(Serve serve, const Address& address)
    : serve_(std::move(serve)),
      address_(address),
      listening_(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  EXPECT_EQ(::bind(listening_.get(), address_.data(), address_.size()), 0);
  EXPECT_EQ(::listen(listening_.get(), 64), 0);
  if (!address_.is_unix()) address_ = bound_to(listening_.get());
  acceptor_ = std::thread([this] { accept_all(); });
}

TcpOrigin::~TcpOrigin() {
  ::shutdown(listening_.get(), SHUT_RDWR);  // wakes accept()
  acceptor_.join();
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
}

void TcpOrigin::accept_all() {
  while (true) {
    UniqueFd fd(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd) return;
    ++connections_;
    const std::lock_guard lock(mutex_);
    open_.push_back(fd.get());
    threads_.emplace_back([this, fd = std::move(fd)]() mutable {
      const int number = fd.get();
      Stream stream(std::move(fd));
      serve_(stream);
      const std::lock_guard inner(mutex_);
      std::erase(open_, number);
      stream.close();
    });
  }
}

void TcpOrigin::echo(Stream& stream) {
  char piece[65536];
  while (true) {
    const ssize_t got = ::recv(stream.fd(), piece, sizeof piece, 0);
    if (got <= 0 || !stream.send({piece, static_cast<std::size_t>(got)})) return;
  }
}

Address dead_address() {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const Address any = Address::loopback(0);
  EXPECT_EQ(::bind(fd.get(), any.data(), any.size()), 0);
  return bound_to(fd.get());
}

}  // namespace roundhouse::test
