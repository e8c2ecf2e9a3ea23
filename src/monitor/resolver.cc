#include "monitor/resolver.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include "base/log.h"

namespace roundhouse::monitor {
namespace {

// What was collected in one round: the look-up of a name and of what it led to.
struct Round {
  std::vector<ServiceRecord> records;  // of `srv`
  std::size_t awaited = 0;             // addresses of their targets
  std::vector<ipc::WantedEndpoint> endpoints;
  Duration ttl = kTtlMost;
  bool whole = true;  // every answer came, so what is not in it is gone
  std::string why;    // of the last one that did not come, or was negative
};

// Those whose address is not there yet.
void add(std::vector<ipc::WantedEndpoint>& to, const std::vector<ipc::WantedEndpoint>& from) {
  for (const ipc::WantedEndpoint& endpoint : from) {
    if (std::ranges::find(to, endpoint.address, &ipc::WantedEndpoint::address) == to.end())
      to.push_back(endpoint);
  }
}

}  // namespace

// The name of one upstream.
class Resolver::Name {
 public:
  Name(Resolver& resolver, const config::Upstream& upstream, std::uint32_t index)
      : resolver_(resolver),
        upstream_(upstream),
        index_(index),
        timer_(resolver.parts_.loop, [this] { look_up(); }) {}

  void look_up() {
    round_ = Round();
    DnsClient& client = resolver_.parts_.client;
    if (upstream_.dns.empty()) {
      client.services(upstream_.srv, [this](const ServiceAnswer& answer) { take(answer); });
      return;
    }
    const auto colon = upstream_.dns.rfind(':');
    std::uint16_t port = 0;
    std::from_chars(upstream_.dns.data() + colon + 1, upstream_.dns.data() + upstream_.dns.size(),
                    port);
    round_.records.push_back({.target = upstream_.dns.substr(0, colon), .weight = 1, .port = port});
    ask_for_addresses();
  }

 private:
  const std::string& name() const { return upstream_.dns.empty() ? upstream_.srv : upstream_.dns; }

  void take(const ServiceAnswer& answer) {
    if (answer.result != ipc::Resolution::kAnswered) {
      round_.why = answer.why;
      end(answer.result);
      return;
    }
    round_.ttl = answer.ttl;
    round_.records = usable(answer.records);
    round_.why = "there is no record that can be used";
    ask_for_addresses();
  }

  // The answers may come inside the calls.
  void ask_for_addresses() {
    const std::vector<ServiceRecord> records = round_.records;
    round_.awaited = records.size();
    for (const ServiceRecord& record : records) {
      resolver_.parts_.client.addresses(
          record.target, [this, record](const AddressAnswer& answer) { take(record, answer); });
    }
    if (records.empty()) end(ipc::Resolution::kNegative);
  }

  void take(const ServiceRecord& record, const AddressAnswer& answer) {
    if (answer.result == ipc::Resolution::kAnswered) {
      round_.ttl = std::min(round_.ttl, answer.ttl);
      std::ranges::move(endpoints_of(answer.addresses, record.port, record.weight),
                        std::back_inserter(round_.endpoints));
    } else {
      round_.why = answer.why;
      if (answer.result == ipc::Resolution::kFailed) round_.whole = false;
    }
    if (--round_.awaited != 0) return;
    if (!round_.endpoints.empty()) {
      end(ipc::Resolution::kAnswered);
    } else {
      end(round_.whole ? ipc::Resolution::kNegative : ipc::Resolution::kFailed);
    }
  }

  void end(ipc::Resolution result) {
    resolver_.parts_.keeper.count_resolution(index_, result);
    if (result == ipc::Resolution::kAnswered) apply();
    const bool well = result == ipc::Resolution::kAnswered && round_.whole;
    const bool failed_before = schedule_.failing();
    const double dice = std::uniform_real_distribution<>(0, 1)(resolver_.random_);
    timer_.start_once(well ? schedule_.after_answer(round_.ttl) : schedule_.after_failure(dice));
    if (well == failed_before) report(well);
  }

  void apply() {
    EndpointKeeper& keeper = resolver_.parts_.keeper;
    const std::vector<ipc::WantedEndpoint> before = keeper.found(index_);
    std::vector<ipc::WantedEndpoint> wanted;
    add(wanted, round_.endpoints);
    if (wanted.size() > kAddressesMax) wanted.resize(kAddressesMax);
    if (!round_.whole) add(wanted, before);
    const auto outcome = keeper.assign(index_, wanted, resolver_.parts_.loop.now());
    if (!outcome.changed) return;
    const std::size_t now = keeper.found(index_).size();
    log::info("endpoints_resolved",
              name() + " of upstream " + upstream_.name + " is " + std::to_string(now) +
                  (now == 1 ? " endpoint" : " endpoints") + ", before " +
                  std::to_string(before.size()),
              {{"upstream", upstream_.name}, {"endpoints", now}});
    if (outcome.left_out > 0)
      log::warn("endpoints_left_out",
                std::to_string(outcome.left_out) + " addresses of " + name() +
                    " are not used: there are " + std::to_string(ipc::kMaxEndpoints) +
                    " endpoints already",
                {{"upstream", upstream_.name}});
    resolver_.parts_.changed();
  }

  void report(bool well) {
    if (well) {
      log::info("name_resolved", name() + " of upstream " + upstream_.name + " is resolved again",
                {{"upstream", upstream_.name}});
      return;
    }
    const bool serves = resolver_.parts_.keeper.table().serves(index_);
    log::warn("name_unresolved",
              name() + " of upstream " + upstream_.name + " cannot be resolved: " + round_.why +
                  (serves ? "; the endpoints stay as they are"
                          : "; it has no endpoints, so its requests get 503"),
              {{"upstream", upstream_.name}, {"why", round_.why}});
  }

  Resolver& resolver_;
  const config::Upstream& upstream_;
  std::uint32_t index_;
  Timer timer_;
  LookupSchedule schedule_;
  Round round_;
};

Resolver::Resolver(Parts parts, const std::vector<config::Upstream>& upstreams)
    : parts_(std::move(parts)) {
  for (std::uint32_t i = 0; i < upstreams.size(); ++i) {
    if (!upstreams[i].dns.empty() || !upstreams[i].srv.empty())
      names_.push_back(std::make_unique<Name>(*this, upstreams[i], i));
  }
}

Resolver::~Resolver() = default;

void Resolver::start() {
  for (const auto& name : names_) name->look_up();
}

}  // namespace roundhouse::monitor
