#include "bench/load/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <string_view>

namespace roundhouse::bench {
namespace {

// Behind a whole answer: how long the server may take to close before we do.
constexpr Duration kFinishWithin = std::chrono::seconds(1);
constexpr Duration kRest = std::chrono::milliseconds(10);

sockaddr_in loopback(std::uint32_t host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(host);
  address.sin_port = htons(port);
  return address;
}

const sockaddr* generic(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

}  // namespace

void Client::begin(Time begun, Time now) {
  begun_ = begun;
  sent_ = 0;
  answer_.clear();
  if (!fd_) {
    if (!connect(now)) return;
  } else {
    state_ = State::kAwaiting;
  }
  // On loopback the connection mostly stands by now: this saves waiting to be told.
  send(now);
}

bool Client::connect(Time now) {
  fd_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  state_ = State::kConnecting;
  connect_by_ = now + run_.options.connect_timeout;
  const int on = 1;
  const sockaddr_in source = loopback(0x7f010001U + index_ % 65000, 0);
  const sockaddr_in target = loopback(INADDR_LOOPBACK, run_.options.port);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = this;
  const bool prepared =
      fd_ && ::setsockopt(fd_.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) == 0 &&
      ::bind(fd_.get(), generic(source), sizeof source) == 0;
  if (!prepared) {
    fail(Outcome::kConnectFailed, now);
    return false;
  }
  if (::connect(fd_.get(), generic(target), sizeof target) != 0 && errno != EINPROGRESS) {
    fail(errno == ECONNREFUSED ? Outcome::kRefused : Outcome::kConnectFailed, now);
    return false;
  }
  if (::epoll_ctl(run_.epoll, EPOLL_CTL_ADD, fd_.get(), &event) != 0) {
    fail(Outcome::kConnectFailed, now);
    return false;
  }
  return true;
}

void Client::send(Time now) {
  const std::string_view rest = std::string_view(run_.request).substr(sent_);
  const ssize_t count = ::send(fd_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
  if (count < 0) {
    if (errno != EAGAIN) on_end(errno, now);
    return;
  }
  if (state_ == State::kConnecting) {
    state_ = State::kAwaiting;
    run_.report.connected();
  }
  sent_ += static_cast<std::size_t>(count);
}

void Client::on_ready(std::uint32_t events, Time now) {
  if (!fd_) return;
  if (state_ == State::kConnecting) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
      on_end(error, now);
      return;
    }
  }
  const bool unsent = sent_ < run_.request.size();
  const bool asked = state_ == State::kConnecting || state_ == State::kAwaiting;
  if ((events & EPOLLOUT) != 0 && asked && unsent) send(now);
  const bool ended = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  if ((events & EPOLLIN) != 0 || ended) receive(ended, now);
}

// A short read empties the socket; what comes later, the end included, wakes us again.
void Client::receive(bool ended, Time now) {
  char bytes[4096];
  while (fd_) {
    const ssize_t count = ::recv(fd_.get(), bytes, sizeof bytes, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
      on_end(count == 0 ? 0 : errno, now);
      return;
    }
    if (state_ != State::kAwaiting) {
      fail(Outcome::kWrong, now);  // nobody asked
      return;
    }
    const Answer::State state = answer_.take({bytes, static_cast<std::size_t>(count)});
    if (state == Answer::State::kWrong) fail(Outcome::kWrong, now);
    if (state == Answer::State::kWhole) on_answer(now);
    if (static_cast<std::size_t>(count) < sizeof bytes && !ended) return;
  }
}

void Client::on_answer(Time now) {
  // Bytes behind the answer are seen while its connection's end, or its next answer, is awaited.
  run_.report.ended(Outcome::kAnswered, begun_, now, answer_.worker_pid());
  begun_ = now;
  if (run_.options.mode == Mode::kHold && now < run_.start + run_.options.hold) {
    state_ = State::kHolding;
  } else if (run_.options.mode == Mode::kHold) {
    fd_.reset();
    state_ = State::kIdle;
  } else if (run_.options.mode == Mode::kClose || answer_.says_close()) {
    state_ = State::kFinishing;
  } else {
    state_ = State::kIdle;
  }
}

void Client::on_end(int error, Time now) {
  switch (state_) {
    case State::kIdle:
    case State::kHolding:
      run_.report.idle_closed();
      fd_.reset();
      state_ = State::kIdle;
      return;
    case State::kFinishing:
      if (error != 0) run_.report.reset_after_answer();
      fd_.reset();
      state_ = State::kIdle;
      return;
    case State::kConnecting:
      if (error == ECONNREFUSED) {
        fail(Outcome::kRefused, now);
      } else if (error == ETIMEDOUT) {
        fail(Outcome::kConnectTimeout, now);
      } else {
        fail(error == ECONNRESET ? Outcome::kReset : Outcome::kConnectFailed, now);
      }
      return;
    case State::kResting:
      return;
    case State::kAwaiting:
      if (answer_.state() == Answer::State::kPartial) {
        fail(Outcome::kShort, now);
      } else {
        fail(error == 0 ? Outcome::kClosed : Outcome::kReset, now);
      }
      return;
  }
}

void Client::on_time(Time now) {
  switch (state_) {
    case State::kIdle:
      return;
    case State::kConnecting:
      if (now >= connect_by_) fail(Outcome::kConnectTimeout, now);
      return;
    case State::kAwaiting:
      if (now >= begun_ + run_.options.timeout) fail(Outcome::kTimeout, now);
      return;
    case State::kFinishing:
      if (now < begun_ + kFinishWithin) return;
      fd_.reset();
      state_ = State::kIdle;
      return;
    case State::kHolding:
      if (now < run_.start + run_.options.hold) return;
      fd_.reset();
      state_ = State::kIdle;
      return;
    case State::kResting:
      if (now >= rest_until_) state_ = State::kIdle;
      return;
  }
}

void Client::fail(Outcome outcome, Time now) {
  run_.report.ended(outcome, begun_, now);
  fd_.reset();
  state_ = State::kResting;
  rest_until_ = now + kRest;
}

}  // namespace roundhouse::bench
