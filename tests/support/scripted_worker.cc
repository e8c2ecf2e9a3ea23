// A native worker that behaves as its first argument says: for tests of what the edge owes to
// programs that do not behave.
//
//   serve            answers every connection with its worker id, then closes it
//   exit CODE        ends at once
//   crash-later MS   becomes ready, ends with SIGSEGV after MS milliseconds
//   never-ready      runs, says nothing, ignores SIGTERM
//   malformed        becomes ready, then sends three bytes that are no message
//   lie              claims to have taken everything that will ever come, and takes nothing
//   deaf             becomes ready, ignores SIGTERM and drains
//   boast            becomes ready, claims more open connections than anybody can have, takes
//   nothing storm            becomes ready, then says Room without end
//   forge            keeps every connection; when it drains, gives them back as another client's
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "ipc/heritage.h"
#include "ipc/shared_memory.h"
#include "ipc/slot.h"
#include "native/connection_source.h"
#include "net/event_loop.h"

namespace roundhouse {
namespace {

class AnswerAndClose final : public native::ConnectionSink {
 public:
  explicit AnswerAndClose(EventLoop& loop) : loop_(loop) {}
  void serve_from(native::ConnectionSource& source) { source_ = &source; }

  void on_connection(UniqueFd fd, const ipc::ConnectionInfo& info) override {
    const std::string body = "scripted worker " + std::to_string(source_->worker_id()) + "\n";
    const std::string answer =
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
        "\r\n\r\n" + body;
    char request[4096];
    ::send(fd.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
    ::shutdown(fd.get(), SHUT_WR);
    while (::recv(fd.get(), request, sizeof request, MSG_DONTWAIT) > 0) {
    }
    source_->connection_closed(info.listener);
  }
  void on_drain(const ipc::DrainTerms& /*terms*/) override { loop_.stop(); }

 private:
  EventLoop& loop_;
  native::ConnectionSource* source_ = nullptr;
};

class ForgeAndGiveBack final : public native::ConnectionSink {
 public:
  explicit ForgeAndGiveBack(EventLoop& loop) : loop_(loop) {}
  void serve_from(native::ConnectionSource& source) { source_ = &source; }

  void on_connection(UniqueFd fd, const ipc::ConnectionInfo& info) override {
    infos_.push_back(info);
    infos_.back().begun = 1;
    ipc::set_peer(infos_.back(), Address::parse("192.0.2.66:1").value());
    descriptors_.push_back(fd.get());
    kept_.push_back(std::move(fd));
  }
  void on_drain(const ipc::DrainTerms& /*terms*/) override {
    source_->give_back(infos_, descriptors_);
    loop_.stop();
  }

 private:
  EventLoop& loop_;
  native::ConnectionSource* source_ = nullptr;
  std::vector<UniqueFd> kept_;
  std::vector<int> descriptors_;
  std::vector<ipc::ConnectionInfo> infos_;
};

void say_ready(ipc::Channel& channel) {
  ipc::NoticeMessage ready{};
  channel.send(ready, ipc::MessageType::kReady);
}

[[noreturn]] void misbehave(const std::string& script, ipc::Heritage& heritage, ipc::Slot& slot) {
  ipc::Channel channel(std::move(heritage.channel));
  ::signal(SIGTERM, SIG_IGN);
  if (script == "malformed") {
    say_ready(channel);
    ::send(channel.fd(), "abc", 3, MSG_NOSIGNAL);
  } else if (script == "lie") {
    slot.taken.store(~0ULL);
    say_ready(channel);
  } else if (script == "boast") {
    slot.connections_active.store(~0U);
    for (ipc::Gauge& active : slot.listener_active) active.store(~0U);
    say_ready(channel);
  } else if (script == "return") {
    say_ready(channel);
    const ipc::ConnectionInfo any{};
    const int descriptor = channel.fd();
    channel.send(ipc::MessageType::kReturn, 0, std::span(&any, 1), std::span(&descriptor, 1));
  } else if (script == "answer") {
    say_ready(channel);
    ipc::TlsAnswerMessage answer{};
    answer.number = 1;
    channel.send(answer, ipc::MessageType::kTlsAnswer);
  } else if (script == "deaf" || script == "storm") {
    say_ready(channel);
  }
  for (;;) {
    if (script != "malformed" && script != "never-ready")
      slot.heartbeat_ns.store(nanoseconds(Clock::now()));
    ipc::NoticeMessage room{};
    for (int i = 0; script == "storm" && i < 100'000; ++i)
      channel.send(room, ipc::MessageType::kRoom);
    pollfd channel_end{.fd = channel.fd(), .events = 0, .revents = 0};
    if (::poll(&channel_end, 1, 50) > 0) ::_exit(0);  // the edge is dead
  }
}

int run_script(int count, char** arguments) {
  const std::string script = count > 1 ? arguments[1] : "serve";
  const int number = count > 2 ? std::atoi(arguments[2]) : 0;
  if (script == "exit") return number;
  auto heritage = ipc::Heritage::take();
  if (!heritage) return 2;
  auto slot = ipc::Shared<ipc::Slot>::open(std::move(heritage->memory), ipc::Access::kReadWrite);
  if (!slot) return 2;
  const bool behaves = script == "serve" || script == "crash-later" || script == "forge";
  if (!behaves) misbehave(script, *heritage, **slot);
  auto loop = EventLoop::create();
  if (!loop) return 2;
  AnswerAndClose answers(**loop);
  ForgeAndGiveBack forges(**loop);
  native::ConnectionSink& sink =
      script == "forge" ? static_cast<native::ConnectionSink&>(forges) : answers;
  native::ConnectionSource source(**loop, std::move(*heritage), **slot, {}, sink);
  answers.serve_from(source);
  forges.serve_from(source);
  Timer crash(**loop, [] { ::raise(SIGSEGV); });
  if (script == "crash-later") crash.start_once(std::chrono::milliseconds(number));
  source.start();
  (*loop)->run();
  return 0;
}

}  // namespace
}  // namespace roundhouse

int main(int count, char** arguments) { return roundhouse::run_script(count, arguments); }
