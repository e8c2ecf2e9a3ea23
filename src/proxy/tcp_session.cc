#include "proxy/tcp_session.h"

#include <algorithm>
#include <string>
#include <utility>

#include "proxy/handshake.h"
#include "proxy/proxy_header.h"
#include "proxy/tcp_server.h"

namespace roundhouse::proxy {
namespace {

// Most clients that end their side before they have a server have left; this is for one that has
// said all it wanted to say and waits for what comes back.
constexpr Duration kHalfCloseGrace = std::chrono::milliseconds(1500);

// Clients of a unix socket have no host: all of them go to the same endpoint.
std::uint64_t hash_of(const ipc::ConnectionInfo& info) {
  return std::hash<std::string>()(ipc::peer_of(info).host());
}

}  // namespace

TcpSession::TcpSession(TcpServer& server, Transport client, const ipc::ConnectionInfo& info,
                       upstream::Cluster& cluster)
    : server_(server),
      cluster_(cluster),
      client_(std::move(client)),
      up_(server.host_),
      down_(server.host_),
      info_(info),
      state_(client_.is_plain() ? State::kConnecting : State::kHandshake) {
  wish_.fresh = true;  // one that has served an HTTP request may not
  if (opens_with_header(cluster.config()))
    proxy_header_ = proxy_header_for(cluster.config(), info, client_.local_address());
  wish_.header = proxy_header_;
  if (cluster.config().balance == config::Balance::kHash) wish_.hash = hash_of(info);
  ipc::increment(server.parts_.slot.requests_in_flight);
  ipc::add(server.parts_.slot.requests_total);
}

TcpSession::~TcpSession() {
  if (state_ == State::kClosed) return;
  if (state_ == State::kConnecting) cluster_.cancel(*this);
  state_ = State::kClosed;
  watcher_.stop();
  client_.reset();
  if (endpoint_ == nullptr) return;
  endpoint_->set_user(nullptr);
  endpoint_->reset();
  cluster_.release(std::move(endpoint_), {.counted = false});
}

void TcpSession::start() {
  if (state_ == State::kHandshake) {
    server_.parts_.deadlines.set(
        *this,
        server_.parts_.loop.now() + server_.parts_.listeners[info_.listener].timeouts.handshake);
    shake_hands();
  } else {
    connect();
  }
  // Whoever has its endpoint at once may be over by now.
  if (state_ != State::kClosed && !watcher_.watching()) watch();
}

void TcpSession::shake_hands() {
  const Transport::Status status = client_.handshake();
  if (status == Transport::Status::kWouldBlock) return;
  count_handshake(server_.parts_.slot, info_.listener, outcome_of_handshake(client_));
  if (status != Transport::Status::kMoved) {
    end(End::kClose);
    return;
  }
  cancel();
  state_ = State::kConnecting;
  connect();
}

void TcpSession::connect() {
  starting_ = true;
  cluster_.request_begins();
  acquire();
  starting_ = false;
  if (state_ == State::kMoving) advance();
}

void TcpSession::watch() {
  watcher_.watch(server_.parts_.loop, client_.fd(), Interest::kReadWrite, Trigger::kEdge, *this);
}

Duration TcpSession::patience() const {
  return server_.parts_.listeners[info_.listener].timeouts.tunnel;
}

void TcpSession::acquire() {
  ++tries_;
  wish_.carries = upstream::Carries::kBytes;
  cluster_.acquire(*this, wish_);
}

void TcpSession::on_call(std::unique_ptr<upstream::Http2Call> /*call*/) { CHECK(false); }

void TcpSession::on_connection(std::unique_ptr<upstream::Connection> connection) {
  endpoint_ = std::move(connection);
  endpoint_->set_user(this);
  state_ = State::kMoving;
  in_flight_ = ipc::claim_in_flight(server_.parts_.slot,
                                    "tcp " + ipc::peer_of(info_).host() + " -> " +
                                        upstream::Cluster::name_of(endpoint_->endpoint()));
  server_.parts_.deadlines.set(*this, server_.parts_.loop.now() + patience());
  if (!starting_) advance();
}

void TcpSession::on_no_connection(http::Failure failure, upstream::EndpointId endpoint) {
  const bool unreached = upstream::is_unreached(failure);
  std::ranges::rotate(wish_.avoid, wish_.avoid.end() - 1);
  wish_.avoid.front() = endpoint;
  if (unreached && tries_ <= cluster_.config().retries.attempts && cluster_.take_retry(endpoint))
    acquire();
  else
    fail(failure);
}

void TcpSession::on_ready(Ready ready) {
  if (state_ == State::kClosed) return;
  ready = client_.meaning_of(ready);
  if (state_ == State::kHandshake) {
    shake_hands();
    return;
  }
  // A reset is readable and no end. Where nobody reads it must be asked for.
  const bool reads = state_ == State::kMoving && up_.reads();
  if (!reads && ready.readable && !ready.ending && client_.has_failed()) {
    if (state_ == State::kConnecting) {
      cluster_.cancel(*this);
      fail(http::Failure::kClientGone);
    } else {
      end(End::kReset);
    }
    return;
  }
  if (ready.readable) up_.source_is_ready(ready.ending);
  if (ready.writable) down_.sink_is_ready();
  if (state_ == State::kMoving) {
    advance();
  } else if (ready.ending && !pending()) {
    server_.parts_.deadlines.set(*this, server_.parts_.loop.now() + kHalfCloseGrace);
  }
}

void TcpSession::on_upstream_ready(Ready ready) {
  if (state_ != State::kMoving) return;
  if (!down_.reads() && ready.readable && !ready.ending && endpoint_->transport().has_failed()) {
    endpoint_broke_off();
    return;
  }
  if (ready.readable) down_.source_is_ready(ready.ending);
  if (ready.writable) up_.sink_is_ready();
  advance();
}

// First up, then down: of an endpoint that breaks off while it is sent something, the client gets
// what it said before.
void TcpSession::advance() {
  Transport& endpoint = endpoint_->transport();
  const Flow::Status up = up_.advance(client_, endpoint);
  const Flow::Status down = up == Flow::Status::kSourceFailed ? Flow::Status::kSinkFailed
                                                              : down_.advance(endpoint, client_);
  count_moved();
  if (down == Flow::Status::kSinkFailed) {
    end(End::kReset);
  } else if (up == Flow::Status::kSinkFailed || down == Flow::Status::kSourceFailed) {
    endpoint_broke_off();
  } else if (up == Flow::Status::kEnded && down == Flow::Status::kEnded) {
    end(End::kClose);
  } else if (up == Flow::Status::kYields || down == Flow::Status::kYields) {
    watch();  // anew: it reports what is ready now
  }
}

void TcpSession::count_moved() {
  const std::uint64_t sent = up_.take_moved();
  const std::uint64_t received = down_.take_moved();
  if (sent + received == 0) return;
  answered_ = answered_ || received > 0;
  endpoint_->count(sent, received);
  server_.parts_.deadlines.set(*this, server_.parts_.loop.now() + patience());
}

void TcpSession::expired() {
  if (state_ == State::kHandshake) {
    count_handshake(server_.parts_.slot, info_.listener, ipc::TlsOutcome::kTimeout);
    end(End::kClose);
    return;
  }
  if (state_ == State::kConnecting) {
    cluster_.cancel(*this);
    fail(http::Failure::kClientGone);
    return;
  }
  const bool holds = up_.holds_bytes() || down_.holds_bytes() || client_.holds_unsent() ||
                     (endpoint_ != nullptr && endpoint_->transport().holds_unsent());
  end(holds ? End::kReset : End::kClose);
}

void TcpSession::fail(http::Failure failure) {
  ipc::Slot& slot = server_.parts_.slot;
  ipc::add(slot.proxy_failures[static_cast<std::size_t>(failure)]);
  if (failure != http::Failure::kClientGone && info_.listener < ipc::kMaxListeners)
    ipc::add(slot.request_failures[info_.listener]);
  end(End::kReset);
}

void TcpSession::endpoint_broke_off() {
  endpoint_failed_ = !answered_;
  end(End::kReset);
}

// Only who has said something has shown that it works, and only who broke off before that has
// failed: one that is told much and says nothing may well do so.
upstream::Use TcpSession::use() const {
  return {.failed = endpoint_failed_, .counted = endpoint_failed_ || answered_};
}

void TcpSession::end(End end) {
  state_ = State::kClosed;
  ticket_.release();
  cancel();
  watcher_.stop();
  if (end == End::kReset)
    client_.reset();
  else
    client_.close();
  if (endpoint_ != nullptr) {
    endpoint_->set_user(nullptr);
    if (end == End::kReset) endpoint_->reset();
    cluster_.release(std::move(endpoint_), use());
  }
  ipc::release_in_flight(std::exchange(in_flight_, nullptr));
  ipc::decrement(server_.parts_.slot.requests_in_flight);
  server_.closed(*this);
}

}  // namespace roundhouse::proxy
