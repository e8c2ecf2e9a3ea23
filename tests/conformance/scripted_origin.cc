#include "conformance/scripted_origin.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "support/process.h"

namespace roundhouse::conformance {

using std::chrono::milliseconds;

bool send_all(int fd, std::string_view bytes, std::size_t packet) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), std::min(packet, bytes.size()), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void make_close_a_reset(int fd) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

ScriptedOrigin::ScriptedOrigin() {
  listening_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  CHECK(::bind(listening_.get(), address_.data(), address_.size()) == 0);
  CHECK(::listen(listening_.get(), 64) == 0);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(listening_.get(), reinterpret_cast<sockaddr*>(&bound), &size);
  address_ = Address(reinterpret_cast<sockaddr*>(&bound), size);
  acceptor_ = std::thread([this] { accept_all(); });
}

ScriptedOrigin::~ScriptedOrigin() {
  ::shutdown(listening_.get(), SHUT_RDWR);  // wakes accept()
  acceptor_.join();
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  end_connections();
}

void ScriptedOrigin::accept_all() {
  while (true) {
    UniqueFd fd(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd) return;
    const std::lock_guard lock(mutex_);
    Connection& connection = connections_.emplace_back(Connection{.fd = std::move(fd)});
    connection.number = ++accepted_;
    connection.thread = std::thread([this, &connection] { serve(connection); });
  }
}

// The proxy sees an end on each, and closes; one that does not is cut.
void ScriptedOrigin::end_connections() {
  std::unique_lock lock(mutex_);
  for (Connection& connection : connections_)
    if (!connection.over) ::shutdown(connection.fd.get(), SHUT_WR);
  changed_.wait_for(lock, std::chrono::seconds(3),
                    [this] { return std::ranges::all_of(connections_, &Connection::over); });
  for (Connection& connection : connections_)
    if (!connection.over) ::shutdown(connection.fd.get(), SHUT_RDWR);
  std::list<Connection> ended = std::move(connections_);
  connections_.clear();
  lock.unlock();
  for (Connection& connection : ended) connection.thread.join();
}

void ScriptedOrigin::begin(const Case& one) {
  {
    const std::lock_guard lock(mutex_);
    case_ = nullptr;
    answered_ = true;  // whoever still plays a script goes on
  }
  changed_.notify_all();
  end_connections();
  const std::lock_guard lock(mutex_);
  seen_.clear();
  case_ = &one;
  script_played_ = answered_ = false;
}

void ScriptedOrigin::client_was_answered() {
  {
    const std::lock_guard lock(mutex_);
    answered_ = true;
  }
  changed_.notify_all();
}

std::vector<ScriptedOrigin::Seen> ScriptedOrigin::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

bool ScriptedOrigin::wait(milliseconds patience,
                          const std::function<bool(const std::vector<Seen>&)>& condition) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, patience, [&] { return condition(seen_); });
}

// REQUIRES: the lock is held.
bool ScriptedOrigin::takes_script(const Message& message) {
  if (case_ == nullptr || case_->origin.empty() || script_played_ || !message.has_head)
    return false;
  if (case_->when == Case::When::kWhole && !message.whole) return false;
  return script_played_ = true;
}

void ScriptedOrigin::serve(Connection& connection) {
  const int fd = connection.fd.get();
  std::string received;
  std::size_t row = 0;  // in seen_, from 1, of the request that is coming
  char piece[65536];
  for (bool goes_on = true; goes_on;) {
    Message message;
    const std::size_t size = read_message(received, Reading::kRequest, message);
    bool scripted = false;
    if (!received.empty()) {
      const std::lock_guard lock(mutex_);
      if (row == 0 || row > seen_.size()) {
        seen_.push_back({.connection = connection.number});
        row = seen_.size();
      }
      seen_[row - 1].message = message;
      scripted = takes_script(message);
      changed_.notify_all();
    }
    if (scripted) {
      goes_on = play(fd);
      if (!goes_on) break;
    } else if (message.whole && row != 0) {
      goes_on = answer(fd, message);
    }
    if (message.whole) {
      received.erase(0, size);
      row = 0;
      if (!received.empty()) continue;
    }
    const ssize_t got = goes_on ? ::recv(fd, piece, sizeof piece, 0) : 0;
    if (got <= 0) break;
    received.append(piece, static_cast<std::size_t>(got));
  }
  const std::lock_guard lock(mutex_);
  for (Seen& one : seen_) one.ended |= one.connection == connection.number;
  connection.fd.reset();
  connection.over = true;
  changed_.notify_all();
}

// With what makes every answer one of a kind.
bool ScriptedOrigin::answer(int fd, const Message& message) {
  const std::string body = message.method() + " " + message.target();
  std::string bytes = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                      "\r\nX-Origin: plain\r\n\r\n";
  if (message.method() != "HEAD") bytes += body;
  return send_all(fd, bytes, bytes.size());
}

// False: the connection ends here.
bool ScriptedOrigin::play(int fd) {
  std::vector<Step> steps;
  bool bytewise = false;
  {
    const std::lock_guard lock(mutex_);
    if (case_ != nullptr) {
      steps = case_->origin;
      bytewise = case_->bytewise;
    }
  }
  char piece[65536];
  for (const Step& step : steps) {
    switch (step.kind) {
      case Step::Kind::kSend:
        if (!send_all(fd, step.bytes, bytewise ? 1 : step.bytes.size())) return false;
        break;
      case Step::Kind::kAwaitAnswered: {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, test::kPatience, [this] { return answered_ || stopping_; });
        break;
      }
      case Step::Kind::kAwaitDropped:
        while (::recv(fd, piece, sizeof piece, 0) > 0) {
        }
        return false;
      case Step::Kind::kReset:
        make_close_a_reset(fd);
        return false;
      case Step::Kind::kClose:
        return false;
      case Step::Kind::kHalfClose:
        ::shutdown(fd, SHUT_WR);
        break;
      case Step::Kind::kAwaitStatus:
      case Step::Kind::kAwaitHead:
        CHECK(false);
    }
  }
  return true;
}

}  // namespace roundhouse::conformance
