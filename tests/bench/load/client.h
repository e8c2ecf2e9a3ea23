// One client: makes a request, waits for its answer, tells the report what became of it.
//
//   idle -> connecting -> awaiting -> idle              an answer, the connection kept
//                                  -> finishing -> idle an answer, the connection's end awaited
//                                  -> holding -> idle   an answer, the connection kept until `hold`
//
// Every failure closes the connection and is followed by a short rest, so that clients who are
// refused leave the machine to the server. Edge-triggered: on_ready reads and writes until it
// cannot.
#pragma once

#include <cstdint>
#include <string>

#include "base/unique_fd.h"
#include "bench/load/answer.h"
#include "bench/load/options.h"
#include "bench/load/report.h"

namespace roundhouse::bench {

// What all clients of a run have in common.
struct Run {
  Options options;
  std::string request;  // the bytes that each client sends
  Time start;
  int epoll = -1;
  Report report;
};

class Client {
 public:
  // `index` numbers the clients: each connects from an address of its own in 127.1.0.0/16, so that
  // local ports suffice. `run` outlives it.
  Client(Run& run, std::uint32_t index) : run_(run), index_(index), answer_(run.options.expected) {}

  bool idle() const { return state_ == State::kIdle; }
  // REQUIRES: idle(). Its latency counts from `begun`, which may lie in the past.
  void begin(Time begun, Time now);
  void on_ready(std::uint32_t events, Time now);
  // Deadlines. At least every few milliseconds.
  void on_time(Time now);

 private:
  enum class State { kIdle, kConnecting, kAwaiting, kFinishing, kHolding, kResting };

  bool connect(Time now);  // false: failed, and told
  void send(Time now);
  void receive(bool ended, Time now);
  void on_end(int error, Time now);  // 0: end of file
  void on_answer(Time now);
  void fail(Outcome outcome, Time now);

  Run& run_;
  const std::uint32_t index_;
  UniqueFd fd_;
  State state_ = State::kIdle;
  Time begun_{};
  Time connect_by_{};
  Time rest_until_{};
  std::size_t sent_ = 0;
  Answer answer_;
};

}  // namespace roundhouse::bench
