#include "support/origin.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

namespace roundhouse::test {
namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";

// Bytes of the body behind a head; nothing while it is not whole.
std::optional<std::size_t> body_size(const std::string& head, std::string_view rest) {
  if (head.find("Transfer-Encoding: chunked") != head.npos) {
    const auto last = rest.starts_with("0\r\n") ? 0 : rest.find("\r\n0\r\n");
    if (last == rest.npos) return std::nullopt;
    const auto empty = rest.find("\r\n\r\n", last == 0 ? 1 : last + 3);  // behind trailers
    return empty == rest.npos ? std::nullopt : std::optional(empty + 4);
  }
  const auto at = head.find("Content-Length: ");
  const std::size_t size = at == head.npos ? 0 : std::stoul(head.substr(at + 16));
  return rest.size() < size ? std::nullopt : std::optional(size);
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace

std::string ok(const std::string& body, const std::string& more_headers) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         more_headers + "\r\n" + body;
}

Origin::Origin(Script script, const Address& at) : script_(std::move(script)), address_(at) {
  start();
}
Origin::Origin(const std::string& body)
    : Origin([body](const Seen&) { return Reply{.bytes = ok(body)}; }) {}

void Origin::start() {
  listening_.reset(::socket(address_.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(listening_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ASSERT_EQ(::bind(listening_.get(), address_.data(), address_.size()), 0);
  ASSERT_EQ(::listen(listening_.get(), 64), 0);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(listening_.get(), reinterpret_cast<sockaddr*>(&bound), &size);
  address_ = Address(reinterpret_cast<sockaddr*>(&bound), size);
  acceptor_ = std::thread([this] { accept_all(); });
}

void Origin::stop() {
  if (!listening_) return;
  ::shutdown(listening_.get(), SHUT_RDWR);  // wakes accept()
  acceptor_.join();
  listening_.reset();
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
}

std::vector<Origin::Seen> Origin::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

std::size_t Origin::connections() const {
  const std::lock_guard lock(mutex_);
  return connections_;
}

void Origin::accept_all() {
  while (true) {
    const int fd = ::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    const std::lock_guard lock(mutex_);
    ++connections_;
    open_.push_back(fd);
    threads_.emplace_back([this, fd] {
      serve(fd);
      const std::lock_guard inner(mutex_);
      std::erase(open_, fd);
      ::close(fd);
    });
  }
}

void Origin::serve(int fd) {
  std::string received;
  bool echo = false;
  char piece[65536];
  while (true) {
    const auto end = received.find(kHeadEnd);
    if (echo) {
      if (!send_all(fd, std::exchange(received, ""))) return;
    } else if (end != received.npos) {
      Seen seen{.head = received.substr(0, end + kHeadEnd.size())};
      const std::string_view rest = std::string_view(received).substr(seen.head.size());
      if (const auto size = body_size(seen.head, rest)) {
        seen.body = rest.substr(0, *size);
        received.erase(0, seen.head.size() + *size);
        {
          const std::lock_guard lock(mutex_);
          seen_.push_back(seen);
        }
        const Reply reply = script_(seen);
        if (!send_all(fd, reply.bytes) || reply.then == Then::kClose) return;
        if (reply.then == Then::kReset) {
          const linger at_once{.l_onoff = 1, .l_linger = 0};
          ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
          return;
        }
        echo = reply.then == Then::kEcho;
        continue;
      }
    }
    const ssize_t got = ::recv(fd, piece, sizeof piece, 0);
    if (got <= 0) return;
    received.append(piece, static_cast<std::size_t>(got));
  }
}

}  // namespace roundhouse::test
