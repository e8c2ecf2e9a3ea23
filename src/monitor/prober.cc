#include "monitor/prober.h"

#include <sys/resource.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "config/upstream_tls.h"
#include "net/proxy_header.h"

namespace roundhouse::monitor {
namespace {

std::string name_of(const ipc::EndpointRow& row, const config::Upstream& upstream) {
  return "endpoint " + std::string(row.name()) + " of upstream " + upstream.name;
}

// Of a connection that is for no client.
std::string opening_of(config::ProxyHeader header) {
  switch (header) {
    case config::ProxyHeader::kOff:
      return "";
    case config::ProxyHeader::kV1:
      return proxy_header_v1({}, {});
    case config::ProxyHeader::kV2:
      return proxy_header_v2_local();
  }
  CHECK(false);
}

}  // namespace

std::size_t probes_that_fit() {
  constexpr rlim_t kOthers = 48;  // scrapers, operators, name servers, our own
  constexpr rlim_t kLeast = 4;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur <= kOthers) return kLeast;
  return static_cast<std::size_t>(
      std::clamp<rlim_t>(limit.rlim_cur - kOthers, kLeast, ipc::kMaxEndpoints));
}

Prober::Prober(Parts parts)
    : parts_(std::move(parts)),
      targets_(ipc::kMaxEndpoints),
      timer_(parts_.loop, [this] { begin_due(); }) {}

Prober::~Prober() = default;

void Prober::follow() {
  const ipc::EndpointTable& table = parts_.keeper.table();
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    const ipc::EndpointRow& row = table.rows[i];
    std::unique_ptr<Target>& target = targets_[i];
    const auto address =
        row.in_use != 0 && row.upstream < parts_.upstreams.size() ? row.address() : std::nullopt;
    if (target != nullptr && address == target->address) continue;
    if (target != nullptr && target->probe != nullptr) --probing_;
    target.reset();
    if (!address || parts_.upstreams[row.upstream].health.probe == config::Probe::kOff) continue;
    target = std::make_unique<Target>(parts_.upstreams[row.upstream], *address, row.healthy != 0,
                                      parts_.loop.now());
  }
  begin_due();
}

// Those that have waited longest first, as far as they may.
void Prober::begin_due() {
  const Time now = parts_.loop.now();
  std::vector<std::size_t> waiting;
  for (std::size_t i = 0; i < targets_.size(); ++i)
    if (targets_[i] != nullptr && targets_[i]->probe == nullptr) waiting.push_back(i);
  std::ranges::sort(waiting, {}, [this](std::size_t i) { return targets_[i]->state.due(); });
  for (const std::size_t row : waiting) {
    const Time due = targets_[row]->state.due();
    if (due > now) {
      timer_.start_once(due - now);
      return;
    }
    if (probing_ >= parts_.probes_max) return;  // the end of one of them comes back here
    begin(row);
  }
}

// Who must show a certificate there has its key, and that is not here: such endpoints are asked for
// a connection alone.
const TlsClientContext* Prober::tls_to(std::size_t upstream) const {
  if (upstream >= parts_.tls.size() || !parts_.upstreams[upstream].tls.cert.empty()) return nullptr;
  return parts_.tls[upstream].get();
}

void Prober::begin(std::size_t row) {
  Target& target = *targets_[row];
  const config::Upstream::Health& health = target.upstream.health;
  const Time now = parts_.loop.now();
  const ipc::EndpointRow& on_board = parts_.keeper.table().rows[row];
  const bool asks = health.probe == config::Probe::kHttp;
  const bool http2 = target.upstream.protocol == config::UpstreamProtocol::kHttp2;
  const TlsClientContext* const tls = tls_to(on_board.upstream);
  Probe::Question question{.address = target.address,
                           .opening = opening_of(target.upstream.proxy_protocol),
                           .request = asks ? probe_request(health.path, target.upstream.name) : "",
                           .timeout = health.timeout,
                           .tls = tls,
                           .peer = {.name = config::tls_name_of(target.upstream, on_board.name())}};
  if (asks) question.peer.protocol = http2 ? "h2" : "http/1.1";
  if (asks && http2)
    question.http2 = std::make_unique<Http2Question>(
        Http2Question::Parts{.scheme = tls == nullptr ? "http" : "https",
                             .host = target.upstream.name,
                             .path = health.path});
  target.probe = std::make_unique<Probe>(
      parts_.loop, std::move(question),
      [this, row, now](const Probe::Outcome& outcome) { ended(row, now, outcome); });
  ++probing_;
  target.probe->start();
}

void Prober::ended(std::size_t row, Time began, const Probe::Outcome& outcome) {
  Target& target = *targets_[row];
  parts_.loop.delete_later(std::move(target.probe));
  --probing_;
  if (outcome.ours) {
    target.state.postpone(parts_.loop.now());
  } else {
    parts_.keeper.count_probe(row, outcome.well);
    const double dice = std::uniform_real_distribution<>(0, 1)(random_);
    changed(row, target.state.ended(outcome.well, began, dice), outcome.why);
  }
  begin_due();
}

void Prober::changed(std::size_t row, ProbeState::Change change, const std::string& why) {
  if (change == ProbeState::Change::kNone) return;
  const config::Upstream& upstream = targets_[row]->upstream;
  const ipc::EndpointRow& on_board = parts_.keeper.table().rows[row];
  const std::string name = name_of(on_board, upstream);
  const bool well = change == ProbeState::Change::kRose;
  parts_.keeper.set_healthy(row, well);
  if (well) {
    log::info("endpoint_healthy", name + " is well again",
              {{"upstream", upstream.name}, {"endpoint", on_board.name()}});
    return;
  }
  log::warn("endpoint_unhealthy",
            name + " is not well and gets no requests: " + why + ", " +
                std::to_string(upstream.health.fall) + " times in a row",
            {{"upstream", upstream.name}, {"endpoint", on_board.name()}, {"why", why}});
  if (parts_.keeper.table().serves(on_board.upstream)) return;
  log::error("upstream_unhealthy",
             "no endpoint of upstream " + upstream.name + " is well: its requests get 503",
             {{"upstream", upstream.name}});
}

}  // namespace roundhouse::monitor
