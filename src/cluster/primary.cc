#include "cluster/primary.h"

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "base/check.h"
#include "base/log.h"
#include "cluster/birth.h"
#include "edge/descriptor_budget.h"

namespace roundhouse::membership {

using cluster::Worker;

namespace {

// How often deadlines, heartbeats and pauses are looked at.
constexpr Duration kTick = std::chrono::milliseconds(100);

bool is_variable_name(std::string_view name) {
  return !name.empty() && name.find('=') == name.npos && name.find('\0') == name.npos;
}

// Said as well, since many programs do not look at what fork() returns.
std::unexpected<cluster::Error> refuse_start(const Error& error) {
  log::error("worker_start_failed", error.message);
  return std::unexpected(to_public(error));
}

}  // namespace

Primary::Primary(Runtime& runtime)
    : runtime_(runtime), ticker_(runtime.loop(), [this] { tick(); }) {}

Primary::~Primary() = default;

cluster::Result<Worker> Primary::start_worker(const cluster::Environment& environment) {
  for (const auto& [name, value] : environment) {
    if (!is_variable_name(name) || value.find('\0') != value.npos)
      return refuse(EINVAL, "fork: '" + name + "' cannot be the name of a variable");
  }
  if (pool_ == nullptr) {
    if (auto created = create_pool(); !created) return refuse_start(created.error());
  }
  const auto place = free_place();
  if (!place) return refuse_start(place.error());
  Seat& seat = seats_[*place];
  seat.environment = environment;
  if (auto started = pool_->start_worker(*place); !started) {
    pool_->retire_worker(*place, runtime_.loop().now());  // nor is it tried again
    return std::unexpected(to_public(started.error()));
  }
  if (!ticker_.running()) ticker_.start_periodic(kTick);
  return Worker(seat.record);
}

Result<std::size_t> Primary::free_place() {
  for (std::size_t place = 0; place < seats_.size(); ++place) {
    if (!pool_->is_occupied(place) && seats_[place].record == nullptr) return place;
  }
  const std::uint32_t depth = pool_->options().handoff.depth;
  const std::size_t more = seats_.size() + 1;
  const std::uint64_t others = edge::kOwnDescriptors + kDescriptorsOfMember * more;
  const bool fits = edge::depth_that_fits(depth, descriptors_, others, more) == depth;
  if (seats_.size() == cluster::kWorkersMax || !fits) {
    auto refused = fail_errno("fork: " + std::to_string(seats_.size()) +
                                  " workers live, and more do not fit under " +
                                  (fits ? "kWorkersMax" : "RLIMIT_NOFILE"),
                              EAGAIN);
    return refused;
  }
  seats_.emplace_back();
  auto added = pool_->add_place();
  if (!added) {
    seats_.pop_back();
    return std::unexpected(added.error());
  }
  return seats_.size() - 1;
}

std::vector<std::string> Primary::variables_for(std::size_t place) {
  Seat& seat = seats_[place];
  seat.coming = std::make_shared<WorkerRecord>();
  seat.coming->id = ++last_id_;
  seat.coming->place = static_cast<int>(place) + 1;
  std::vector<std::string> variables{std::string(kIdVariable) + "=" +
                                     std::to_string(seat.coming->id)};
  for (const auto& [name, value] : seat.environment)
    variables.emplace_back(name).append("=").append(value);
  return variables;
}

void Primary::on_started(std::size_t place, pid_t pid) {
  Seat& seat = seats_[place];
  seat.record = std::move(seat.coming);
  seat.record->pid = pid;
  seat.watch = std::make_unique<ProcessWatch>(runtime_.loop(), pid, [this, place] { reap(place); });
  runtime_.emit([this, record = seat.record] { runtime_.events().fork.call(Worker(record)); });
}

MemberHandle* Primary::handle_of(const WorkerRecord& record) const {
  if (record.dead || record.place == 0) return nullptr;
  const Seat& seat = seats_[static_cast<std::size_t>(record.place - 1)];
  return seat.record.get() == &record ? seat.handle : nullptr;
}

cluster::Result<void> Primary::send(const WorkerRecord& record, std::string_view bytes,
                                    int descriptor) {
  MemberHandle* const handle = handle_of(record);
  const int error = handle == nullptr
                        ? ENOTCONN
                        : handle->line().send({LineKind::kMessage, 0},
                                              std::as_bytes(std::span(bytes)), descriptor);
  if (error == 0) return {};
  return std::unexpected(
      to_public(fail_errno("send to worker " + std::to_string(record.id), error).error()));
}

cluster::Result<void> Primary::disconnect(WorkerRecord& record) {
  if (handle_of(record) == nullptr)
    return refuse(ENOTCONN, "disconnect: worker " + std::to_string(record.id) + " is gone");
  if (!record.leaving) retire(static_cast<std::size_t>(record.place - 1));
  return {};
}

void Primary::retire(std::size_t place) {
  if (const auto& record = seats_[place].record) record->leaving = true;
  listeners_->leaving(place);
  pool_->retire_worker(place, runtime_.loop().now() + pool_->options().timeouts.drain);
}

cluster::Result<void> Primary::kill(const WorkerRecord& record, int signal) {
  const std::string what = "kill worker " + std::to_string(record.id);
  if (signal < 0 || signal >= NSIG) return refuse(EINVAL, what + ": no such signal");
  MemberHandle* const handle = handle_of(record);
  if (handle == nullptr || !handle->signal(signal)) return refuse(ESRCH, what + ": it is dead");
  return {};
}

void Primary::disconnect_all(std::function<void()> when_all_gone) {
  if (when_all_gone) when_all_gone_.push_back(std::move(when_all_gone));
  for (std::size_t place = 0; place < seats_.size(); ++place) {
    const auto& record = seats_[place].record;
    if (pool_->is_occupied(place) && (record == nullptr || !record->leaving)) retire(place);
  }
  finish_if_over();
}

std::vector<Worker> Primary::workers() const {
  std::vector<Worker> all;
  for (const Seat& seat : seats_) {
    if (seat.record != nullptr) all.emplace_back(seat.record);
  }
  std::ranges::sort(all, {}, &Worker::id);
  return all;
}

void Primary::run() {
  finish_if_over();
  runtime_.loop().run();
}

// An exit event has been told by the time its seat is free.
bool Primary::is_over() const {
  for (std::size_t place = 0; place < seats_.size(); ++place) {
    if (seats_[place].record != nullptr || pool_->is_occupied(place)) return false;
  }
  return true;
}

// In a turn of its own: what the program does in its last events may begin anew.
void Primary::finish_if_over() {
  runtime_.loop().defer([this] {
    if (!is_over()) return;
    for (const auto& callback : std::exchange(when_all_gone_, {})) call_out(callback);
    if (!is_over()) return;
    ticker_.stop();
    if (listeners_ != nullptr) listeners_->close_all();
    runtime_.loop().stop();
  });
}

void Primary::tick() {
  for (std::size_t place = 0; place < seats_.size(); ++place) {
    const Seat& seat = seats_[place];
    if (seat.watch != nullptr && !seat.watch->works()) reap(place);
  }
  pool_->tick(runtime_.loop().now());
}

void Primary::on_exit(std::size_t place, const edge::ExitStatus& status) {
  const std::shared_ptr<WorkerRecord> record = seats_[place].record;
  CHECK(record != nullptr);
  record->dead = true;
  tell_disconnected(record);
  listeners_->gone(place, record->leaving);
  runtime_.emit([this, record, status, place] {
    // First, so that a fork in the event gets its place. A restart policy may have filled it
    // already.
    if (seats_[place].record == record) seats_[place].record = nullptr;
    runtime_.events().exit.call(Worker(record), status.code, status.signal);
    finish_if_over();
  });
}

void Primary::tell_disconnected(const std::shared_ptr<WorkerRecord>& record) {
  if (!std::exchange(record->connected, false)) return;
  runtime_.emit([this, record] { runtime_.events().disconnect.call(Worker(record)); });
}

void Primary::on_line_ended(std::size_t place) {
  if (seats_[place].record != nullptr) tell_disconnected(seats_[place].record);
}

}  // namespace roundhouse::membership
