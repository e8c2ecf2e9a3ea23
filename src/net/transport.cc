#include "net/transport.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>

namespace roundhouse {
namespace {

Transfer result_of(ssize_t count) {
  using Status = TransferStatus;
  if (count > 0) return {Status::kMoved, static_cast<std::size_t>(count)};
  if (count == 0) return {Status::kEnd, 0};
  const bool later = errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS;
  return {later ? Status::kWouldBlock : Status::kFailed, 0};
}

}  // namespace

Transport::Transport(UniqueFd fd, const TlsContext& context)
    : fd_(std::move(fd)), tls_(std::make_unique<TlsStream>(context, fd_.get())) {}

void Transport::begin_tls(const TlsClientContext& context, const TlsPeer& peer) {
  tls_ = std::make_unique<TlsStream>(context, fd_.get(), peer);
}

Address Transport::local_address() const {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) return {};
  return {reinterpret_cast<const sockaddr*>(&bound), size};
}

// Under TLS a read may wait for room: an answer to the peer's change of keys comes first.
Ready Transport::meaning_of(Ready ready) {
  if (ready.writable && wants_room()) ready.readable = true;
  return ready;
}

Transfer Transport::read(std::span<char> into) {
  if (tls_ != nullptr) return tls_->read(into);
  ssize_t count = -1;
  do {
    count = ::read(fd_.get(), into.data(), into.size());
  } while (count < 0 && errno == EINTR);
  Transfer transfer = result_of(count);
  transfer.dry = transfer.bytes < into.size();
  return transfer;
}

Transfer Transport::write(std::string_view bytes) {
  if (tls_ != nullptr) return tls_->write(bytes, {});
  ssize_t count = -1;
  do {
    count = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  } while (count < 0 && errno == EINTR);
  return result_of(count);
}

Transfer Transport::write(std::string_view first, std::string_view second) {
  if (tls_ != nullptr) return tls_->write(first, second);
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

bool Transport::is_quiet() {
  if (tls_ != nullptr) return tls_->is_quiet();
  char byte = 0;
  return ::recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

bool Transport::has_failed() {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0;
}

Transport::Status Transport::tell_end() {
  return tls_ == nullptr ? Status::kMoved : tls_->end_writing();
}

Transport::Status Transport::end_writing() {
  if (tell_end() == Status::kWouldBlock) return Status::kWouldBlock;
  ::shutdown(fd_.get(), SHUT_WR);
  return Status::kMoved;
}

void Transport::close() {
  if (tls_ != nullptr && fd_) tls_->end_writing();
  fd_.reset();
}

void Transport::reset() {
  if (!fd_) return;
  constexpr linger kAtOnce{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &kAtOnce, sizeof kAtOnce);
  fd_.reset();
}

}  // namespace roundhouse
