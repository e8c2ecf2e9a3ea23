#include "net/event_loop.h"

#include "base/check.h"

namespace roundhouse {
namespace {

timeval to_timeval(Duration duration) {
  if (duration < Duration::zero()) duration = Duration::zero();
  const auto us = std::chrono::ceil<std::chrono::microseconds>(duration).count();
  return {.tv_sec = us / 1'000'000, .tv_usec = us % 1'000'000};
}

}  // namespace

Result<std::unique_ptr<EventLoop>> EventLoop::create() {
  event_config* config = event_config_new();
  if (config == nullptr) return fail("no memory for an event loop", ExitCode::kSystem);
  event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
  event_config_require_features(config, EV_FEATURE_ET | EV_FEATURE_O1);
  event_base* base = event_base_new_with_config(config);
  event_config_free(config);
  if (base == nullptr) return fail("epoll is not available", ExitCode::kSystem);
  return std::unique_ptr<EventLoop>(new EventLoop(base, false));
}

std::unique_ptr<EventLoop> EventLoop::adopt(event_base* base) {
  std::unique_ptr<EventLoop> loop(new EventLoop(base, true));
  CHECK(event_assign(&loop->end_, base, -1, 0, &EventLoop::end_fired, loop.get()) == 0);
  return loop;
}

EventLoop::~EventLoop() {
  deferred_.clear();
  retired_.clear();
  if (adopted_)
    event_del(&end_);
  else
    event_base_free(base_);
}

void EventLoop::run() {
  stopping_ = false;
  while (!stopping_) {
    if (!deferred_.empty() || !retired_.empty()) end_turn();
    if (stopping_) break;
    if (event_base_loop(base_, EVLOOP_ONCE) != 0) break;  // 1: nothing left to wait for
    end_turn();
  }
}

Time EventLoop::now() { return in_turn_ ? turn_began_ : Clock::now(); }

void EventLoop::begin_turn() {
  if (adopted_) schedule_end();
  note_begin();
}

void EventLoop::note_begin() {
  if (std::exchange(in_turn_, true)) return;
  turn_began_ = Clock::now();
}

// Behind the callbacks that are ready in this pass.
void EventLoop::schedule_end() {
  if (std::exchange(end_is_due_, true)) return;
  event_active(&end_, EV_TIMEOUT, 0);
}

void EventLoop::end_fired(int /*fd*/, short /*what*/, void* self) noexcept {
  auto* loop = static_cast<EventLoop*>(self);
  loop->end_is_due_ = false;
  loop->end_turn();
}

void EventLoop::end_turn() {
  note_begin();
  while (!deferred_.empty()) {
    auto work = std::exchange(deferred_, {});
    for (const auto& item : work) item();
  }
  // What is destroyed may retire more.
  while (!retired_.empty()) std::exchange(retired_, {}).clear();
  busy_ += Clock::now() - turn_began_;
  in_turn_ = false;
}

void IoWatcher::watch(EventLoop& loop, int fd, Interest interest, Trigger trigger,
                      IoHandler& handler) {
  stop();
  if (interest == Interest::kNone) return;
  loop_ = &loop;
  handler_ = &handler;
  auto what =
      static_cast<short>(static_cast<short>(interest) | static_cast<short>(trigger) | EV_PERSIST);
  // Who stops reading at a short read would otherwise miss an end that came with the last bytes.
  if (trigger == Trigger::kEdge && (what & EV_READ) != 0) what |= EV_CLOSED;
  CHECK(event_assign(&event_, loop.base(), fd, what, &IoWatcher::fired, this) == 0);
  CHECK(event_add(&event_, nullptr) == 0);
  watching_ = true;
}

void IoWatcher::stop() {
  if (watching_) event_del(&event_);
  watching_ = false;
}

void IoWatcher::fired(int /*fd*/, short what, void* self) noexcept {
  auto* watcher = static_cast<IoWatcher*>(self);
  watcher->loop_->begin_turn();
  watcher->handler_->on_ready({.readable = (what & (EV_READ | EV_CLOSED)) != 0,
                               .writable = (what & EV_WRITE) != 0,
                               .ending = (what & EV_CLOSED) != 0});
}

Timer::Timer(EventLoop& loop, std::function<void()> callback)
    : loop_(loop), callback_(std::move(callback)) {}

void Timer::start(Duration after, short flags) {
  stop();
  periodic_ = (flags & EV_PERSIST) != 0;
  CHECK(event_assign(&event_, loop_.base(), -1, flags, &Timer::fired, this) == 0);
  const timeval delay = to_timeval(after);
  CHECK(event_add(&event_, &delay) == 0);
  running_ = true;
}

void Timer::stop() {
  if (running_) event_del(&event_);
  running_ = false;
}

void Timer::fired(int /*fd*/, short /*what*/, void* self) noexcept {
  auto* timer = static_cast<Timer*>(self);
  timer->loop_.begin_turn();
  if (!timer->periodic_) timer->running_ = false;
  timer->callback_();
}

SignalWatcher::SignalWatcher(EventLoop& loop, int signal, std::function<void()> callback)
    : loop_(loop), callback_(std::move(callback)) {
  CHECK(event_assign(&event_, loop.base(), signal, EV_SIGNAL | EV_PERSIST, &SignalWatcher::fired,
                     this) == 0);
  CHECK(event_add(&event_, nullptr) == 0);
}

SignalWatcher::~SignalWatcher() { event_del(&event_); }

void SignalWatcher::fired(int /*signal*/, short /*what*/, void* self) noexcept {
  auto* watcher = static_cast<SignalWatcher*>(self);
  watcher->loop_.begin_turn();
  watcher->callback_();
}

}  // namespace roundhouse
