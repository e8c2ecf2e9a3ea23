// The server behind every proxy of the bench: answers as cheaply as can be, so that it is never
// what holds up.
//
//   bench_origin PORT
//
// GET /N is answered with N bytes, / with 1024; the body of a request with a Content-Length is read
// and dropped. Connections are kept unless the request says close. One process, one thread; it
// trusts who asks.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/bare/socket.h"

namespace {

using namespace roundhouse::bench;

constexpr std::uint64_t kDefaultBody = 1024;
constexpr std::size_t kPieceMax = std::size_t{1024} * 1024;

struct Connection {
  int fd = -1;
  std::string head;                // received of a head that is not whole yet
  std::uint64_t body_to_drop = 0;  // of the request
  std::string answer;              // its head, unsent
  std::uint64_t body_to_send = 0;
  bool answering = false;
  bool close = false;
  bool wants_room = false;
};

std::uint64_t number_in(std::string_view text, std::uint64_t otherwise) {
  std::uint64_t number = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// Behind `name`, which a line begins with, in any case of its first letters.
std::string_view value_of(std::string_view head, std::string_view name) {
  for (std::size_t at = head.find('\n'); at != std::string_view::npos; at = head.find('\n', at)) {
    ++at;
    const std::string_view line = head.substr(at, head.find('\r', at) - at);
    if (line.size() > name.size() && ::strncasecmp(line.data(), name.data(), name.size()) == 0)
      return line.substr(name.size());
  }
  return {};
}

class Origin {
 public:
  explicit Origin(int listener) : listener_(listener), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    watch(epoll_, listener_, {.ptr = nullptr});
    constexpr std::string_view kGreeting = "hello world ";
    for (std::size_t i = 0; i < body_.size(); ++i) body_[i] = kGreeting[i % kGreeting.size()];
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 256> events{};
    while (true) {
      const int count = ::epoll_wait(epoll_, events.data(), events.size(), -1);
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        auto* const connection = static_cast<Connection*>(event.data.ptr);
        if (connection == nullptr)
          accept();
        else if ((event.events & EPOLLOUT) != 0)
          send(*connection);
        else
          receive(*connection);
      }
      over_.clear();
    }
  }

 private:
  void accept() {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    auto* const connection = new Connection;
    connection->fd = fd;
    watch(epoll_, fd, {.ptr = connection});
  }

  void end(Connection& connection) {
    if (connection.fd < 0) return;
    ::close(connection.fd);
    connection.fd = -1;
    over_.emplace_back(&connection);
  }

  void receive(Connection& connection) {
    if (connection.fd < 0) return;
    const ssize_t count = ::read(connection.fd, received_.data(), received_.size());
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
      end(connection);
      return;
    }
    std::string_view bytes(received_.data(), static_cast<std::size_t>(count));
    if (connection.body_to_drop == 0) {
      connection.head.append(bytes);
      const std::size_t size = connection.head.find("\r\n\r\n");
      if (size == std::string::npos) return;
      begin(connection, std::string_view(connection.head).substr(0, size + 2));
      bytes = std::string_view(connection.head).substr(size + 4);
    }
    connection.body_to_drop -= std::min<std::uint64_t>(connection.body_to_drop, bytes.size());
    connection.head.clear();
    if (connection.body_to_drop == 0) send(connection);
  }

  void begin(Connection& connection, std::string_view head) {
    const std::string_view path = head.substr(head.find(' ') + 1);
    connection.body_to_send = number_in(path.substr(1), kDefaultBody);
    connection.body_to_drop = number_in(value_of(head, "Content-Length: "), 0);
    connection.close = value_of(head, "Connection: ") == "close";
    connection.answer =
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nServer: origin\r\n"
        "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: " +
        std::to_string(connection.body_to_send) +
        (connection.close ? "\r\nConnection: close\r\n\r\n" : "\r\n\r\n");
  }

  void send(Connection& connection) {
    while (connection.fd >= 0 && (!connection.answer.empty() || connection.body_to_send > 0)) {
      const std::size_t piece = std::min<std::uint64_t>(connection.body_to_send, kPieceMax);
      std::array<iovec, 2> parts{
          {{connection.answer.data(), connection.answer.size()}, {body_.data(), piece}}};
      msghdr message{};
      message.msg_iov = parts.data();
      message.msg_iovlen = parts.size();
      const ssize_t sent = ::sendmsg(connection.fd, &message, MSG_NOSIGNAL);
      if (sent < 0 && errno == EAGAIN) {
        want_room(connection, true);
        return;
      }
      if (sent < 0) {
        end(connection);
        return;
      }
      const auto count = static_cast<std::size_t>(sent);
      const std::size_t of_head = std::min(count, connection.answer.size());
      connection.answer.erase(0, of_head);
      connection.body_to_send -= count - of_head;
    }
    want_room(connection, false);
    if (connection.close) end(connection);
  }

  void want_room(Connection& connection, bool wanted) {
    if (connection.fd < 0 || connection.wants_room == wanted) return;
    connection.wants_room = wanted;
    epoll_event event{};
    event.events = wanted ? EPOLLOUT : EPOLLIN;
    event.data.ptr = &connection;
    if (::epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.fd, &event) != 0) die("epoll_ctl");
  }

  int listener_;
  int epoll_;
  std::vector<char> body_ = std::vector<char>(kPieceMax);
  std::array<char, 256 * 1024> received_{};
  std::vector<std::unique_ptr<Connection>> over_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("bench_origin PORT\n", stderr);
    return 64;
  }
  std::make_unique<Origin>(listen_on(port_of(argv[1])))->run();
}
