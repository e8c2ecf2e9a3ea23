#include "proxy/header_gate.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <string>
#include <utility>

#include "base/log.h"
#include "net/proxy_header.h"

namespace roundhouse::proxy {
namespace {

using Outcome = ipc::ProxyHeaderOutcome;

// Anybody can bring about what is told.
constexpr Duration kQuiet = std::chrono::seconds(10);

ssize_t receive(int fd, std::span<char> into, int flags) {
  ssize_t count = -1;
  do {
    count = ::recv(fd, into.data(), into.size(), flags | MSG_DONTWAIT);
  } while (count < 0 && errno == EINTR);
  return count;
}

}  // namespace

bool HeaderGate::is_trusted(const ipc::ConnectionInfo& info) const {
  const Address peer = ipc::peer_of(info);
  return std::ranges::any_of(parts_.listeners[info.listener].proxy_protocol_from,
                             [&](const Network& network) { return network.contains(peer); });
}

void HeaderGate::take(UniqueFd fd, const ipc::ConnectionInfo& info) {
  ipc::ConnectionInfo client = info;
  Outcome outcome = Outcome::kUntrusted;
  const Step step = is_trusted(info) ? read(fd.get(), client, outcome) : Step::kClosed;
  if (step == Step::kWaits) {
    const auto arrival = waiting_.emplace(waiting_.end(), *this, std::move(fd), info);
    arrival->self = arrival;
    parts_.deadlines.set(*arrival,
                         parts_.loop.now() + parts_.listeners[info.listener].timeouts.handshake);
    arrival->watcher.watch(parts_.loop, arrival->fd.get(), Interest::kRead, Trigger::kEdge,
                           *arrival);
    return;
  }
  count(info, outcome);
  if (step == Step::kPassed) {
    parts_.on_passed(std::move(fd), client);
    return;
  }
  fd.reset();
  if (parts_.on_closed) parts_.on_closed(info.listener);
}

HeaderGate::Step HeaderGate::read(int fd, ipc::ConnectionInfo& info, Outcome& outcome) {
  std::array<char, kProxyHeaderMax> bytes;
  const ssize_t count = receive(fd, bytes, MSG_PEEK);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Step::kWaits;
  outcome = Outcome::kGone;
  if (count <= 0) return Step::kClosed;
  const ProxyHeader header = read_proxy_header({bytes.data(), static_cast<std::size_t>(count)});
  switch (header.status) {
    case ProxyHeader::Status::kMore:
      return Step::kWaits;
    case ProxyHeader::Status::kMalformed:
      outcome = Outcome::kMalformed;
      return Step::kClosed;
    case ProxyHeader::Status::kDone:
      break;
  }
  const auto taken = receive(fd, std::span(bytes).first(header.size), 0);
  if (taken != static_cast<ssize_t>(header.size)) return Step::kClosed;
  if (header.source) ipc::set_peer(info, *header.source);
  info.begun = 1;
  outcome = header.source ? Outcome::kAccepted : Outcome::kLocal;
  return Step::kPassed;
}

void HeaderGate::advance(Arrival& arrival, bool ending) {
  Outcome outcome{};
  const ipc::ConnectionInfo peer = arrival.info;
  switch (read(arrival.fd.get(), arrival.info, outcome)) {
    case Step::kWaits:
      if (ending) finish(arrival, Outcome::kGone);
      return;
    case Step::kClosed:
      finish(arrival, outcome);
      return;
    case Step::kPassed:
      count(peer, outcome);
      retire(arrival);
      parts_.on_passed(std::move(arrival.fd), arrival.info);
      return;
  }
}

void HeaderGate::finish(Arrival& arrival, Outcome outcome) {
  count(arrival.info, outcome);
  retire(arrival);
  arrival.fd.reset();
  if (parts_.on_closed) parts_.on_closed(arrival.info.listener);
}

void HeaderGate::cut() {
  while (!waiting_.empty()) finish(waiting_.front(), Outcome::kGone);
}

// It may be inside its own functions: it is destroyed at the end of the turn.
void HeaderGate::retire(Arrival& arrival) {
  arrival.watcher.stop();
  arrival.cancel();
  if (retired_.empty()) parts_.loop.defer([this] { retired_.clear(); });
  retired_.splice(retired_.end(), waiting_, arrival.self);
}

void HeaderGate::count(const ipc::ConnectionInfo& info, Outcome outcome) {
  if (info.listener < ipc::kMaxListeners)
    ipc::add(parts_.slot.proxy_headers[info.listener][static_cast<std::size_t>(outcome)]);
  if (outcome == Outcome::kUntrusted) tell(info, "is not in proxy_protocol_from");
  if (outcome == Outcome::kMalformed) tell(info, "sent no header of the PROXY protocol");
}

void HeaderGate::tell(const ipc::ConnectionInfo& info, std::string_view why) {
  const Time now = parts_.loop.now();
  if (now < quiet_until_) return;
  quiet_until_ = now + kQuiet;
  const std::string peer = ipc::peer_of(info).host();
  const std::string& listener = parts_.listeners[info.listener].name;
  log::warn("proxy_header_refused",
            "a connection to listener " + listener + " was closed: " + peer + " " +
                std::string(why) + "; others like it are only counted for a while",
            {{"listener", listener}, {"peer", peer}});
}

}  // namespace roundhouse::proxy
