#include "net/transport.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>

namespace roundhouse {
namespace {

Transport::Transfer result_of(ssize_t count) {
  using Status = Transport::Status;
  if (count > 0) return {Status::kMoved, static_cast<std::size_t>(count)};
  if (count == 0) return {Status::kEnd, 0};
  const bool later = errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS;
  return {later ? Status::kWouldBlock : Status::kFailed, 0};
}

}  // namespace

Transport::Transfer Transport::read(std::span<char> into) {
  ssize_t count = -1;
  do {
    count = ::read(fd_.get(), into.data(), into.size());
  } while (count < 0 && errno == EINTR);
  return result_of(count);
}

Transport::Transfer Transport::write(std::string_view bytes) {
  ssize_t count = -1;
  do {
    count = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  } while (count < 0 && errno == EINTR);
  return result_of(count);
}

Transport::Transfer Transport::write(std::string_view first, std::string_view second) {
  std::array<iovec, 2> parts{{{const_cast<char*>(first.data()), first.size()},
                              {const_cast<char*>(second.data()), second.size()}}};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  ssize_t count = -1;
  do {
    count = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
  } while (count < 0 && errno == EINTR);
  return result_of(count);
}

bool Transport::has_failed() {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0;
}

void Transport::end_writing() { ::shutdown(fd_.get(), SHUT_WR); }

void Transport::reset() {
  constexpr linger kAtOnce{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &kAtOnce, sizeof kAtOnce);
  close();
}

}  // namespace roundhouse
