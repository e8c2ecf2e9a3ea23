#include "monitor/monitor.h"

#include <algorithm>
#include <csignal>
#include <string>
#include <utility>

#include "base/log.h"
#include "config/effective.h"
#include "config/program_probes.h"
#include "http/failure.h"
#include "ipc/shared_memory.h"
#include "ipc/tls_material.h"
#include "net/tls_certificate.h"

namespace roundhouse::monitor {
namespace {

constexpr Duration kSampleEvery = std::chrono::seconds(1);
// Beside that of the scrapers, so that they cannot keep an operator out.
constexpr std::size_t kOperatorConnections = 6;
constexpr std::size_t kOperatorStreams = 4;
constexpr Duration kLastWords = std::chrono::milliseconds(50);  // for the end of the streams

// What a monitor that was taken over may have left is no reason not to start: then it begins anew.
Result<ipc::HistoryBoard> open_history(UniqueFd given) {
  if (given) {
    auto board = ipc::HistoryBoard::open(std::move(given));
    if (board) return board;
    log::warn("history_lost", "what was before is not known: " + board.error().message);
  }
  return ipc::HistoryBoard::create();
}

}  // namespace

metrics::Layout layout_of(const config::Configuration& configuration) {
  metrics::Layout layout;
  for (const config::Pool& pool : configuration.pools) {
    layout.pools.push_back({.name = pool.name,
                            .type = std::string(to_string(pool.type)),
                            .policy = std::string(to_string(pool.policy)),
                            .workers = pool.workers,
                            .first_row = pool.rows.first,
                            .ids = pool.rows.ids,
                            .seats = pool.rows.seats,
                            .worker_connections = pool.worker_connections,
                            .tells = !config::is_foreign(pool.type)});
  }
  for (const config::Listener& listener : configuration.listeners) {
    const config::Pool* const pool = configuration.find_pool(listener.pool);
    layout.listeners.push_back(
        {.name = listener.name,
         .pool = listener.pool,
         .max_connections = listener.max_connections,
         .tls = listener.tls.on(),
         .proxy_protocol = listener.proxy_protocol != config::ProxyProtocol::kOff,
         .http2 = listener.http2 && listener.protocol == config::Protocol::kHttp &&
                  pool != nullptr && !config::is_program(pool->type)});
  }
  if (!configuration.routes.empty()) layout.routes.push_back({.name = "none"});
  for (const config::Route& route : configuration.routes)
    layout.routes.push_back({.name = route.name, .row = route.row});
  layout.failures.emplace_back();  // none is no failure
  for (std::size_t i = 1; i < http::kFailureCount; ++i)
    layout.failures.emplace_back(http::row_of(static_cast<http::Failure>(i)).name);
  for (const config::Upstream& upstream : configuration.upstreams) {
    const config::Pool* const pool = configuration.find_pool(upstream.pool);
    layout.upstreams.push_back({.name = upstream.name,
                                .probed = upstream.health.probe != config::Probe::kOff,
                                .asked = pool != nullptr && config::asks(*pool),
                                .pool = upstream.pool,
                                .named = !upstream.dns.empty() || !upstream.srv.empty(),
                                .tls = upstream.tls.enabled});
  }
  return layout;
}

// Of several certificates for a name the one that expires first.
void add_certificates(metrics::Layout& layout, const ipc::TlsMaterial& material) {
  for (const ipc::TlsMaterial::Listener& given : material.listeners) {
    if (given.index >= layout.listeners.size()) continue;
    auto& certificates = layout.listeners[given.index].certificates;
    for (const ipc::TlsMaterial::Certificate& pem : given.certificates) {
      const auto facts = facts_of_certificate(pem.cert);
      if (!facts) continue;
      const std::string name = facts->names.empty() ? "none" : facts->names.front();
      const auto there =
          std::ranges::find(certificates, name, &metrics::Layout::Listener::Certificate::name);
      if (there == certificates.end())
        certificates.push_back({name, facts->not_after});
      else
        there->not_after = std::min(there->not_after, facts->not_after);
    }
  }
}

Result<std::unique_ptr<Monitor>> Monitor::create(ipc::Heritage heritage,
                                                 const config::Configuration& configuration) {
  ipc::Board board = TRY(ipc::Board::open(std::move(heritage.memory)));
  ipc::OutputBoard output;
  if (heritage.output)
    output = TRY(ipc::OutputBoard::open(std::move(heritage.output), board.workers()));
  metrics::Layout layout = layout_of(configuration);
  upstream::TlsContexts tls;
  std::vector<CertificateEnd> certificates;
  if (heritage.tls) {
    const ipc::TlsMaterial material = TRY(ipc::open_tls_material(heritage.tls.get()));
    add_certificates(layout, material);
    certificates = certificate_ends(material, configuration);
    tls = TRY(upstream::make_tls_contexts(configuration, material));
  }
  Observer observer = TRY(Observer::create(std::move(layout), std::move(board)));
  auto loop = TRY(EventLoop::create());
  std::unique_ptr<Monitor> monitor(
      new Monitor(std::move(loop), {.observer = std::move(observer),
                                    .history = TRY(open_history(std::move(heritage.history))),
                                    .output = std::move(output),
                                    .channel = std::move(heritage.channel),
                                    .allowed_hosts = configuration.monitor.allowed_hosts,
                                    .certificates = std::move(certificates),
                                    .configuration = configuration}));
  TRY_VOID(monitor->serve(std::move(heritage.listeners)));
  if (heritage.endpoints)
    TRY_VOID(monitor->keep_endpoints(configuration, std::move(heritage.endpoints), std::move(tls)));
  return monitor;
}

Monitor::Monitor(std::unique_ptr<EventLoop> loop, Parts parts)
    : loop_(std::move(loop)),
      observer_(std::move(parts.observer)),
      channel_(std::move(parts.channel)),
      output_(std::move(parts.output)),
      history_(std::move(parts.history)),
      recorder_(history_),
      events_(history_),
      api_({.glance = [this] { return observer_.glance(Clock::now()); },
            .look = [this] { return observer_.look(Clock::now()); },
            .send = [this](const ipc::CommandMessage& command) { return send(command); },
            .operation =
                [this](std::uint64_t ticket) {
                  return ipc::find_operation(observer_.board().header().operations, ticket);
                },
            .configuration = &parts.configuration,
            .history = &history_,
            .output = output_ ? &output_ : nullptr,
            .allowed_hosts = std::move(parts.allowed_hosts)}),
      number_(observer_.board().header().configuration.load()),
      certificates_(std::move(parts.certificates)),
      sampler_(*loop_, [this] { sample(); }),
      daily_(*loop_, [this] { warn_of_expiry(); }),
      ending_(*loop_, [this] { loop_->stop(); }) {
  watcher_.watch(*loop_, channel_.fd(), Interest::kRead, Trigger::kLevel, *this);
  sampler_.start_periodic(kSampleEvery);
}

Monitor::~Monitor() = default;

Result<void> Monitor::serve(std::vector<ipc::OwnedListener> listeners) {
  for (ipc::OwnedListener& listener : listeners) {
    HttpServer::Setting setting{.listening = std::move(listener.fd)};
    if (listener.listener == ipc::kMonitorUnix) {
      setting.viewer = Viewer::kOperator;
      setting.max_connections = kOperatorConnections;
      setting.max_streams = kOperatorStreams;
    }
    servers_.push_back(TRY(HttpServer::create(*loop_, std::move(setting), api_)));
  }
  return {};
}

Result<void> Monitor::keep_endpoints(const config::Configuration& configuration, UniqueFd board,
                                     upstream::TlsContexts tls) {
  upkeep_ = TRY(EndpointUpkeep::create(*loop_, configuration, std::move(board), std::move(tls)));
  observer_.watch_endpoints(upkeep_->board());
  worker_prober_ = std::make_unique<WorkerProber>(
      WorkerProber::Parts{.loop = *loop_,
                          .configuration = configuration,
                          .board = observer_.board(),
                          .keeper = upkeep_->keeper(),
                          // What does not fit now is found again, and told then.
                          .tell = [this](const ipc::CommandMessage& message) { send(message); }});
  return {};
}

Result<void> Monitor::run() {
  if (upkeep_) upkeep_->start();
  if (worker_prober_) worker_prober_->start();
  // It is started with each configuration, and whenever certificates are renewed.
  warn_of_expiry();
  daily_.start_periodic(std::chrono::hours(24));
  loop_->run();
  if (failure_) return std::unexpected(*std::move(failure_));
  return {};
}

void Monitor::warn_of_expiry() const {
  for (const CertificateEnd& certificate : certificates_) {
    const std::string warning = expiry_warning(certificate, wall_clock_seconds());
    if (!warning.empty())
      log::warn("certificate_expires", warning,
                {{certificate.kind, certificate.owner}, {"name", certificate.name}});
  }
}

void Monitor::on_ready(Ready /*ready*/) {
  for (;;) {
    switch (channel_.receive(message_)) {
      case ipc::Received::kNothing:
        return;
      case ipc::Received::kMessage:
        if (auto taken = take_slots(); !taken) failure_ = std::move(taken).error();
        break;
      case ipc::Received::kMalformed:
      case ipc::Received::kTruncated:
        failure_ = Error{.message = "the edge's message is malformed"};
        break;
      case ipc::Received::kClosed:
        watcher_.stop();
        loop_->stop();
        return;
    }
    if (!failure_) continue;
    watcher_.stop();
    loop_->stop();
    return;
  }
}

Result<void> Monitor::take_slots() {
  const auto* slots =
      message_.type() == ipc::MessageType::kSlots ? message_.as<ipc::SlotsMessage>() : nullptr;
  if (slots == nullptr || slots->count != message_.descriptors().size()) {
    return fail("the edge's message is no SlotsMessage", ExitCode::kSystem);
  }
  TRY_VOID(observer_.add_slots(slots->first, message_.descriptors()));
  if (observer_.complete()) sample();  // rates and fairness begin here
  return {};
}

void Monitor::sample() {
  const metrics::Snapshot snapshot = observer_.sample(loop_->now());
  if (!observer_.complete()) return;  // counters of what has not arrived would seem to jump
  const double wall = wall_clock_seconds();
  recorder_.record(snapshot, loop_->now(), wall);
  events_.look(snapshot, ipc::kept_operations(observer_.board().header().operations), wall);
  for (const auto& server : servers_) server->tell_streams();
}

void Monitor::stop() {
  std::size_t streams = 0;
  for (const auto& server : servers_) {
    streams += server->streams();
    server->end_streams();
  }
  if (streams == 0) return loop_->stop();
  sampler_.stop();
  ending_.start_once(kLastWords);
}

bool Monitor::send(const ipc::CommandMessage& message) {
  ipc::CommandMessage copy = message;  // gets its header
  copy.configuration = number_;
  return channel_.send(copy, ipc::MessageType::kCommand) == ipc::Sent::kYes;
}

Result<void> run_monitor(ipc::Heritage heritage) {
  const std::string text = TRY(ipc::read_sealed_file(heritage.configuration.get()));
  const config::Configuration configuration = TRY(config::from_effective_text(text));
  log::configure(configuration.log.level, configuration.log.format);
  // The terminal sends these to every process of the group. The edge decides: it sends TERM, or
  // goes and closes the channel. Until then a draining instance can be watched.
  for (const int number : {SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2}) {
    ::signal(number, SIG_IGN);
  }
  const auto monitor = TRY(Monitor::create(std::move(heritage), configuration));
  const SignalWatcher term(monitor->loop(), SIGTERM, [&] { monitor->stop(); });
  return monitor->run();
}

}  // namespace roundhouse::monitor
