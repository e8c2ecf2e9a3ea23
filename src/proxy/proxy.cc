#include "proxy/proxy.h"

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "base/address.h"
#include "http/forwarding.h"
#include "http/path.h"
#include "proxy/failure_answer.h"
#include "proxy/forwarded_request.h"

namespace roundhouse::proxy {
namespace {

// Of the first cookie of that name (RFC 6265 4.2.1).
std::string_view cookie_of(const http::Request& request, std::string_view name) {
  std::string_view rest = request.fields.find("Cookie").value_or("");
  while (!rest.empty()) {
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    const std::string_view pair = rest.substr(0, rest.find(';'));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
    if (pair.starts_with(name) && pair.substr(name.size()).starts_with('='))
      return pair.substr(name.size() + 1);
  }
  return {};
}

}  // namespace

Proxy::Proxy(Parts parts)
    : parts_(std::move(parts)),
      upstream_(parts_.configuration.upstreams.front()),
      cluster_({.loop = parts_.loop,
                .deadlines = parts_.deadlines,
                .slot = parts_.slot,
                .config = upstream_}),
      endpoints_({.loop = parts_.loop,
                  .deadlines = parts_.deadlines,
                  .board = parts_.endpoints,
                  .upstreams = parts_.configuration.upstreams.size()},
                 [this](std::size_t upstream, std::span<const upstream::EndpointSpec> specs) {
                   if (upstream == 0) cluster_.set_endpoints(specs);
                 }),
      host_{.loop = parts_.loop, .deadlines = parts_.deadlines} {
  endpoints_.start();
}

http::Failure Proxy::refusal_of(const http::Request& request) {
  if (request.method == http::Method::kConnect) return http::Failure::kMethodRefused;
  if (http::HopByHop(request.fields).too_many()) return http::Failure::kTooManyConnectionOptions;
  if (!request.path.starts_with('/')) return http::Failure::kNone;  // OPTIONS *
  if (path_.size() < request.path.size()) path_.resize(request.path.size());
  return http::normalise_path(request.path, path_) ? http::Failure::kNone : http::Failure::kBadPath;
}

std::unique_ptr<Exchange> Proxy::on_request(Client& client) {
  if (const http::Failure failure = refusal_of(client.request()); failure != http::Failure::kNone) {
    ipc::add(parts_.slot.proxy_failures[static_cast<std::size_t>(failure)]);
    answer_failure(client.answer(), failure, Duration::zero());
    return nullptr;
  }
  auto source =
      std::make_unique<ForwardedRequest>(ForwardedRequest::Parts{.client = client,
                                                                 .slot = parts_.slot,
                                                                 .loop = parts_.loop,
                                                                 .upstream = upstream_.name,
                                                                 .random = random_});
  const bool upgrade = source->is_upgrade();
  auto exchange = std::make_unique<UpstreamExchange>(
      host_, UpstreamExchange::Plan{.client = client,
                                    .cluster = cluster_,
                                    .source = std::move(source),
                                    .wish = {.hash = hash_of(client)},
                                    .response_timeout = upstream_.timeouts.response,
                                    .upgrade = upgrade});
  exchange->start();
  return exchange;
}

std::uint64_t Proxy::hash_of(const Client& client) const {
  if (upstream_.balance != config::Balance::kHash) return 0;
  const http::Request& request = client.request();
  const std::string_view what = upstream_.hash;
  const std::string_view name = what.substr(what.find(':') + 1);
  std::string_view key;
  std::string host;
  if (what.starts_with("header:")) key = request.fields.find(name).value_or("");
  if (what.starts_with("cookie:")) key = cookie_of(request, name);
  if (what == "path") key = request.path;
  if (what == "address" || key.empty()) {  // without the field: at least the same each time
    host = ipc::peer_of(client.connection()).host();
    key = host;
  }
  return std::hash<std::string_view>()(key);
}

}  // namespace roundhouse::proxy
