#include "cluster/runtime.h"

#include "base/address.h"
#include "base/check.h"
#include "cluster/birth.h"
#include "cluster/member.h"
#include "cluster/primary.h"

namespace roundhouse::membership {

struct Runtime::Delayed {
  Delayed(EventLoop& loop, std::function<void()> callback) : timer(loop, std::move(callback)) {}
  Timer timer;
};

Runtime::Runtime() = default;

Runtime& Runtime::get() {
  static Runtime* const runtime = new Runtime();
  return *runtime;
}

bool Runtime::use(event_base* base) {
  if (loop_ != nullptr) return false;
  loop_ = EventLoop::adopt(base);
  return true;
}

EventLoop& Runtime::loop() {
  if (loop_ == nullptr) {
    auto created = EventLoop::create();
    CHECK(created);  // epoll and some memory
    loop_ = *std::move(created);
  }
  return *loop_;
}

Primary& Runtime::primary() {
  if (primary_ == nullptr) primary_ = std::make_unique<Primary>(*this);
  return *primary_;
}

Member& Runtime::member() {
  if (member_ == nullptr) member_ = std::make_unique<Member>(*this, birth());
  return *member_;
}

void Runtime::watch_signal(int number, std::function<void()> callback) {
  signals_.push_back(std::make_unique<SignalWatcher>(
      loop(), number, [callback = std::move(callback)] { call_out(callback); }));
}

void Runtime::after(Duration delay, std::function<void()> callback) {
  std::erase_if(delayed_, [](const auto& delayed) { return !delayed->timer.running(); });
  delayed_.push_back(
      std::make_unique<Delayed>(loop(), [callback = std::move(callback)] { call_out(callback); }));
  delayed_.back()->timer.start_once(delay);
}

void Runtime::run() {
  if (birth().is_worker) {
    member().run();
  } else {
    primary().run();
  }
}

cluster::Listening listening_at(const std::string& address) {
  cluster::Listening listening{.address = address};
  const auto parsed = Address::parse(address);
  if (parsed && !parsed->is_unix()) listening.port = parsed->port();
  return listening;
}

std::string peer_text(const ipc::ConnectionInfo& info) {
  const Address peer = ipc::peer_of(info);
  return info.peer_family == AF_UNIX ? "unix" : peer.to_string();
}

void deliver(const Events& events, const cluster::Worker& worker, std::string_view bytes,
             UniqueFd& descriptor) {
  cluster::Message message(bytes, descriptor.get());
  events.message.call(worker, message);
  const bool taken = descriptor && message.descriptor() < 0;
  if (taken) static_cast<void>(descriptor.release());
}

cluster::Error to_public(const Error& error) { return {error.message, error.system_errno}; }

std::unexpected<cluster::Error> refuse(int number, std::string_view what) {
  return std::unexpected(cluster::Error{std::string(what), number});
}

}  // namespace roundhouse::membership
