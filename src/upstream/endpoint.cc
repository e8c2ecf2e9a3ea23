#include "upstream/endpoint.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/signature.h"
#include "config/upstream_tls.h"

namespace roundhouse::upstream {
namespace {

constexpr Duration kReportEvery = std::chrono::seconds(1);
constexpr double kSlowestShare = 0.1;  // of the weight, at the start of a slow start

}  // namespace

Endpoint::Endpoint(Parts parts, EndpointId id, EndpointSpec spec, bool late)
    : parts_(parts),
      id_(id),
      spec_(std::move(spec)),
      token_(parts.config.sticky.cookie.empty()
                 ? ""
                 : signature_of(parts.config.sticky.key,
                                parts.config.name + " " + spec_.address.to_string())),
      tls_peer_{.name = config::tls_name_of(parts.config, spec_.name), .session = &tls_session_},
      outlier_(parts.config.eject),
      slow_since_(late ? parts.loop.now() : parts.loop.now() - parts.config.slow_start) {
  // The other gauges are not touched: one that had this row before may still have requests in
  // flight.
  traffic().ejected.store(0, std::memory_order_relaxed);
  if (parts_.shared != nullptr)
    http2_ = std::make_unique<Http2Pool>(Http2Pool::Parts{.loop = parts_.loop,
                                                          .deadlines = parts_.deadlines,
                                                          .shared = *parts_.shared,
                                                          .config = parts_.config});
}

Endpoint::~Endpoint() = default;

void Endpoint::update(const EndpointSpec& spec) {
  if ((spec.healthy && !spec_.healthy) || leaving_) slow_since_ = parts_.loop.now();
  if (leaving_ && outlier_.ejected(parts_.loop.now())) {  // who left and is back is another
    cancel();
    traffic().ejected.store(0, std::memory_order_relaxed);
  }
  if (leaving_) {
    outlier_.forget();
    rests_until_ = {};
  }
  spec_.healthy = spec.healthy;
  spec_.weight = spec.weight;
  leaving_ = false;
}

void Endpoint::leave() {
  leaving_ = true;
  cancel();  // nobody waits for the end of an ejection
  traffic().ejected.store(0, std::memory_order_relaxed);
  drop_idle();
  if (http2_ != nullptr) http2_->leave();
}

void Endpoint::eject() {
  const Time now = parts_.loop.now();
  outlier_.eject(now);
  parts_.deadlines.set(*this, outlier_.until());
  ipc::add(traffic().ejections_total);
  traffic().ejected.store(1, std::memory_order_relaxed);
  log::warn(
      "endpoint_ejected",
      "endpoint " + spec_.name + " of upstream " + parts_.config.name + " is left alone for " +
          std::to_string(
              std::chrono::duration_cast<std::chrono::seconds>(outlier_.until() - now).count()) +
          " s: it failed too often",
      {{"upstream", parts_.config.name}, {"endpoint", spec_.name}});
}

// The ejection is over.
void Endpoint::expired() {
  slow_since_ = parts_.loop.now();
  traffic().ejected.store(0, std::memory_order_relaxed);
  log::info("endpoint_returned",
            "endpoint " + spec_.name + " of upstream " + parts_.config.name + " is tried again",
            {{"upstream", parts_.config.name}, {"endpoint", spec_.name}});
}

double Endpoint::weight() const {
  const double whole = std::max(spec_.weight, 1U);
  const Duration length = parts_.config.slow_start;
  const Duration passed = parts_.loop.now() - slow_since_;
  if (passed >= length) return whole;
  return whole * std::max(kSlowestShare, seconds(passed) / seconds(length));
}

void Endpoint::begin_use() {
  ++in_flight_;
  ipc::increment(traffic().requests_in_flight);
  ipc::add(traffic().requests_total);
}

bool Endpoint::end_use(const Use& use) {
  --in_flight_;
  ipc::decrement(traffic().requests_in_flight);
  if (use.failed) ipc::add(traffic().failures_total);
  if (!use.counted) return false;
  if (use.took > Duration::zero()) traffic().durations.record(use.took.count());
  if (use.failed) return outlier_.failed(parts_.loop.now());
  outlier_.succeeded();
  return false;
}

void Endpoint::count_handshake(ipc::UpstreamTlsOutcome outcome) {
  ipc::add(traffic().tls_handshakes[static_cast<std::size_t>(outcome)]);
}

void Endpoint::report_tls(std::string_view reason) {
  const Time now = parts_.loop.now();
  if (tls_reported_ != Time{} && now - tls_reported_ < kReportEvery) return;
  tls_reported_ = now;
  log::warn("endpoint_tls_failed",
            "no TLS with endpoint " + spec_.name + " of upstream " + parts_.config.name + ": " +
                std::string(reason),
            {{"upstream", parts_.config.name}, {"endpoint", spec_.name}, {"why", reason}});
}

std::unique_ptr<Connection> Endpoint::take_idle() {
  if (idle_.empty()) return nullptr;
  std::unique_ptr<Connection> connection = std::move(idle_.back());
  idle_.pop_back();
  set_idle(*connection, false);
  connection->cancel();
  return connection;
}

void Endpoint::set_idle(Connection& connection, bool idle) {
  if (parts_.descriptors != nullptr && connection.idle_ != idle) {
    if (idle)
      parts_.descriptors->take(1);
    else
      parts_.descriptors->give_back(1);
  }
  connection.idle_ = idle;
}

void Endpoint::keep(std::unique_ptr<Connection> connection) {
  const bool wanted = parts_.descriptors == nullptr || parts_.descriptors->allows(1);
  if (leaving_ || idle_.size() >= parts_.config.idle_connections || !wanted ||
      !connection->may_rest()) {
    dispose(std::move(connection));
    return;
  }
  set_idle(*connection, true);
  parts_.deadlines.set(*connection, parts_.loop.now() + parts_.config.timeouts.keep_alive);
  idle_.push_back(std::move(connection));
}

void Endpoint::drop_idle(Connection& connection) {
  const auto found = std::ranges::find(idle_, &connection, &std::unique_ptr<Connection>::get);
  if (found == idle_.end()) return;
  std::unique_ptr<Connection> dropped = std::move(*found);
  idle_.erase(found);
  dispose(std::move(dropped));
}

void Endpoint::drop_oldest_idle() {
  if (!idle_.empty()) drop_idle(*idle_.front());
}

void Endpoint::drop_idle() {
  while (!idle_.empty()) drop_oldest_idle();
  if (http2_ != nullptr) http2_->drop_idle();
}

void Endpoint::dispose(std::unique_ptr<Connection> connection) {
  set_idle(*connection, false);
  connection->retire();
  parts_.loop.delete_later(std::move(connection));
}

void Endpoint::opened() {
  ++open_;
  ipc::increment(traffic().connections_active);
}

void Endpoint::closed() {
  --open_;
  ipc::decrement(traffic().connections_active);
}

}  // namespace roundhouse::upstream
