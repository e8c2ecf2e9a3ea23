// One endpoint as a worker sees it: its health, its share of the requests, its idle connections.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "config/proxy_options.h"
#include "ipc/traffic.h"
#include "net/deadline_queue.h"
#include "net/descriptor_allowance.h"
#include "net/event_loop.h"
#include "net/tls_client_context.h"
#include "upstream/cluster.h"
#include "upstream/connection.h"
#include "upstream/http2_pool.h"
#include "upstream/outlier.h"

namespace roundhouse::upstream {

// Outlives its connections.
class Endpoint final : private Deadline {
 public:
  struct Parts {
    EventLoop& loop;
    DeadlineQueue& deadlines;
    ipc::EndpointTraffic& traffic;
    const config::Upstream& config;
    DescriptorAllowance* descriptors = nullptr;              // of idle connections
    std::function<const TlsClientContext*()> find_tls = {};  // as of the cluster
    Http2Shared* shared = nullptr;                           // nullptr: HTTP/1.1 alone
  };

  // `late`: others were there before it, so it starts slowly.
  Endpoint(Parts parts, EndpointId id, EndpointSpec spec, bool late);
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;
  ~Endpoint();

  EndpointId id() const { return id_; }
  const EndpointSpec& spec() const { return spec_; }
  ipc::EndpointTraffic& traffic() { return parts_.traffic; }

  // Weight and health are taken over; one that was leaving stays.
  void update(const EndpointSpec& spec);
  // Gets no more requests; those in flight finish.
  void leave();
  bool leaving() const { return leaving_; }
  bool gone() const { return leaving_ && open_ == 0 && in_flight_ == 0; }

  bool healthy() const { return spec_.healthy && !leaving_; }
  // A worker of a pool that does not take connections has died, and the edge will say so: until
  // then nobody is sent there.
  void rest(Time until) { rests_until_ = until; }
  bool rests() const { return parts_.loop.now() < rests_until_; }
  bool ejected() const { return outlier_.ejected(parts_.loop.now()); }
  void eject();
  bool has_room() const {
    return !idle_.empty() || open_ < parts_.config.max_connections ||
           (http2_ != nullptr && http2_->find_room() != nullptr);
  }
  double weight() const;  // less than configured while it starts slowly
  std::uint32_t in_flight() const { return in_flight_; }
  const std::string& token() const { return token_; }  // empty where nobody is kept by a cookie

  // A request, or a try of it, is given to it; and how that went. True: it is to be ejected.
  void begin_use();
  bool end_use(const Use& use);

  // With what a connection that begins now is encrypted; nullptr: it is plain.
  const TlsClientContext* tls() const { return parts_.find_tls ? parts_.find_tls() : nullptr; }
  const TlsPeer& tls_peer() const { return tls_peer_; }
  // What became of a handshake; and why there is no TLS, for the log: once a second.
  void count_handshake(ipc::UpstreamTlsOutcome outcome);
  void report_tls(std::string_view reason);

  // The one that was used last, or nullptr.
  std::unique_ptr<Connection> take_idle();
  // Closes it instead if there are enough, or descriptors are few.
  void keep(std::unique_ptr<Connection> connection);
  void drop_idle(Connection& connection);
  void drop_oldest_idle();
  void drop_idle();  // all

  // Its connections of HTTP/2; nullptr where it is never spoken.
  Http2Pool* http2() { return http2_.get(); }
  bool speaks_only_http2() const {
    return parts_.config.protocol == config::UpstreamProtocol::kHttp2;
  }
  // Whether a connection carries many requests. What is not known yet is known when the one that is
  // being made is there.
  bool may_speak_http2() const { return http2_ != nullptr && speaks_http2_.value_or(true); }
  void set_speaks_http2(bool speaks) { speaks_http2_ = speaks; }

  // By its connections.
  void opened();
  void closed();

 private:
  void expired() override;
  void dispose(std::unique_ptr<Connection> connection);
  void set_idle(Connection& connection, bool idle);

  Parts parts_;
  EndpointId id_;
  EndpointSpec spec_;
  std::string token_;
  TlsSession tls_session_;
  TlsPeer tls_peer_;
  Time tls_reported_{};
  Outlier outlier_;
  std::vector<std::unique_ptr<Connection>> idle_;  // the one used last is the last
  Time slow_since_;
  Time rests_until_{};
  std::unique_ptr<Http2Pool> http2_;
  std::optional<bool> speaks_http2_;
  std::uint32_t open_ = 0;  // connections, idle ones and those being made included
  std::uint32_t in_flight_ = 0;
  bool leaving_ = false;
};

}  // namespace roundhouse::upstream
