#include "proxy/server.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <optional>
#include <utility>

#include "base/check.h"

namespace roundhouse::proxy {
namespace {

constexpr std::size_t kFreeWorkspacesMax = 64;  // 2 MiB with the default limits
constexpr std::size_t kScratch = 64 * std::size_t{1024};
// When the channel to those who want idle connections back was full: they read it meanwhile.
constexpr Duration kGiveBackAgain = std::chrono::milliseconds(2);

http::HeadLimits largest(const std::vector<config::Listener>& listeners) {
  http::HeadLimits limits{
      .line_bytes = http::RequestParser::kLineBytesMin, .head_bytes = 0, .fields = 0};
  for (const config::Listener& listener : listeners) {
    limits.head_bytes = std::max<std::size_t>(limits.head_bytes, listener.limits.headers);
    limits.fields = std::max<std::size_t>(limits.fields, listener.limits.header_count);
  }
  return limits;
}

}  // namespace

Workspace::Workspace(const http::HeadLimits& limits)
    : parser(limits),
      request(limits.fields),
      body(limits.fields),
      input(limits.head_bytes + kBodyRoom),
      output(kOutput) {}

void Workspace::start(const http::HeadLimits& limits) {
  parser = http::RequestParser(limits);
  request.fields.limit(limits.fields);
  input.clear();
  output.clear();
  answer_pace.start(0, {});  // until there is a request
}

Server::Server(Parts parts)
    : parts_(std::move(parts)),
      largest_limits_(largest(parts_.listeners)),
      tcp_({.loop = parts_.loop,
            .deadlines = parts_.deadlines,
            .slot = parts_.slot,
            .listeners = parts_.listeners,
            .on_closed = parts_.on_closed,
            .descriptors = parts_.descriptors}),
      http2_({.loop = parts_.loop,
              .deadlines = parts_.deadlines,
              .slot = parts_.slot,
              .handler = parts_.handler,
              .listeners = parts_.listeners,
              .access_log = parts_.access_log,
              .on_closed = parts_.on_closed,
              .date_line = date_line_}),
      gate_({.loop = parts_.loop,
             .deadlines = parts_.deadlines,
             .slot = parts_.slot,
             .listeners = parts_.listeners,
             .on_passed = [this](UniqueFd fd,
                                 const ipc::ConnectionInfo& info) { admit(std::move(fd), info); },
             .on_closed = parts_.on_closed}),
      scratch_(kScratch),
      give_back_again_(parts_.loop, [this] { give_back_idle(); }) {}

Server::~Server() = default;

void Server::take(UniqueFd fd, const ipc::ConnectionInfo& info) {
  CHECK(info.listener < parts_.listeners.size());
  const bool begun =
      parts_.listeners[info.listener].proxy_protocol == config::ProxyProtocol::kOff ||
      info.begun != 0;
  if (begun)
    admit(std::move(fd), info);
  else
    gate_.take(std::move(fd), info);
}

void Server::admit(UniqueFd fd, const ipc::ConnectionInfo& info) {
  std::optional<ConnectionLimiter::Ticket> ticket = ConnectionLimiter::Ticket();
  if (parts_.limiter != nullptr) ticket = parts_.limiter->admit(info);
  const config::Listener& listener = parts_.listeners[info.listener];
  if (listener.protocol == config::Protocol::kTcp) {
    upstream::Cluster* const cluster = parts_.find_cluster(listener.upstream);
    CHECK(cluster != nullptr);
    tcp_.take(transport_for(std::move(fd), info.listener), info, *cluster, std::move(ticket));
    return;
  }
  open_.emplace_back(*this, transport_for(std::move(fd), info.listener), info);
  const auto session = std::prev(open_.end());
  session->self_ = session;
  if (ticket)
    session->start(*std::move(ticket));
  else
    session->turn_away(http::Failure::kTooManyConnections);
}

Transport Server::transport_for(UniqueFd fd, std::uint32_t listener) const {
  if (!parts_.listeners[listener].tls.on()) return Transport(std::move(fd));
  const TlsContext* const context = parts_.find_tls(listener);
  CHECK(context != nullptr);
  return Transport(std::move(fd), *context);
}

void Server::drain(const ipc::DrainTerms& terms) {
  terms_ = terms;
  if (!draining_) drain_began_ = parts_.loop.now();
  draining_ = true;
  http2_.drain();
  for (auto session = open_.begin(); session != open_.end();) (session++)->drain();
  give_back_later();
}

void Server::cut_requests() {
  gate_.cut();
  http2_.cut();
  for (auto session = open_.begin(); session != open_.end();) (session++)->cut();
}

bool Server::gives_back(std::uint32_t listener) const {
  return draining_ && parts_.give_back && terms_.wants_back(listener);
}

void Server::give_back_later() {
  if (giving_back_) return;
  giving_back_ = true;
  parts_.loop.defer([this] {
    giving_back_ = false;
    give_back_idle();
  });
}

void Server::give_back_idle() {
  std::vector<Session*> idle;
  for (auto session = open_.begin(); session != open_.end();) {
    Session& next = *session++;
    if (next.may_be_given_back()) idle.push_back(&next);
    if (idle.size() < ipc::kMaxDescriptors && session != open_.end()) continue;
    if (!idle.empty() && !give_back(idle)) return give_back_again_.start_once(kGiveBackAgain);
    idle.clear();
  }
}

bool Server::give_back(std::span<Session* const> sessions) {
  std::vector<ipc::ConnectionInfo> connections;
  std::vector<int> descriptors;
  for (const Session* session : sessions) {
    connections.push_back(session->info_);
    connections.back().requests_served = session->requests_;
    descriptors.push_back(session->transport_.fd());
  }
  if (!parts_.give_back(connections, descriptors)) return false;
  for (Session* session : sessions) session->close();
  return true;
}

std::unique_ptr<Workspace> Server::acquire() {
  if (free_.empty()) return std::make_unique<Workspace>(largest_limits_);
  std::unique_ptr<Workspace> workspace = std::move(free_.back());
  free_.pop_back();
  return workspace;
}

void Server::release(std::unique_ptr<Workspace> workspace) {
  if (free_.size() < kFreeWorkspacesMax) free_.push_back(std::move(workspace));
}

// The session may be inside its own functions: it is destroyed at the end of the turn.
void Server::let_go(Session& session) {
  if (closed_.empty()) parts_.loop.defer([this] { closed_.clear(); });
  closed_.splice(closed_.end(), open_, session.self_);
}

void Server::closed(Session& session) {
  let_go(session);
  if (parts_.on_closed) parts_.on_closed(session.info_.listener);
}

}  // namespace roundhouse::proxy
