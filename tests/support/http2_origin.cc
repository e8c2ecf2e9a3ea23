#include "support/http2_origin.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <memory>

namespace roundhouse::test {
namespace {

void add(const http::FieldTable& fields, std::map<std::string, std::string>& to) {
  for (std::size_t i = 0; i < fields.size(); ++i)
    to[std::string(fields[i].name)] = std::string(fields[i].value);
}

std::vector<http::Field> views_of(const Http2Origin::Fields& fields) {
  std::vector<http::Field> views;
  for (const auto& [name, value] : fields) views.push_back({.name = name, .value = value});
  return views;
}

}  // namespace

struct Http2Origin::Stream final : http::Http2Stream::User {
  http::Http2Stream* http = nullptr;
  Seen seen;
  Reply reply;
  std::size_t sent = 0;  // of the body of the reply
  bool answering = false;
  bool over = false;
};

// One connection, served by one thread.
class Http2Origin::Connection {
 public:
  Connection(Http2Origin& origin, int fd, std::size_t number)
      : origin_(origin),
        fd_(fd),
        number_(number),
        codec_(http::Http2Codec::Role::kServer, origin.options_.limits, heads_) {
    ::fcntl(fd, F_SETFL, O_NONBLOCK);
  }

  void serve() {
    while (!over_) {
      write_bodies();
      send();
      if (over_ || (closing_ && out_.empty()) || (codec_.finished() && out_.empty())) return;
      pollfd polls[] = {{.fd = fd_.get(),
                         .events = static_cast<short>(out_.empty() ? POLLIN : POLLIN | POLLOUT),
                         .revents = 0},
                        {.fd = origin_.stop_.get(), .events = POLLIN, .revents = 0}};
      if (::poll(polls, 2, -1) < 0 || polls[1].revents != 0) return;
      receive();
    }
  }

 private:
  void receive() {
    std::array<char, 65536> bytes;
    const ssize_t size = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
    if (size == 0 || (size < 0 && errno != EAGAIN)) over_ = true;
    if (size <= 0) return;
    codec_.receive({bytes.data(), static_cast<std::size_t>(size)},
                   std::chrono::steady_clock::now());
    while (auto event = codec_.next_event()) take(*std::move(event));
  }

  void take(http::Http2Event event) {
    using Kind = http::Http2Event::Kind;
    if (event.stream == nullptr) return;
    if (event.kind == Kind::kHead) begin(event);
    auto* const stream = static_cast<Stream*>(event.stream->user());
    switch (event.kind) {
      case Kind::kTrailers:
        add(event.head->fields, stream->seen.trailers);
        break;
      case Kind::kData:
        stream->seen.body.append(event.data);
        if (stream->seen.body.size() <= origin_.options_.takes)
          codec_.consume(*event.stream, event.data.size());
        break;
      case Kind::kEnd:
        if (!stream->answering) answer(*stream);
        break;
      case Kind::kClosed:
        if (event.error == http::Http2Error::kCancel) ++origin_.resets_;
        std::erase_if(streams_, [&](const auto& one) { return one.get() == stream; });
        break;
      case Kind::kHead:
      case Kind::kGoAway:
        break;
    }
    if (event.head != nullptr) heads_.release(std::move(event.head));
  }

  void begin(http::Http2Event& event) {
    Stream& stream = *streams_.emplace_back(std::make_unique<Stream>());
    stream.http = event.stream;
    event.stream->set_user(&stream);
    stream.seen.method = event.head->method;
    stream.seen.path = event.head->path;
    stream.seen.scheme = event.head->scheme;
    stream.seen.authority = event.head->authority;
    stream.seen.connection = number_;
    stream.seen.number = ++requests_;
    add(event.head->fields, stream.seen.headers);
    std::size_t most = origin_.most_streams_;
    while (most < streams_.size() &&
           !origin_.most_streams_.compare_exchange_weak(most, streams_.size())) {
    }
    if (origin_.options_.at_head) answer(stream);
  }

  void answer(Stream& stream) {
    {
      const std::lock_guard lock(origin_.mutex_);
      origin_.seen_.push_back(stream.seen);
    }
    stream.reply = origin_.script_(stream.seen);
    stream.answering = true;
    const Reply& reply = stream.reply;
    if (!reply.raw.empty()) {
      produce();
      out_.append(reply.raw);
    }
    for (const int status : reply.interim) codec_.answer(*stream.http, status, {}, false);
    if (reply.status == 0) {
      finish(stream);
      return;
    }
    const bool whole =
        reply.body.empty() && reply.trailers.empty() && reply.reset == http::Http2Error::kNone;
    codec_.answer(*stream.http, reply.status, views_of(reply.headers), whole);
    if (whole) finish(stream);
  }

  // What windows and room allow of each.
  void write_bodies() {
    for (std::size_t i = 0; i < streams_.size(); ++i) {
      Stream& stream = *streams_[i];
      if (!stream.answering || stream.over || out_.size() > 1'000'000) continue;
      std::array<char, 65536> room;
      const auto written = codec_.write(
          *stream.http, std::string_view(stream.reply.body).substr(stream.sent), false, room);
      out_.append(room.data(), written.produced);
      stream.sent += written.taken;
      if (stream.sent < stream.reply.body.size()) continue;
      if (stream.reply.reset == http::Http2Error::kNone && stream.reply.status != 0)
        codec_.end(*stream.http, views_of(stream.reply.trailers));
      finish(stream);
    }
    while (auto event = codec_.next_event()) take(*std::move(event));
  }

  void finish(Stream& stream) {
    stream.over = true;
    const Reply& reply = stream.reply;
    if (reply.reset != http::Http2Error::kNone) codec_.reset(*stream.http, reply.reset);
    if (reply.then == Then::kGoAway) codec_.close(http::Http2Error::kNone);
    if (reply.then == Then::kClose) closing_ = true;
  }

  void produce() {
    std::array<char, 65536> room;
    while (const std::size_t size = codec_.produce(room)) out_.append(room.data(), size);
  }

  void send() {
    produce();
    while (!out_.empty()) {
      const ssize_t sent = ::send(fd_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) over_ = true;
      if (sent <= 0) return;
      out_.erase(0, static_cast<std::size_t>(sent));
    }
  }

  Http2Origin& origin_;
  UniqueFd fd_;
  const std::size_t number_;
  http::Http2HeadPool heads_{200};
  http::Http2Codec codec_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::string out_;
  std::size_t requests_ = 0;
  bool closing_ = false;
  bool over_ = false;
};

Http2Origin::Http2Origin(Script script, const Options& options)
    : script_(std::move(script)),
      options_(options),
      listening_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      stop_(::eventfd(0, EFD_CLOEXEC)) {
  const Address any = Address::loopback(0);
  sockaddr_in bound{};
  socklen_t size = sizeof bound;
  ::bind(listening_.get(), any.data(), any.size());
  ::listen(listening_.get(), 128);
  ::getsockname(listening_.get(), reinterpret_cast<sockaddr*>(&bound), &size);
  address_ = Address::loopback(ntohs(bound.sin_port));
  acceptor_ = std::thread([this] { accept_all(); });
}

Http2Origin::~Http2Origin() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(stop_.get(), &one, sizeof one);
  acceptor_.join();
  for (std::thread& thread : threads_) thread.join();
}

void Http2Origin::accept_all() {
  for (;;) {
    pollfd polls[] = {{.fd = listening_.get(), .events = POLLIN, .revents = 0},
                      {.fd = stop_.get(), .events = POLLIN, .revents = 0}};
    if (::poll(polls, 2, -1) < 0 || polls[1].revents != 0) return;
    const int fd = ::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    const std::size_t number = ++connections_;
    threads_.emplace_back([this, fd, number] { Connection(*this, fd, number).serve(); });
  }
}

std::vector<Http2Origin::Seen> Http2Origin::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

}  // namespace roundhouse::test
