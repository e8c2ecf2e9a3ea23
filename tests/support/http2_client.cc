#include "support/http2_client.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cstdlib>

namespace roundhouse::test {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience(30);

UniqueFd connect_to(const Address& server) {
  UniqueFd fd(::socket(server.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), server.data(), server.size()) != 0) return {};
  ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
  return fd;
}

std::vector<http::Field> views_of(const Http2Client::Fields& fields) {
  std::vector<http::Field> views;
  for (const auto& [name, value] : fields) views.push_back({.name = name, .value = value});
  return views;
}

void add(const http::FieldTable& fields, std::map<std::string, std::string>& to) {
  for (std::size_t i = 0; i < fields.size(); ++i)
    to[std::string(fields[i].name)] = std::string(fields[i].value);
}

}  // namespace

Http2Client::Http2Client(const Address& server, const http::Http2Limits& limits)
    : fd_(connect_to(server)),
      codec_(http::Http2Codec::Role::kClient, limits, heads_),
      connected_(static_cast<bool>(fd_)) {}

Http2Client::Http2Client(const Address& server, TlsClient::Options options)
    : codec_(http::Http2Codec::Role::kClient, {}, heads_) {
  if (options.alpn.empty()) options.alpn = "\x02h2";
  tls_ = std::make_unique<TlsClient>(server, options);
  connected_ = tls_->shake_hands() && tls_->protocol() == "h2";
}

Http2Client::Id Http2Client::request(const std::string& method, const std::string& path,
                                     const Fields& fields, bool ended,
                                     const std::string& authority) {
  const std::vector<http::Field> views = views_of(fields);
  http::Http2Stream* const stream = codec_.request({.method = method,
                                                    .scheme = tls_ ? "https" : "http",
                                                    .authority = authority,
                                                    .path = path,
                                                    .fields = views,
                                                    .ended = ended});
  if (stream == nullptr) return 0;
  streams_[stream->id()] = stream;
  answers_[stream->id()];
  move_out();
  return stream->id();
}

std::size_t Http2Client::offer(Id id, std::string_view data, bool ends) {
  std::array<char, 65536> room;
  const auto stream = streams_.find(id);
  if (stream == streams_.end()) return 0;
  const auto written = codec_.write(*stream->second, data, ends, room);
  out_.append(room.data(), written.produced);
  return written.taken;
}

bool Http2Client::write(Id id, std::string_view data, bool ends) {
  return until([&] {
    data.remove_prefix(offer(id, data, ends));
    return data.empty();
  });
}

void Http2Client::end(Id id, const Fields& trailers) {
  const std::vector<http::Field> views = views_of(trailers);
  codec_.end(*streams_.at(id), views);
  move_out();
}

void Http2Client::reset(Id id, http::Http2Error error) {
  codec_.reset(*streams_.at(id), error);
  move_out();
}

void Http2Client::release(Id id) {
  const auto held = held_.extract(id);
  const auto stream = streams_.find(id);
  if (!held.empty() && stream != streams_.end()) codec_.consume(*stream->second, held.mapped());
}

void Http2Client::send_raw(std::string_view bytes) {
  std::array<char, 65536> room;
  while (const std::size_t size = codec_.produce(room)) out_.append(room.data(), size);
  out_.append(bytes);
}

void Http2Client::take(http::Http2Event event) {
  using Kind = http::Http2Event::Kind;
  if (event.kind == Kind::kGoAway) {
    goaway_ = event.error;
    return;
  }
  const Id id = event.stream->id();
  Answer& answer = answers_[id];
  switch (event.kind) {
    case Kind::kHead: {
      const int status = std::atoi(std::string(event.head->status).c_str());
      if (status < 200) {
        answer.interim.push_back(status);
      } else {
        answer.status = status;
        add(event.head->fields, answer.headers);
      }
      break;
    }
    case Kind::kTrailers:
      add(event.head->fields, answer.trailers);
      break;
    case Kind::kData:
      answer.body.append(event.data);
      if (const auto held = held_.find(id); held != held_.end())
        held->second += event.data.size();
      else
        codec_.consume(*event.stream, event.data.size());
      break;
    case Kind::kEnd:
      answer.ended = true;
      break;
    case Kind::kClosed:
      answer.closed = true;
      answer.error = event.error;
      streams_.erase(id);
      break;
    case Kind::kGoAway:
      break;
  }
  if (event.head != nullptr) heads_.release(std::move(event.head));
}

bool Http2Client::move_out() {
  std::array<char, 65536> room;
  if (out_.empty()) out_.assign(room.data(), codec_.produce(room));
  if (out_.empty()) return false;
  if (tls_ != nullptr) {
    std::string_view rest = out_;
    if (tls_->step_write(rest) != TlsClient::Step::kDone) return false;
    out_.erase(0, out_.size() - rest.size());
    return true;
  }
  const ssize_t sent = ::send(fd_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
  if (sent > 0) out_.erase(0, static_cast<std::size_t>(sent));
  return sent > 0;
}

bool Http2Client::move_in() {
  std::string in;
  if (tls_ != nullptr) {
    const TlsClient::Step step = tls_->step_read(in);
    if (step == TlsClient::Step::kEnd || step == TlsClient::Step::kFailed) at_end_ = true;
  } else {
    in.resize(65536);
    const ssize_t size = ::recv(fd_.get(), in.data(), in.size(), 0);
    if (size == 0 || (size < 0 && errno != EAGAIN)) at_end_ = true;
    in.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  }
  const bool moved = !in.empty();
  codec_.receive(in, Clock::now());
  while (auto event = codec_.next_event()) take(*std::move(event));
  return moved;
}

bool Http2Client::step(std::chrono::milliseconds patience) {
  const bool sent = move_out();
  if (move_in() || sent || at_end_) return true;
  pollfd poll{.fd = tls_ != nullptr ? tls_->fd() : fd_.get(),
              .events = static_cast<short>(out_.empty() ? POLLIN : POLLIN | POLLOUT),
              .revents = 0};
  return ::poll(&poll, 1, static_cast<int>(patience.count())) > 0;
}

bool Http2Client::until(const std::function<bool()>& condition) {
  const auto deadline = Clock::now() + kPatience;
  while (!condition()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (at_end_ || left.count() <= 0) return false;
    step(left);
  }
  return true;
}

bool Http2Client::until_end() {
  return until([this] { return at_end_; });
}

const Http2Client::Answer& Http2Client::wait(Id id) {
  until([&] { return answers_[id].closed; });
  return answers_[id];
}

}  // namespace roundhouse::test
