#include "edge/fleet.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/log.h"
#include "config/checks.h"
#include "config/effective.h"
#include "edge/access_log_file.h"
#include "edge/configured_endpoints.h"
#include "edge/descriptor_budget.h"
#include "ipc/private_address.h"
#include "net/listener.h"

namespace roundhouse::edge {

static_assert(config::kMaxListeners <= ipc::kMaxListeners);

namespace {

// They have the same upstreams, over the same workers.
bool endpoints_alike(const config::Configuration& one, const config::Configuration& other) {
  const auto upstreams = [](const config::Configuration& configuration) {
    config::Configuration part;
    part.upstreams = configuration.upstreams;
    for (const config::Upstream& upstream : part.upstreams) {
      if (const config::Pool* pool = configuration.find_pool(upstream.pool)) {
        config::Pool& rows = part.pools.emplace_back();
        rows.name = pool->name;
        rows.rows = pool->rows;
      }
    }
    return config::to_effective_text(part);
  };
  return upstreams(one) == upstreams(other);
}

}  // namespace

Fleet::Fleet(EventLoop& loop, std::uint64_t descriptors, Signals signals)
    : loop_(loop), descriptors_(descriptors), signals_(std::move(signals)) {}

Fleet::~Fleet() = default;

Result<std::unique_ptr<Fleet>> Fleet::create(EventLoop& loop, config::Configuration configuration,
                                             std::uint64_t descriptors, Signals signals) {
  std::unique_ptr<Fleet> fleet(new Fleet(loop, descriptors, std::move(signals)));
  TRY_VOID(fleet->make_board(configuration));
  auto change = TRY(fleet->prepare(std::move(configuration)));
  fleet->put_in_force(*change);
  return fleet;
}

Result<void> Fleet::make_board(const config::Configuration& configuration) {
  const std::size_t rows = config::Rows::board_rows(configuration);
  rows_.emplace(rows);
  board_ = TRY(ipc::Board::create_sparse(rows, ipc::kMaxListeners));
  output_ = std::make_unique<OutputPlaces>(loop_, TRY(ipc::OutputBoard::create(rows)));
  return {};
}

Result<std::shared_ptr<Fleet::InForce>> Fleet::make_in_force(config::Configuration configuration) {
  auto made = std::make_shared<InForce>();
  std::size_t workers = 0;
  for (const config::Pool& pool : configuration.pools) workers += pool.workers;
  const std::uint64_t others = kOwnDescriptors + descriptors_of_workers(configuration);
  for (config::Pool& pool : configuration.pools)
    pool.handoff.depth = depth_that_fits(pool.handoff.depth, descriptors_, others, workers);
  made->number = in_force_ ? in_force_->number + 1 : 1;
  made->text = TRY(ipc::create_sealed_file("roundhouse-configuration",
                                           config::to_effective_text(configuration)));
  // Proxies that stay go on with the board that they have.
  const bool same = in_force_ && endpoints_alike(configuration, in_force_->configuration);
  made->endpoints = same ? in_force_->endpoints : TRY(make_endpoints(configuration));
  if (made->endpoints) made->endpoints_for_workers = TRY(made->endpoints->open_for_readers());
  if (has_access_log(configuration))
    made->access_log = TRY(open_access_log(configuration.log.access.to));
  made->configuration = std::move(configuration);
  TRY_VOID(seal_tls(*made));
  return made;
}

Result<std::shared_ptr<const ipc::EndpointBoard>> Fleet::make_endpoints(
    const config::Configuration& configuration) const {
  const ipc::EndpointBoard none;
  const bool is_first = !in_force_ || !in_force_->endpoints;
  auto board = TRY(create_endpoint_board(configuration, is_first ? none : *in_force_->endpoints,
                                         is_first ? configuration : in_force_->configuration));
  if (!board) return nullptr;
  return std::make_shared<const ipc::EndpointBoard>(std::move(board));
}

void Fleet::carry_counts() {
  const auto before = std::exchange(endpoints_before_, nullptr);
  if (!before || !in_force_->endpoints) return;
  carry_endpoint_counts(*before, *in_force_->endpoints);
}

Result<const Identity*> Fleet::identity_of(const std::string& user) {
  if (::geteuid() != 0) return nullptr;
  for (const auto& known : identities_) {
    if (known->name == user) return known.get();
  }
  identities_.push_back(std::make_unique<Identity>(TRY(find_identity(user))));
  return identities_.back().get();
}

std::unique_ptr<Pool> Fleet::make_pool(Pool::Generation generation) {
  const std::string name = generation->options->name;
  PoolSignals signals{
      .room = [this, name] { resume_acceptors(name); },
      .failed = [this, name] { signals_.failed(name); },
      .turns = [this, name] { tell_turns(name); },
      .place_begun = [this, name](std::size_t place) { return place_begun(name, place); },
      // Not inside the pool's own call.
      .rollout_moved = [this] { loop_.defer([this] { signals_.moved(); }); },
      .wanted_back = [this] { return wanted_back(); },
      .takes_back = [this](std::uint64_t listeners) { return takes_back(listeners); },
      .returned =
          [this](Connection connection) {
            if (Acceptor* const acceptor = acceptor_for_returned(connection.info.listener))
              acceptor->take_back(std::move(connection));
          }};
  return std::make_unique<Pool>(loop_, std::move(generation), std::move(signals));
}

Pool* Fleet::find_pool(const std::string& name) const {
  const auto found =
      std::ranges::find_if(pools_, [&](const auto& pool) { return pool->options().name == name; });
  return found == pools_.end() ? nullptr : found->get();
}

void Fleet::start() {
  running_ = true;
  for (const auto& acceptor : acceptors_)
    if (acceptor) acceptor->start();
  for (const auto& pool : pools_) pool->start();
}

// Each time that its handle is another.
Result<void> Fleet::place_begun(const std::string& name, std::size_t place) {
  Pool* const pool = find_pool(name);
  if (pool == nullptr) return {};
  const std::size_t row = pool->options().rows.first + place;
  if (told_slots_.insert(row).second) signals_.slot(row, pool->slot_fd(place));
  const PoolGeneration& generation = pool->generation_at(place);
  const bool has_door = std::ranges::any_of(
      own_doors_, [&](const Door& door) { return door.pool == name && door.place == place; });
  const bool wants_door =
      generation.options->type == config::PoolType::kNode && generation.setting.proxied;
  if (has_door || !wants_door) return {};
  return make_own_door(*pool, place);
}

Result<void> Fleet::make_own_door(Pool& pool, std::size_t place) {
  constexpr int kBacklog = 1024;
  const PoolGeneration& generation = pool.generation_at(place);
  config::Listener options;
  options.pool = pool.options().name;
  options.name = options.pool + ", private";
  options.max_connections = generation.options->worker_connections;
  ipc::WorkerRow& row = board_.worker(pool.options().rows.first + place);
  Acceptor::Sockets sockets;
  if (generation.options->socket == config::PrivateSocket::kUnix) {
    const std::string path =
        ipc::private_path(board_.header(), options.pool, static_cast<std::uint32_t>(place + 1));
    sockets.own.push_back({.fd = TRY(bind_private(path, SOCK_STREAM | SOCK_NONBLOCK, kBacklog)),
                           .address = TRY(Address::parse("unix:" + path))});
  } else {
    sockets.own.push_back(TRY(listen_on(Address::loopback(0), {.backlog = kBacklog})));
    row.port.store(sockets.first().address.port());
  }
  own_doors_.push_back(
      {options.pool, place,
       std::make_unique<Acceptor>(loop_, options, Pool::own_door_of(place), std::move(sockets),
                                  pool, own_doors_row_, proxy_connections_)});
  own_doors_.back().acceptor->start();
  return {};
}

void Fleet::tick(Time now) {
  for (const auto& pool : pools_) pool->tick(now);
  for (const auto& pool : leaving_) pool->tick(now);
  rotate_tickets(now);
}

bool Fleet::reaped(pid_t pid, const ExitStatus& status, bool core, const rusage& usage, Time now) {
  const auto takes = [&](const auto& pool) { return pool->reaped(pid, status, core, usage, now); };
  const bool ours = std::ranges::any_of(pools_, takes) || std::ranges::any_of(leaving_, takes);
  forget_what_has_gone();
  return ours;
}

// Pools of configurations before, once nothing of them runs.
void Fleet::forget_what_has_gone() {
  for (auto& pool : leaving_) {
    if (!pool->all_gone()) continue;
    const std::string name = pool->options().name;
    std::erase_if(own_doors_, [&](const Door& door) { return door.pool == name; });
    rows_->release_pool(name);
    loop_.delete_later(std::move(pool));
  }
  std::erase(leaving_, nullptr);
}

// What the monitor says is not believed further than it must be: it names things that may not be.
bool Fleet::probed(const ipc::CommandMessage& command) {
  if (command.configuration != in_force_->number) return true;  // of another: it asks again
  if (command.pool >= configuration().pools.size()) return false;
  Pool* const pool = find_pool(configuration().pools[command.pool].name);
  return pool != nullptr && pool->probed(command);
}

void Fleet::resume_acceptors(const std::string& pool) {
  for (const Door& door : own_doors_) {
    if (door.pool == pool) door.acceptor->resume();
  }
  for (const auto& acceptor : acceptors_) {
    if (acceptor && acceptor->pool_name() == pool) acceptor->resume();
  }
  for (const auto* pools : {&pools_, &leaving_})
    for (const auto& some : *pools) some->hear_returned();
}

// Whom a worker had a connection from may have gone, or be another's meanwhile.
Acceptor* Fleet::acceptor_for_returned(std::size_t listener) const {
  Acceptor* const acceptor = listener < acceptors_.size() ? acceptors_[listener].get() : nullptr;
  return acceptor != nullptr && !closing_ && acceptor->wants_back() ? acceptor : nullptr;
}

std::uint64_t Fleet::wanted_back() const {
  static_assert(ipc::kMaxListeners <= 64);
  std::uint64_t listeners = 0;
  for (std::size_t i = 0; i < acceptors_.size(); ++i)
    if (acceptor_for_returned(i) != nullptr) listeners |= std::uint64_t{1} << i;
  return listeners;
}

// None of those that lead nowhere: they are closed.
bool Fleet::takes_back(std::uint64_t listeners) const {
  for (std::size_t i = 0; i < acceptors_.size(); ++i) {
    Acceptor* const acceptor = (listeners >> i & 1) != 0 ? acceptor_for_returned(i) : nullptr;
    if (acceptor != nullptr && !acceptor->has_room_for_returned()) return false;
  }
  return true;
}

void Fleet::tell_turns(const std::string& pool) {
  for (const auto& acceptor : acceptors_) {
    if (acceptor && acceptor->pool_name() == pool) acceptor->take_turns();
  }
}

void Fleet::log_listeners() const {
  for (std::size_t i = 0; i < acceptors_.size(); ++i) {
    if (!acceptors_[i]) continue;
    const config::Listener& listener = configuration().listeners[i];
    const config::Pool& pool = *configuration().find_pool(listener.pool);
    log::info("listener_started",
              std::string("listening on ") + board_.listener(i).addresses + " for " +
                  std::to_string(pool.workers) + (pool.workers == 1 ? " worker" : " workers") +
                  " of pool " + pool.name + ", policy " + std::string(to_string(pool.policy)) +
                  (listener.tls.on() ? ", TLS" : ""),
              {{"listener", listener.name}});
  }
}

// The event log goes to stderr: there is nothing to reopen.
void Fleet::reopen_access_log() {
  const std::string& to = configuration().log.access.to;
  if (!in_force_->access_log || is_standard_output(to)) return;
  auto opened = open_access_log(to);
  if (!opened) {
    log::error("access_log_not_reopened",
               "SIGUSR1: " + opened.error().message + "; the access log goes on where it was");
    return;
  }
  for (const auto& pool : pools_) pool->set_access_log(opened->get());
  in_force_->access_log = *std::move(opened);
  log::info("access_log_reopened", "the access log goes on in " + to);
}

void Fleet::expect_close() {
  for (const auto& acceptor : acceptors_)
    if (acceptor) acceptor->expect_close();
}

void Fleet::close_to_clients() {
  closing_ = true;
  for (const auto& acceptor : acceptors_) {
    if (acceptor && !acceptor->is_proxies_too()) acceptor->close();
  }
}

void Fleet::stop_serving(Time now, Time deadline) {
  for (const auto& pool : pools_) {
    if (!pool->is_proxied()) pool->stop(now, deadline);
  }
  for (const auto& pool : leaving_) pool->stop(now, deadline);
}

bool Fleet::serves_no_more() const {
  return std::ranges::all_of(
      pools_, [](const auto& pool) { return pool->is_proxied() || pool->all_gone(); });
}

void Fleet::stop_endpoints(Time now, Time deadline) {
  for (const Door& door : own_doors_) door.acceptor->close();
  for (const auto& pool : pools_) {
    if (pool->is_proxied()) pool->stop(now, deadline);
  }
  for (const auto& acceptor : acceptors_) {
    if (acceptor && acceptor->is_proxies_too()) acceptor->close();
  }
}

bool Fleet::all_gone() const {
  const auto gone = [](const auto& pool) { return pool->all_gone(); };
  return std::ranges::all_of(pools_, gone) && std::ranges::all_of(leaving_, gone);
}

void Fleet::kill(Time now) {
  closing_ = true;
  for (const auto& acceptor : acceptors_)
    if (acceptor) acceptor->close();
  for (const Door& door : own_doors_) door.acceptor->close();
  for (const auto* pools : {&pools_, &leaving_}) {
    for (const auto& pool : *pools) {
      pool->stop(now, now);
      pool->kill();
    }
  }
}

}  // namespace roundhouse::edge
