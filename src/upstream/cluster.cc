#include "upstream/cluster.h"

#include <algorithm>
#include <random>
#include <utility>

#include "upstream/cluster_state.h"

namespace roundhouse::upstream {
namespace {

constexpr Duration kRest = std::chrono::milliseconds(100);

}  // namespace

Cluster::Cluster(const Parts& parts) : parts_(parts), state_(std::make_unique<State>(parts)) {}
Cluster::~Cluster() = default;

void Cluster::set_endpoints(std::span<const EndpointSpec> specs) { state_->set_endpoints(specs); }
void Cluster::acquire(Waiter& waiter, const Wish& wish) { state_->acquire(waiter, wish); }
void Cluster::cancel(Waiter& waiter) { state_->cancel(waiter); }
void Cluster::release(std::unique_ptr<Connection> connection, const Use& use) {
  state_->release(std::move(connection), use);
}

void Cluster::release(std::unique_ptr<Http2Call> call, const Use& use) {
  state_->release(std::move(call), use);
}

void Cluster::request_begins() { state_->budget.request(parts_.loop.now()); }

void Cluster::drop_idle() { state_->drop_idle(); }

bool Cluster::take_retry(EndpointId endpoint) {
  if (!state_->budget.take(parts_.loop.now())) return false;
  if (Endpoint* const failed = state_->find(endpoint)) ipc::add(failed->traffic().retries_total);
  return true;
}

EndpointId Cluster::id_of(const Endpoint& endpoint) { return endpoint.id(); }
const std::string& Cluster::name_of(const Endpoint& endpoint) { return endpoint.spec().name; }

std::string_view Cluster::token_of(const Endpoint& endpoint) { return endpoint.token(); }

std::optional<EndpointId> Cluster::kept_by(std::string_view token) const {
  return token.empty() ? std::nullopt : state_->find_by_token(token);
}

Cluster::State::State(const Parts& parts)
    : budget(parts.config.retries.budget),
      parts_(parts),
      balancer_(parts.config.balance, std::random_device()()) {}

Endpoint* Cluster::State::find(EndpointId id) {
  const auto found = std::ranges::find(endpoints_, id, &Endpoint::id);
  return found == endpoints_.end() ? nullptr : found->get();
}

std::optional<EndpointId> Cluster::State::find_by_token(std::string_view token) const {
  const auto found = std::ranges::find(endpoints_, token, &Endpoint::token);
  return found == endpoints_.end() ? std::nullopt : std::optional((*found)->id());
}

void Cluster::State::set_endpoints(std::span<const EndpointSpec> specs) {
  std::erase_if(endpoints_, [](const auto& endpoint) { return endpoint->gone(); });
  const bool late = !endpoints_.empty();
  for (const auto& endpoint : endpoints_) {
    const auto spec = std::ranges::find(specs, endpoint->spec().address, &EndpointSpec::address);
    if (spec == specs.end())
      endpoint->leave();
    else
      endpoint->update(*spec);
  }
  for (const EndpointSpec& spec : specs) {
    const bool known = std::ranges::any_of(
        endpoints_, [&](const auto& endpoint) { return endpoint->spec().address == spec.address; });
    if (known) continue;
    endpoints_.push_back(std::make_unique<Endpoint>(
        Endpoint::Parts{.loop = parts_.loop,
                        .deadlines = parts_.deadlines,
                        .traffic = parts_.slot.endpoints[spec.row],
                        .config = parts_.config,
                        .descriptors = parts_.descriptors,
                        .find_tls = parts_.find_tls,
                        .shared = may_speak_http2() ? &shared_ : nullptr},
        ++last_id_, spec, late));
  }
  serve_later();
}

// Those that were tried already, and then those that were ejected, only if there is nobody else: a
// bad endpoint is better than none.
Cluster::State::Choice Cluster::State::choose(const Wish& wish) {
  for (const bool ejected_too : {false, true}) {
    for (const bool tried_too : {false, true}) {
      considered_.clear();
      for (const auto& endpoint : endpoints_) {
        const bool tried = std::ranges::find(wish.avoid, endpoint->id()) != wish.avoid.end();
        if (!endpoint->healthy() || endpoint->rests() || (tried && !tried_too) ||
            (endpoint->ejected() && !ejected_too))
          continue;
        if (wish.only == endpoint->id() && !tried_too) {
          considered_.assign(1, endpoint.get());
          break;
        }
        considered_.push_back(endpoint.get());
      }
      if (!considered_.empty()) return choose_from(wish);
    }
  }
  return {.full = !parts_.config.pool.empty()};  // the worker that died is replaced: wait for it
}

Cluster::State::Choice Cluster::State::choose_from(const Wish& wish) {
  candidates_.clear();
  std::erase_if(considered_, [](const Endpoint* endpoint) { return !endpoint->has_room(); });
  for (const Endpoint* endpoint : considered_)
    candidates_.push_back({endpoint->id(), endpoint->weight(), endpoint->in_flight()});
  const auto index = balancer_.choose(candidates_, wish.hash);
  if (!index) return {.full = true};
  return {.endpoint = considered_[*index]};
}

void Cluster::State::acquire(Waiter& waiter, const Wish& wish) {
  const Choice choice = choose(wish);
  if (choice.endpoint != nullptr) {
    give(waiter, wish, *choice.endpoint);
  } else if (!choice.full) {
    waiter.on_no_connection(http::Failure::kNoEndpoint, 0);
  } else if (!wait(waiter, wish)) {
    waiter.on_no_connection(http::Failure::kQueueFull, 0);
  }
}

// False: the queue is full.
bool Cluster::State::wait(Waiter& waiter, Wish wish) {
  if (queue_.size() >= parts_.config.queue.depth) return false;
  if (wish.wait_until == Time{}) wish.wait_until = parts_.loop.now() + parts_.config.queue.timeout;
  parts_.deadlines.set(queue_.emplace_back(*this, waiter, wish), wish.wait_until);
  return true;
}

void Cluster::State::wake() {
  serve_later();
  if (!queue_.empty()) parts_.deadlines.set(wake_, parts_.loop.now() + kRest);
}

void Cluster::State::give(Waiter& waiter, const Wish& wish, Endpoint& endpoint) {
  endpoint.begin_use();
  if (share(waiter, wish, endpoint)) return;
  if (!wish.fresh) {
    if (auto connection = endpoint.take_idle()) {
      waiter.on_connection(std::move(connection));
      return;
    }
  } else {
    endpoint.drop_oldest_idle();
  }
  connect(waiter, wish, endpoint);
}

void Cluster::State::connect(Waiter& waiter, const Wish& wish, Endpoint& endpoint) {
  Connector& connector = *connecting_.emplace_back(
      std::make_unique<Connector>(parts_.loop, parts_.deadlines, endpoint, waiter, wish, *this));
  connector.start(parts_.config.timeouts.connect);
}

void Cluster::State::forget(Connector& connector) {
  const auto found = std::ranges::find(connecting_, &connector, &std::unique_ptr<Connector>::get);
  parts_.loop.delete_later(std::move(*found));
  connecting_.erase(found);
}

void Cluster::State::on_connected(Connector& connector, std::unique_ptr<Connection> connection) {
  Waiter& waiter = connector.waiter();
  Endpoint& endpoint = connector.endpoint();
  const bool carries_request = connector.wish().carries == Carries::kRequest;
  forget(connector);
  if (endpoint.http2() == nullptr || !carries_request) {
    waiter.on_connection(std::move(connection));
    return;
  }
  const bool http2 = endpoint.speaks_only_http2() || connection->protocol() == "h2";
  endpoint.set_speaks_http2(http2);
  if (http2)
    waiter.on_call(endpoint.http2()->add(std::move(connection)).open());
  else
    waiter.on_connection(std::move(connection));
  serve_joining(endpoint);
  serve_later();
}

void Cluster::State::on_connect_failed(Connector& connector, http::Failure failure, bool ours) {
  Waiter& waiter = connector.waiter();
  const EndpointId id = connector.endpoint().id();
  Endpoint& endpoint = connector.endpoint();
  if (!parts_.config.pool.empty() && failure == http::Failure::kConnectFailed && !ours) {
    const Time until = parts_.loop.now() + kRest;
    connector.endpoint().rest(until);
    if (!wake_.pending()) parts_.deadlines.set(wake_, until);
    if (wait(waiter, connector.wish())) {
      settle(endpoint, {.counted = false});
      forget(connector);
      fail_joining(endpoint, failure, ours);
      return serve_later();
    }
  }
  settle(endpoint, {.failed = true, .counted = !ours});
  forget(connector);
  serve_later();
  waiter.on_no_connection(failure, id);
  fail_joining(endpoint, failure, ours);
}

void Cluster::State::cancel(Waiter& waiter) {
  if (queue_.remove_if([&](const Waiting& w) { return &w.waiter == &waiter; }) > 0) return;
  const auto joining =
      std::ranges::find(joining_, &waiter, [](const Joining& j) { return &j.waiter; });
  if (joining != joining_.end()) {
    settle(joining->endpoint, {.counted = false});
    joining_.erase(joining);
    return;
  }
  for (const auto& connector : connecting_) {
    if (&connector->waiter() != &waiter) continue;
    settle(connector->endpoint(), {.counted = false});
    connector->abandon();
    forget(*connector);
    serve_later();
    return;
  }
}

void Cluster::State::release(std::unique_ptr<Connection> connection, const Use& use) {
  Endpoint& endpoint = connection->endpoint();
  settle(endpoint, use);
  connection->set_user(nullptr);
  ++connection->served_;
  // One that told of a client is that client's alone.
  if (use.reusable && parts_.config.proxy_protocol == config::ProxyHeader::kOff) {
    endpoint.keep(std::move(connection));
  } else {
    connection->retire();
    parts_.loop.delete_later(std::move(connection));
  }
  serve_later();
}

void Cluster::State::release(std::unique_ptr<Http2Call> call, const Use& use) {
  settle(call->endpoint(), use);
  call->leave();
  parts_.loop.delete_later(std::move(call));
  serve_later();
}

void Cluster::State::drop_idle() {
  for (const auto& endpoint : endpoints_) endpoint->drop_idle();
}

void Cluster::State::settle(Endpoint& endpoint, const Use& use) {
  if (endpoint.end_use(use) && may_eject()) endpoint.eject();
}

// At least one, if there are others; never all.
bool Cluster::State::may_eject() const {
  const auto all = std::ranges::count_if(endpoints_, &Endpoint::healthy,
                                         [](const auto& endpoint) -> auto& { return *endpoint; });
  const auto ejected = std::ranges::count_if(
      endpoints_, [](const auto& endpoint) { return endpoint->healthy() && endpoint->ejected(); });
  const auto allowed = std::max<std::ptrdiff_t>(1, all * parts_.config.eject.at_most / 100);
  return ejected < allowed && ejected + 1 < all;
}

void Cluster::State::serve_later() {
  if (queue_.empty() || serving_later_) return;
  serving_later_ = true;
  parts_.loop.defer([this] {
    serving_later_ = false;
    serve();
  });
}

void Cluster::State::serve() {
  for (auto next = queue_.begin(); next != queue_.end();) {
    const Choice choice = choose(next->wish);
    if (choice.full) {
      ++next;
      continue;
    }
    Waiter& waiter = next->waiter;
    const Wish wish = next->wish;
    queue_.erase(next);
    if (choice.endpoint == nullptr)
      waiter.on_no_connection(http::Failure::kNoEndpoint, 0);
    else
      give(waiter, wish, *choice.endpoint);
    next = queue_.begin();  // the call may have changed the queue
  }
}

void Cluster::State::give_up(Waiting& waiting) {
  Waiter& waiter = waiting.waiter;
  queue_.remove_if([&](const Waiting& w) { return &w == &waiting; });
  waiter.on_no_connection(http::Failure::kQueueTimeout, 0);
}

}  // namespace roundhouse::upstream
