#include "bench/load/load.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <deque>

namespace roundhouse::bench {
namespace {

constexpr Duration kDeadlinesEvery = std::chrono::milliseconds(5);

class Load {
 public:
  Load(const Options& options, const std::atomic<bool>& stop);
  Report run();

 private:
  void begin_what_is_due();
  void wait();
  bool over() const;
  // When the next request begins; the past where there is no rate.
  Time next_begin() const;

  const std::atomic<bool>& stop_;
  UniqueFd epoll_;
  Run run_;
  std::deque<Client> clients_;
  std::deque<Client*> idle_;  // taken from the back: each in its turn
  std::uint64_t begun_ = 0;
  Time now_;
  Time deadlines_at_{};
};

std::string request_of(const Options& options) {
  return "GET " + options.path + " HTTP/1.1\r\nHost: localhost\r\nConnection: " +
         (options.mode == Mode::kClose ? "close" : "keep-alive") + "\r\n\r\n";
}

Load::Load(const Options& options, const std::atomic<bool>& stop)
    : stop_(stop),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      run_{.options = options,
           .request = request_of(options),
           .start = Clock::now(),
           .epoll = epoll_.get(),
           .report = Report(Clock::now())},
      now_(run_.start) {
  for (std::uint32_t i = 0; i < options.clients; ++i) {
    idle_.push_back(&clients_.emplace_back(run_, i));
  }
}

Report Load::run() {
  while (true) {
    begin_what_is_due();
    if (over() && idle_.size() == clients_.size()) break;
    wait();
  }
  return std::move(run_.report);
}

bool Load::over() const {
  const Options& options = run_.options;
  return stop_.load(std::memory_order_relaxed) ||
         (options.requests > 0 && begun_ >= options.requests) ||
         (options.time > Duration{} && now_ >= run_.start + options.time);
}

Time Load::next_begin() const {
  if (run_.options.rate <= 0) return run_.start;
  const double after = static_cast<double>(begun_) / run_.options.rate;
  return run_.start + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(after));
}

void Load::begin_what_is_due() {
  while (!idle_.empty() && !over() && next_begin() <= now_) {
    Client* client = idle_.back();
    idle_.pop_back();
    const Time now = Clock::now();
    client->begin(run_.options.rate > 0 ? next_begin() : now, now);
    ++begun_;
  }
}

void Load::wait() {
  Duration patience = kDeadlinesEvery;
  const bool waits_for_time = !idle_.empty() && !over();
  if (waits_for_time) patience = std::clamp(next_begin() - now_, Duration{}, kDeadlinesEvery);
  const timespec timeout{.tv_sec = 0, .tv_nsec = static_cast<long>(patience.count())};
  std::array<epoll_event, 256> events{};
  const int count = ::epoll_pwait2(epoll_.get(), events.data(), events.size(), &timeout, nullptr);
  now_ = Clock::now();
  const auto tell = [this](Client& client, auto what) {
    const bool was_idle = client.idle();
    what(client);
    if (client.idle() && !was_idle) idle_.push_front(&client);
  };
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    tell(*static_cast<Client*>(event.data.ptr),
         [&](Client& client) { client.on_ready(event.events, now_); });
  }
  if (now_ < deadlines_at_) return;
  deadlines_at_ = now_ + kDeadlinesEvery;
  for (Client& client : clients_) {
    tell(client, [&](Client& one) { one.on_time(now_); });
  }
}

}  // namespace

Report run_load(const Options& options, const std::atomic<bool>& stop) {
  return Load(options, stop).run();
}

}  // namespace roundhouse::bench
