#include "config/options.h"

#include <algorithm>
#include <csignal>

namespace roundhouse::config {

std::string_view to_string(Policy policy) {
  switch (policy) {
    case Policy::kRr:
      return "rr";
    case Policy::kNone:
      return "none";
    case Policy::kLeast:
      return "least";
    case Policy::kSticky:
      return "sticky";
    case Policy::kRrKernel:
      return "rr_kernel";
  }
  return "unknown";
}

std::string_view to_string(PoolType type) {
  switch (type) {
    case PoolType::kHello:
      return "hello";
    case PoolType::kProxy:
      return "proxy";
    case PoolType::kNative:
      return "native";
    case PoolType::kAuto:
      return "auto";
    case PoolType::kNode:
      return "node";
    case PoolType::kListenFds:
      return "listen_fds";
    case PoolType::kPort:
      return "port";
  }
  return "unknown";
}

std::string_view to_string(PrivateSocket socket) {
  switch (socket) {
    case PrivateSocket::kAuto:
      return "auto";
    case PrivateSocket::kUnix:
      return "unix";
    case PrivateSocket::kTcp:
      return "tcp";
  }
  return "unknown";
}

int number_of(StopSignal signal) {
  static constexpr int kNumbers[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH};
  return kNumbers[static_cast<std::size_t>(signal)];
}

std::string_view to_string(TestHandlers handlers) {
  switch (handlers) {
    case TestHandlers::kLocal:
      return "local";
    case TestHandlers::kOn:
      return "on";
    case TestHandlers::kOff:
      return "off";
  }
  return "unknown";
}

std::string_view to_string(Protocol protocol) {
  return protocol == Protocol::kHttp ? "http" : "tcp";
}

std::string_view to_string(Balance balance) {
  switch (balance) {
    case Balance::kP2c:
      return "p2c";
    case Balance::kRr:
      return "rr";
    case Balance::kLeast:
      return "least";
    case Balance::kHash:
      return "hash";
  }
  return "unknown";
}

std::string_view to_string(Probe probe) {
  switch (probe) {
    case Probe::kOff:
      return "off";
    case Probe::kConnect:
      return "connect";
    case Probe::kHttp:
      return "http";
  }
  return "unknown";
}

std::string_view to_string(AccessFormat format) {
  switch (format) {
    case AccessFormat::kOff:
      return "off";
    case AccessFormat::kJson:
      return "json";
    case AccessFormat::kLogfmt:
      return "logfmt";
    case AccessFormat::kCombined:
      return "combined";
  }
  return "unknown";
}

const Upstream* Configuration::find_upstream(std::string_view wanted) const {
  const auto found = std::ranges::find(upstreams, wanted, &Upstream::name);
  return found == upstreams.end() ? nullptr : &*found;
}

const Pool* Configuration::find_pool(std::string_view wanted) const {
  const auto found = std::ranges::find(pools, wanted, &Pool::name);
  return found == pools.end() ? nullptr : &*found;
}

SharedLimits Configuration::shared_limits(const Pool& pool) const {
  if (!pool.command.empty()) return {};
  const auto limits_rate = [](const Route& route) { return route.rate_limit.count != 0; };
  const auto limits_addresses = [&](const Listener& listener) {
    return listener.pool == pool.name && listener.connections_per_address != 0;
  };
  return {.rates = pool.type == PoolType::kProxy && std::ranges::any_of(routes, limits_rate),
          .addresses = std::ranges::any_of(listeners, limits_addresses),
          // Under the other policies the edge accepts, and counts.
          .listeners = pool.policy == Policy::kNone || pool.policy == Policy::kRrKernel};
}

}  // namespace roundhouse::config
