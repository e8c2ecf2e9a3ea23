// How a primary makes its pool of what the program configures: settings, policy, processes.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "base/file.h"
#include "base/log.h"
#include "cluster/birth.h"
#include "cluster/primary.h"
#include "cluster/terms.h"
#include "edge/descriptor_budget.h"
#include "edge/exit_report.h"
#include "ipc/shared_memory.h"

namespace roundhouse::membership {

using cluster::Scheduling;

namespace {

// No deadline: Node has none either.
constexpr Duration kNever = std::chrono::hours(24 * 3650);
constexpr Duration kSuspectMax = std::chrono::seconds(1);
constexpr std::size_t kArgumentsMax = std::size_t{2} << 20;
// Workers for which the queues of connections are planned; more have shorter ones.
constexpr std::size_t kPlannedFor = 16;
constexpr const char* kOurVariable = "ROUNDHOUSE_SCHED_POLICY";
constexpr const char* kNodesVariable = "NODE_CLUSTER_SCHED_POLICY";

struct PolicyRow {
  const char* name;
  Scheduling scheduling;
  config::Policy policy;
  bool of_node;
};
constexpr PolicyRow kPolicies[] = {
    {"rr", Scheduling::round_robin, config::Policy::kRr, true},
    {"none", Scheduling::none, config::Policy::kNone, true},
    {"least", Scheduling::least, config::Policy::kLeast, false},
    {"sticky", Scheduling::sticky, config::Policy::kSticky, false},
};

Result<Scheduling> policy_of_environment() {
  for (const char* variable : {kOurVariable, kNodesVariable}) {
    const char* value = std::getenv(variable);
    if (value == nullptr || *value == '\0') continue;
    const bool of_node = variable == kNodesVariable;
    std::string known;
    for (const PolicyRow& row : kPolicies) {
      if (of_node && !row.of_node) continue;
      if (std::string_view(value) == row.name) return row.scheduling;
      known += (known.empty() ? "" : ", ") + std::string(row.name);
    }
    Error error{.message = std::string(variable) + "='" + value + "' is not one of " + known,
                .code = ExitCode::kConfiguration,
                .system_errno = EINVAL};
    return std::unexpected(std::move(error));
  }
  return Scheduling::round_robin;
}

config::Policy policy_for(Scheduling scheduling) {
  return std::ranges::find(kPolicies, scheduling, &PolicyRow::scheduling)->policy;
}

log::Level level_of(cluster::Chatter chatter) {
  switch (chatter) {
    case cluster::Chatter::errors:
      return log::Level::kError;
    case cluster::Chatter::warnings:
      return log::Level::kWarn;
    case cluster::Chatter::everything:
      return log::Level::kInfo;
  }
  return log::Level::kError;
}

std::vector<std::string> arguments_of_this_process() {
  std::vector<std::string> arguments;
  const auto text = read_file("/proc/self/cmdline", kArgumentsMax);
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  while (!rest.empty()) {
    const std::string_view word = rest.substr(0, rest.find('\0'));
    arguments.emplace_back(word);
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
  }
  return arguments;
}

config::Pool pool_options(const cluster::Settings& settings, Scheduling policy) {
  config::Pool options;
  options.name = "cluster";
  options.policy = policy_for(policy);
  options.worker_connections = settings.worker_connections;
  options.timeouts.ready = kNever;
  options.timeouts.drain = settings.drain;
  options.liveness.replace = settings.hang.count() > 0 ? Duration(settings.hang) : kNever;
  options.liveness.suspect = std::min(kSuspectMax, options.liveness.replace / 2);
  return options;
}

bool same_frozen(const cluster::Settings& a, const cluster::Settings& b) {
  return a.restart == b.restart && a.drain == b.drain && a.hang == b.hang &&
         a.worker_connections == b.worker_connections;
}

}  // namespace

Scheduling Primary::policy() const {
  if (policy_) return *policy_;
  return policy_of_environment().value_or(Scheduling::round_robin);
}

cluster::Result<void> Primary::set_policy(Scheduling policy) {
  if (pool_ != nullptr)
    return refuse(EBUSY, "the scheduling policy is frozen: a worker has been forked already");
  policy_ = policy;
  return {};
}

cluster::Result<void> Primary::set_up(cluster::Settings settings) {
  if (settings.drain.count() < 0 || settings.hang.count() < 0 || settings.worker_connections == 0)
    return refuse(EINVAL, "setup_primary: a time is negative, or worker_connections 0");
  if (pool_ != nullptr && !same_frozen(settings, settings_))
    return refuse(EBUSY,
                  "setup_primary: restart, drain, hang and worker_connections are frozen: a worker "
                  "has been forked already");
  std::unique_ptr<edge::Identity> identity;
  if (!settings.user.empty() && ::geteuid() == 0) {
    auto found = edge::find_identity(settings.user);
    if (!found) return refuse(EINVAL, "setup_primary: " + found.error().message);
    identity = std::make_unique<edge::Identity>(*std::move(found));
  }
  identity_ = std::move(identity);
  settings_ = std::move(settings);
  log::configure(level_of(settings_.chatter), log::Format::kText);
  runtime_.emit([this, settings = settings_] { runtime_.events().setup.call(settings); });
  return {};
}

Result<void> Primary::create_pool() {
  const Scheduling policy = policy_ ? *policy_ : TRY(policy_of_environment());
  ::signal(SIGPIPE, SIG_IGN);
  log::configure(level_of(settings_.chatter), log::Format::kText);
  descriptors_ = edge::raise_descriptor_limit();
  own_arguments_ = arguments_of_this_process();
  config::Pool options = pool_options(settings_, policy);
  const Terms terms{.worker_connections = settings_.worker_connections,
                    .drain = settings_.drain,
                    .heartbeat = options.liveness.suspect / 5};
  terms_ = TRY(ipc::create_sealed_file("roundhouse-terms", terms.text()));
  board_ = TRY(ipc::Board::create_sparse(cluster::kWorkersMax, ipc::kMaxListeners));
  options.handoff.depth = edge::depth_that_fits(
      options.handoff.depth, descriptors_,
      edge::kOwnDescriptors + kDescriptorsOfMember * kPlannedFor, kPlannedFor);
  const auto resume = [this] { listeners_->resume(); };
  auto pool = TRY(edge::Pool::create_embedded(
      runtime_.loop(), options, {.board = &board_, .configuration_fd = terms_.get()},
      {.room = resume, .failed = [] {}, .turns = [] {}},
      {.make_handle = [this](auto place, auto& listener) { return make_handle(place, listener); },
       .set_program = [this](auto place, auto& program) { set_program(place, program); },
       .exited = [this](auto place, const auto& status) { on_exit(place, status); },
       .respawns = settings_.restart}));
  listeners_ = std::make_unique<SharedListeners>(runtime_.loop(), *pool, board_);
  pool_ = std::move(pool);
  policy_ = policy;
  return {};
}

Result<std::unique_ptr<edge::WorkerHandle>> Primary::make_handle(
    std::size_t place, edge::WorkerHandle::Listener& listener) {
  auto handle = TRY(MemberHandle::create(runtime_.loop(), place, listener, *this));
  seats_[place].handle = handle.get();
  return handle;
}

void Primary::set_program(std::size_t /*place*/, edge::Program& program) const {
  const std::string name = own_arguments_.empty() ? "worker" : own_arguments_.front();
  program.path = settings_.exec.empty() ? "/proc/self/exe" : settings_.exec;
  program.arguments = {settings_.exec.empty() ? name : settings_.exec};
  if (settings_.args) {
    program.arguments.insert(program.arguments.end(), settings_.args->begin(),
                             settings_.args->end());
  } else if (own_arguments_.size() > 1) {
    program.arguments.insert(program.arguments.end(), own_arguments_.begin() + 1,
                             own_arguments_.end());
  }
  program.cwd = settings_.cwd;
  program.identity = identity_.get();
}

// Of this child alone: others are the program's.
void Primary::reap(std::size_t place) {
  const pid_t pid = seats_[place].record->pid;
  int status = 0;
  rusage usage{};
  const pid_t reaped = ::wait4(pid, &status, WNOHANG, &usage);
  if (reaped == 0) return;
  // Else somebody has waited for it before us (or SIGCHLD is ignored): how it ended is not known.
  const bool known = reaped == pid;
  const edge::ExitStatus how = known ? edge::exit_status_of(status) : edge::ExitStatus{};
  const bool core = known && WIFSIGNALED(status) && WCOREDUMP(status);
  // It may be inside its own callback.
  seats_[place].watch->stop();
  runtime_.loop().delete_later(std::move(seats_[place].watch));
  pool_->reaped(pid, how, core, usage, Clock::now());
}

}  // namespace roundhouse::membership
