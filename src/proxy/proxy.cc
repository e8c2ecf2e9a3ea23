#include "proxy/proxy.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/address.h"
#include "http/forwarding.h"
#include "http/path.h"
#include "proxy/failure_answer.h"
#include "proxy/fixed_answer.h"
#include "proxy/proxy_header.h"

namespace roundhouse::proxy {
namespace {

// For those who wait, and for idle connections: each request looks for itself.
constexpr Duration kRefreshEvery = std::chrono::milliseconds(20);

}  // namespace

Proxy::Proxy(Parts parts)
    : parts_(std::move(parts)),
      router_(parts_.configuration),
      rate_limiter_(parts_.limits),
      endpoints_({.loop = parts_.loop,
                  .deadlines = parts_.deadlines,
                  .board = parts_.endpoints,
                  .upstreams = parts_.configuration.upstreams.size()},
                 [this](std::size_t upstream, std::span<const upstream::EndpointSpec> specs) {
                   if (parts_.configuration.upstreams[upstream].pool.empty())
                     clusters_[upstream]->set_endpoints(specs);
                 }),
      host_{.loop = parts_.loop, .deadlines = parts_.deadlines, .descriptors = parts_.descriptors},
      pools_(parts_.configuration, std::move(parts_.pools)),
      refresher_(parts_.loop, [this] { refresh_pools(); }) {
  for (const config::Upstream& upstream : parts_.configuration.upstreams) {
    upstream::Cluster::Parts parts{.loop = parts_.loop,
                                   .deadlines = parts_.deadlines,
                                   .slot = parts_.slot,
                                   .config = upstream,
                                   .descriptors = parts_.descriptors};
    if (upstream.tls.enabled && parts_.find_tls)
      parts.find_tls = [this, index = clusters_.size()] { return parts_.find_tls(index); };
    clusters_.push_back(std::make_unique<upstream::Cluster>(std::move(parts)));
  }
  endpoints_.start();
  if (!pools_.upstreams().empty()) refresher_.start_periodic(kRefreshEvery);
}

void Proxy::refresh_pools() {
  if (!pools_.changed()) return;
  for (const config::PoolUpstream& upstream : pools_.upstreams())
    clusters_[upstream.upstream]->set_endpoints(pools_.endpoints_of(upstream));
}

void Proxy::give_way() {
  host_.pipes.drop_free();
  for (const auto& cluster : clusters_) cluster->drop_idle();
}

upstream::Cluster* Proxy::find_cluster(std::string_view upstream) {
  const auto found =
      std::ranges::find(clusters_, upstream, [](const auto& c) { return c->config().name; });
  return found == clusters_.end() ? nullptr : found->get();
}

Proxy::Verdict Proxy::judge(const Client& client) {
  const http::Request& request = client.request();
  Verdict verdict;
  if (request.method == http::Method::kConnect) {
    verdict.failure = http::Failure::kMethodRefused;
  } else if (http::HopByHop(request.fields).too_many()) {
    verdict.failure = http::Failure::kTooManyConnectionOptions;
  } else if (request.path.starts_with('/')) {  // else OPTIONS *
    if (path_.size() < request.path.size()) path_.resize(request.path.size());
    const auto path = http::normalise_path(request.path, path_);
    if (path)
      verdict.path = *path;
    else
      verdict.failure = http::Failure::kBadPath;
  }
  if (verdict.failure != http::Failure::kNone) return verdict;
  verdict.route = router_.find(
      {.request = request, .path = verdict.path, .listener = client.connection().listener});
  if (!verdict.route) verdict.failure = http::Failure::kNoRoute;
  return verdict;
}

std::uint64_t Proxy::body_limit(const Client& client) {
  refresh_pools();
  verdict_ = judge(client);
  if (AccessRecord* const record = client.record(); record != nullptr && verdict_.route) {
    const config::Route& route = router_.route(*verdict_.route).config;
    record->route = route.name;
    record->upstream = route.upstream;
  }
  const auto own = verdict_.route ? router_.route(*verdict_.route).config.body : std::nullopt;
  return own.value_or(client.listener().limits.body);
}

std::unique_ptr<Exchange> Proxy::refuse(Client& client, http::Failure failure,
                                        Duration retry_after) {
  if (AccessRecord* const record = client.record()) record->failure = failure;
  ipc::add(parts_.slot.proxy_failures[static_cast<std::size_t>(failure)]);
  count_answer(client, http::row_of(failure).status);
  answer_failure(client.answer(), failure, retry_after);
  return nullptr;
}

// Row 0 of the slot is for what matches no route.
std::size_t Proxy::row_of(std::optional<std::size_t> route) const {
  return route ? router_.route(*route).config.row : 0;
}

void Proxy::count_answer(const Client& client, int status) {
  ipc::RouteTraffic& traffic = parts_.slot.routes[row_of(verdict_.route)];
  traffic.answers.count(status);
  traffic.durations.record((parts_.loop.now() - client.began()).count());
}

std::unique_ptr<Exchange> Proxy::on_request(Client& client) {
  if (verdict_.failure != http::Failure::kNone) return refuse(client, verdict_.failure);
  const PreparedRoute& route = router_.route(*verdict_.route);
  const config::Configuration& configuration = parts_.configuration;
  const Address peer = ipc::peer_of(client.connection());
  const RequestFacts facts{
      .request = client.request(),
      .client = client_of(client.request(), peer, configuration.trusted_proxies),
      .peer_is_trusted = is_trusted(peer, configuration.trusted_proxies),
      .scheme = client.tls() == nullptr ? "http" : "https",
      .client_subject = client.tls() == nullptr ? std::string_view() : client.tls()->client,
      .id = {},
      .listener = client.listener().name,
      .route = route.config.name,
      .upstream = route.config.upstream,
      .endpoint = {}};
  if (AccessRecord* const record = client.record(); record != nullptr && facts.peer_is_trusted)
    record->client = facts.client.host();
  const std::vector<Network>& allowed = route.config.allow;
  if (!allowed.empty() && !is_trusted(facts.client, allowed))
    return refuse(client, http::Failure::kNotAllowed);
  // Not the loop's time: another worker may have served the client since this turn began.
  const config::Rate& limit = route.config.rate_limit;
  const ipc::Verdict rate =
      limit.count == 0 ? ipc::Verdict{}
                       : rate_limiter_.take(*verdict_.route, limit, facts.client, Clock::now());
  if (!rate.allowed) return refuse(client, http::Failure::kRateLimited, rate.retry_after);
  if (route.upstream) return forward(client, facts);
  auto rest = answer_fixed(client, route, facts);
  if (!rest) return refuse(client, http::Failure::kHeadTooLong);
  count_answer(client, client.answer().status());
  return *std::move(rest);
}

std::unique_ptr<Exchange> Proxy::forward(Client& client, const RequestFacts& facts) {
  const PreparedRoute& route = router_.route(*verdict_.route);
  const config::Route& config = route.config;
  upstream::Cluster& cluster = *clusters_[*route.upstream];
  auto source =
      std::make_unique<ForwardedRequest>(ForwardedRequest::Parts{.client = client,
                                                                 .slot = parts_.slot,
                                                                 .loop = parts_.loop,
                                                                 .route = route,
                                                                 .row = row_of(verdict_.route),
                                                                 .path = verdict_.path,
                                                                 .cluster = cluster,
                                                                 .random = random_},
                                         facts);
  const bool upgrade = source->is_upgrade();
  const config::Upstream::Timeouts& timeouts = cluster.config().timeouts;
  const auto either = [](Duration own, Duration other) {
    return own > Duration::zero() ? own : other;
  };
  auto exchange = std::make_unique<UpstreamExchange>(
      host_, UpstreamExchange::Plan{
                 .client = client,
                 .cluster = cluster,
                 .source = std::move(source),
                 .wish = {.hash = hash_of(cluster.config(), facts),
                          .only = cluster.kept_by(
                              cookie_of(facts.request, cluster.config().sticky.cookie))},
                 .response_timeout = either(config.timeouts.response, timeouts.response),
                 .idle_timeout = either(config.timeouts.idle, timeouts.idle),
                 .retries = config.retries.value_or(cluster.config().retries.attempts),
                 .upgrade = upgrade,
                 .proxy_header = opens_with_header(cluster.config())
                                     ? proxy_header_for(cluster.config(), client.connection(),
                                                        client.local_address())
                                     : std::string()});
  exchange->start();
  return exchange;
}

std::uint64_t Proxy::hash_of(const config::Upstream& upstream, const RequestFacts& facts) const {
  if (upstream.balance != config::Balance::kHash) return 0;
  const http::Request& request = facts.request;
  const std::string_view what = upstream.hash;
  const std::string_view name = what.substr(what.find(':') + 1);
  std::string_view key;
  std::string host;
  if (what.starts_with("header:")) key = request.fields.find(name).value_or("");
  if (what.starts_with("cookie:")) key = cookie_of(request, name);
  if (what == "path") key = request.path;
  if (what == "address" || key.empty()) {  // without the field: at least the same each time
    host = facts.client.host();
    key = host;
  }
  return std::hash<std::string_view>()(key);
}

}  // namespace roundhouse::proxy
