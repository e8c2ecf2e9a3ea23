#include "monitor/probe.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/check.h"
#include "http/failure.h"
#include "http/http1_writer.h"

namespace roundhouse::monitor {
namespace {

constexpr http::HeadLimits kLimits;
constexpr std::uint32_t kMaxInterim = 16;

bool is_ours(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM ||
         error == EADDRNOTAVAIL;
}

using ipc::ProbeEnd;

Probe::Outcome failed(ProbeEnd end, std::uint32_t detail = 0) {
  const ipc::ProbeFinding finding{.end = end, .detail = detail};
  return {.why = describe(finding), .finding = finding};
}

Probe::Outcome failed_by(int error) {
  Probe::Outcome outcome = failed(ProbeEnd::kConnect, static_cast<std::uint32_t>(error));
  outcome.ours = is_ours(error);
  return outcome;
}

Probe::Outcome not_http(const std::string& why) {
  Probe::Outcome outcome = failed(ProbeEnd::kNotHttp);
  outcome.why = why;
  return outcome;
}

Probe::Outcome no_tls(std::string_view reason) {
  Probe::Outcome outcome = failed(ProbeEnd::kReset);
  outcome.why = "no TLS: " + std::string(reason);
  return outcome;
}

}  // namespace

std::string probe_request(const std::string& path, const std::string& host) {
  std::string buffer(path.size() + host.size() + 256, '\0');
  http::HeadWriter writer(buffer);
  writer.request_line("GET", path)
      .field("Host", host)
      .field("User-Agent", "roundhouse-health")
      .field("Accept", "*/*")
      .field("Connection", "close")
      .end();
  CHECK(writer.ok());
  buffer.resize(writer.size());
  return buffer;
}

Probe::Probe(EventLoop& loop, Question question, std::function<void(const Outcome&)> done)
    : loop_(loop),
      question_(std::move(question)),
      done_(std::move(done)),
      timer_(loop, [this] { end(refused_.value_or(failed(ProbeEnd::kSilence))); }),
      parser_(kLimits),
      response_(kLimits.fields) {
  parser_.start(http::Method::kGet);
  if (question_.http2 != nullptr) question_.request = question_.http2->text();
}

void Probe::start() {
  UniqueFd fd(::socket(question_.address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  int error = fd ? 0 : errno;
  if (fd && ::connect(fd.get(), question_.address.data(), question_.address.size()) != 0 &&
      errno != EINPROGRESS)
    error = errno;
  if (error != 0) {
    refused_ = failed_by(error);
    timer_.start_once(Duration::zero());
    return;
  }
  timer_.start_once(question_.timeout);
  transport_.emplace(std::move(fd));
  watch(Interest::kWrite);
}

void Probe::watch(Interest interest) {
  watcher_.watch(loop_, transport_->fd(), interest, Trigger::kLevel, *this);
}

// Each step either has an outcome, waits for what is watched, or goes on to the next.
void Probe::on_ready(Ready /*ready*/) {
  std::optional<Outcome> outcome;
  for (bool moves = true; moves && !outcome;) {
    const Step before = step_;
    switch (step_) {
      case Step::kConnect:
        outcome = connected();
        break;
      case Step::kHandshake:
        outcome = shake_hands();
        break;
      case Step::kWrite:
        outcome = write();
        break;
      case Step::kRead:
        outcome = read();
        break;
    }
    moves = step_ != before;
  }
  if (outcome) end(*outcome);
}

std::optional<Probe::Outcome> Probe::connected() {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(transport_->fd(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return failed_by(error);
  const std::string& opening = question_.opening;
  if (!opening.empty() && transport_->write(opening).bytes != opening.size())
    return failed(ProbeEnd::kReset);
  if (question_.tls != nullptr) {
    transport_->begin_tls(*question_.tls, question_.peer);
    step_ = Step::kHandshake;
    return std::nullopt;
  }
  if (question_.request.empty()) return Outcome{.well = true};
  step_ = Step::kWrite;
  return std::nullopt;
}

std::optional<Probe::Outcome> Probe::shake_hands() {
  switch (transport_->handshake()) {
    case Transport::Status::kWouldBlock:
      watch(transport_->wants_room() ? Interest::kWrite : Interest::kRead);
      return std::nullopt;
    case Transport::Status::kEnd:
    case Transport::Status::kFailed:
      return no_tls(transport_->tls_reason());
    case Transport::Status::kMoved:
      break;
  }
  if (question_.request.empty()) return Outcome{.well = true};
  step_ = Step::kWrite;
  watch(Interest::kWrite);
  return std::nullopt;
}

std::optional<Probe::Outcome> Probe::write() {
  const std::string_view rest = std::string_view(question_.request).substr(written_);
  const auto [status, bytes, dry] =
      rest.empty() ? Transport::Transfer{transport_->flush(), 0} : transport_->write(rest);
  if (status == Transport::Status::kWouldBlock) return std::nullopt;
  if (status != Transport::Status::kMoved) return failed(ProbeEnd::kReset);
  written_ += bytes;
  if (written_ < question_.request.size() || transport_->holds_unsent()) return std::nullopt;
  step_ = Step::kRead;
  watch(Interest::kRead);
  return std::nullopt;
}

// Until nothing is there: of what TLS has taken already the socket says nothing.
std::optional<Probe::Outcome> Probe::read() {
  std::array<char, 4096> piece;
  for (;;) {
    const auto [status, bytes, dry] = transport_->read(piece);
    switch (status) {
      case Transport::Status::kWouldBlock:
        return std::nullopt;
      case Transport::Status::kEnd:
        return failed(ProbeEnd::kClosed);
      case Transport::Status::kFailed:
        return failed(ProbeEnd::kReset);
      case Transport::Status::kMoved:
        break;
    }
    received_.append(piece.data(), bytes);
    if (auto outcome = judge()) return outcome;
  }
}

std::optional<Probe::Outcome> Probe::judge_http2() {
  const std::optional<int> status = question_.http2->read(std::exchange(received_, {}));
  if (!status) return std::nullopt;
  if (*status == 0) return not_http("an answer that is not HTTP/2");
  if (*status < 400) return Outcome{.well = true};
  return failed(ProbeEnd::kStatus, static_cast<std::uint32_t>(*status));
}

std::optional<Probe::Outcome> Probe::judge() {
  if (question_.http2 != nullptr) return judge_http2();
  for (;;) {
    const http::Parse parse = parser_.parse(received_, response_);
    if (parse == http::Parse::kMore) return std::nullopt;
    if (parse == http::Parse::kFailed)
      return not_http("an answer that is not HTTP: " +
                      std::string(http::row_of(parser_.failure()).name));
    if (response_.status >= 200 || response_.status == 101) break;
    if (++interim_ > kMaxInterim) return not_http("too many interim answers");
    received_.erase(0, response_.head_size);
    parser_.start(http::Method::kGet);
  }
  if (response_.status >= 200 && response_.status < 400) return Outcome{.well = true};
  return failed(ProbeEnd::kStatus, static_cast<std::uint32_t>(response_.status));
}

void Probe::end(const Outcome& outcome) {
  timer_.stop();
  watcher_.stop();
  if (transport_) transport_->close();
  done_(outcome);
}

}  // namespace roundhouse::monitor
