// The functions of <roundhouse/cluster.h>, worker.h, loop.h: each asks the primary or the worker
// that this process is.
#include <roundhouse/cluster.h>

#include <cerrno>
#include <csignal>

#include "cluster/birth.h"
#include "cluster/member.h"
#include "cluster/primary.h"
#include "cluster/records.h"
#include "cluster/runtime.h"
#include "config/cpu_count.h"

namespace roundhouse::cluster {

using membership::Runtime;

namespace {

std::unexpected<Error> of_the_primary(const char* what) {
  return membership::refuse(EPERM, std::string(what) + " belongs to the primary");
}

Runtime& runtime() { return Runtime::get(); }

}  // namespace

static_assert(kMessageBytesMax == membership::kLineBytesMax);
static_assert(kMessagesQueuedMax == membership::kLineQueuedMax);
static_assert(kListenersMax == ipc::kMaxListeners);

Scheduling scheduling_policy() {
  return is_worker() ? Scheduling::round_robin : runtime().primary().policy();
}

Result<void> set_scheduling_policy(Scheduling policy) {
  if (is_worker()) return of_the_primary("set_scheduling_policy");
  return runtime().primary().set_policy(policy);
}

Result<void> setup_primary(Settings settings) {
  if (is_worker()) return of_the_primary("setup_primary");
  return runtime().primary().set_up(std::move(settings));
}

const Settings& settings() {
  static const Settings none;
  return is_worker() ? none : runtime().primary().settings();
}

Result<Worker> fork(const Environment& environment) {
  if (is_worker()) return of_the_primary("fork");
  return runtime().primary().start_worker(environment);
}

std::vector<Worker> workers() {
  return is_worker() ? std::vector<Worker>() : runtime().primary().workers();
}

Worker worker() { return is_worker() ? runtime().member().self() : Worker(); }

Result<void> disconnect(std::function<void()> when_all_gone) {
  if (is_worker()) return of_the_primary("disconnect");
  runtime().primary().disconnect_all(std::move(when_all_gone));
  return {};
}

unsigned cpu_count() { return config::cpu_count(); }

void on_setup(std::function<void(const Settings&)> callback) {
  runtime().events().setup.add(std::move(callback));
}
void on_fork(std::function<void(Worker)> callback) {
  runtime().events().fork.add(std::move(callback));
}
void on_online(std::function<void(Worker)> callback) {
  runtime().events().online.add(std::move(callback));
}
void on_listening(std::function<void(Worker, const Listening&)> callback) {
  runtime().events().listening.add(std::move(callback));
}
void on_exit(std::function<void(Worker, int, int)> callback) {
  runtime().events().exit.add(std::move(callback));
}
void on_message(std::function<void(Worker, Message&)> callback) {
  runtime().events().message.add(std::move(callback));
}
void on_disconnect(std::function<void(Worker)> callback) {
  runtime().events().disconnect.add(std::move(callback));
}
void on_draining(std::function<void()> callback) {
  runtime().events().draining.add(std::move(callback));
}

int Worker::id() const { return record_ == nullptr ? 0 : record_->id; }
int Worker::place() const { return record_ == nullptr ? 0 : record_->place; }
pid_t Worker::pid() const { return record_ == nullptr ? 0 : record_->pid; }
bool Worker::is_connected() const { return record_ != nullptr && record_->connected; }
bool Worker::is_dead() const { return record_ == nullptr || record_->dead; }
bool Worker::exited_after_disconnect() const { return record_ != nullptr && record_->leaving; }

Result<void> Worker::send(std::string_view bytes, int descriptor) const {
  if (record_ == nullptr) return membership::refuse(ENOTCONN, "send: there is no such worker");
  return is_worker() ? runtime().member().send(bytes, descriptor)
                     : runtime().primary().send(*record_, bytes, descriptor);
}

Result<void> Worker::disconnect() const {
  if (record_ == nullptr)
    return membership::refuse(ENOTCONN, "disconnect: there is no such worker");
  return is_worker() ? runtime().member().disconnect() : runtime().primary().disconnect(*record_);
}

Result<void> Worker::kill(int signal) const {
  if (record_ == nullptr) return membership::refuse(ESRCH, "kill: there is no such worker");
  if (is_worker()) runtime().member().leave_now();
  return runtime().primary().kill(*record_, signal);
}

int run() {
  runtime().run();
  return 0;
}

void stop() { runtime().loop().stop(); }

Result<void> use_event_base(::event_base* base) {
  if (runtime().use(base)) return {};
  return membership::refuse(EALREADY, "use_event_base: a loop is in use");
}

::event_base* base() { return runtime().loop().base(); }

struct Watch::Body final : IoHandler {
  Body(int fd, std::function<void()> read) : callback(std::move(read)) {
    watcher.watch(runtime().loop(), fd, Interest::kRead, Trigger::kLevel, *this);
  }
  // A copy: it may destroy this.
  void on_ready(Ready /*ready*/) override {
    const auto called = callback;
    membership::call_out(called);
  }
  std::function<void()> callback;
  IoWatcher watcher;
};

Watch::Watch(int fd, std::function<void()> callback)
    : body_(std::make_unique<Body>(fd, std::move(callback))) {}
Watch::~Watch() {
  if (body_ == nullptr) return;
  body_->watcher.stop();
  runtime().loop().delete_later(std::move(body_));
}
Watch::Watch(Watch&&) noexcept = default;
Watch& Watch::operator=(Watch&& other) noexcept {
  std::swap(body_, other.body_);
  return *this;
}

void after(std::chrono::milliseconds delay, std::function<void()> callback) {
  runtime().after(delay, std::move(callback));
}

Result<void> on_signal(int signal, std::function<void()> callback) {
  if (signal <= 0 || signal >= NSIG || signal == SIGKILL || signal == SIGSTOP)
    return membership::refuse(EINVAL, "on_signal: " + std::to_string(signal) + " cannot be caught");
  runtime().watch_signal(signal, std::move(callback));
  return {};
}

}  // namespace roundhouse::cluster
