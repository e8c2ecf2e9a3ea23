// A server with its loop, and clients of it on socket pairs. Time is real for the loop and made up
// for deadlines.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/listener.h"
#include "proxy/server.h"

namespace roundhouse::proxy {

// The client's end of a connection.
class Peer {
 public:
  explicit Peer(UniqueFd fd) : fd_(std::move(fd)) {}

  int fd() const { return fd_.get(); }
  void send(std::string_view bytes) {
    ASSERT_EQ(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // As much as the socket takes.
  std::size_t send_some(std::string_view bytes) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    return sent > 0 ? static_cast<std::size_t>(sent) : 0;
  }
  void end_writing() { ::shutdown(fd_.get(), SHUT_WR); }
  void close() { fd_.reset(); }

  // Takes what has come; received() is all of it so far.
  const std::string& receive(std::size_t limit = SIZE_MAX) {
    char bytes[65536];
    while (!ended_ && !reset_ && limit > 0) {
      const ssize_t count = ::recv(fd_.get(), bytes, std::min(limit, sizeof bytes), 0);
      if (count > 0) received_.append(bytes, static_cast<std::size_t>(count));
      if (count > 0) limit -= static_cast<std::size_t>(count);
      if (count == 0) ended_ = true;
      if (count < 0 && errno != EAGAIN) reset_ = true;
      if (count < 0) break;
    }
    return received_;
  }
  bool ended() {
    receive();
    return ended_;
  }
  bool reset() {
    receive();
    return reset_;
  }
  void forget() { received_.clear(); }

 private:
  UniqueFd fd_;
  std::string received_;
  bool ended_ = false;
  bool reset_ = false;
};

class World {
 public:
  // `log`: what an access log says, and where to, if its format is not kOff.
  explicit World(Handler& handler, const config::AccessLog& log = {}, UniqueFd log_fd = {})
      : loop(std::move(EventLoop::create().value())),
        deadlines(loop->now()),
        listeners(1),
        access_log(log.format == config::AccessFormat::kOff
                       ? nullptr
                       : new AccessLog({.loop = *loop,
                                        .slot = slot,
                                        .options = log,
                                        .pool = "app",
                                        .worker = 1,
                                        .fd = std::move(log_fd)})),
        server({.loop = *loop,
                .deadlines = deadlines,
                .slot = slot,
                .handler = handler,
                .listeners = listeners,
                .access_log = access_log.get(),
                .on_closed = [this](std::uint32_t) { ++closed; },
                .find_tls = [this](std::uint32_t) { return tls.get(); }}),
        stop_(*loop, [this] { loop->stop(); }) {}

  // The client has sent `bytes` before the server gets the connection.
  Peer connect(std::string_view bytes = "", std::uint32_t requests_served = 0) {
    int pair[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    return hand_over(Peer(UniqueFd(pair[0])), UniqueFd(pair[1]), bytes, requests_served);
  }
  Peer connect_tcp(std::string_view bytes = "") {
    const ListeningSocket listening = listen_on(Address::loopback(0), {.backlog = 8}).value();
    UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(client.get(), listening.address.data(), listening.address.size()), 0);
    ::fcntl(client.get(), F_SETFL, O_NONBLOCK);
    Accepted accepted;
    EXPECT_EQ(accept_from(listening.fd.get(), accepted), AcceptStatus::kAccepted);
    return hand_over(Peer(std::move(client)), std::move(accepted.fd), bytes, 0);
  }

  // One turn of the loop that does not wait.
  void turn() {
    stop_.start_once(Duration::zero());
    loop->run();
  }
  // Turns until it holds; false after 10 s.
  bool until(const std::function<bool()>& holds) {
    const Time deadline = Clock::now() + std::chrono::seconds(10);
    while (!holds()) {
      if (Clock::now() > deadline) return false;
      stop_.start_once(std::chrono::milliseconds(1));
      loop->run();
    }
    return true;
  }
  void pass(Duration time) {
    deadlines.advance(Clock::now() + time);
    turn();
  }
  // Waits for an answer that ends so.
  bool answered(Peer& peer, std::string_view end) {
    return until([&] { return peer.receive().ends_with(end); });
  }

  std::unique_ptr<EventLoop> loop;
  DeadlineQueue deadlines;
  ipc::Slot slot;
  std::vector<config::Listener> listeners;
  std::unique_ptr<AccessLog> access_log;
  std::unique_ptr<TlsContext> tls;  // of the listener, where its options say so
  Server server;
  int closed = 0;
  std::uint16_t peer_family = AF_UNIX;
  std::uint8_t peer_first_byte = 0;

 private:
  Peer hand_over(Peer peer, UniqueFd fd, std::string_view bytes, std::uint32_t requests_served) {
    if (!bytes.empty()) peer.send(bytes);
    ipc::ConnectionInfo info{};
    info.requests_served = requests_served;
    info.peer_family = peer_family;
    info.peer_host[0] = peer_first_byte;
    server.take(std::move(fd), info);
    return peer;
  }

  Timer stop_;
};

inline std::string without_date(std::string text) {
  for (std::size_t at = 0; (at = text.find("Date: ", at)) != std::string::npos;)
    text.erase(at, text.find("\r\n", at) + 2 - at);
  return text;
}

}  // namespace roundhouse::proxy
