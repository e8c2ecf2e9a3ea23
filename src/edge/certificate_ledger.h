// Which workers of a pool use which certificates, by what they say themselves. Pure: told the time.
//
// Certificates have numbers, which grow. Who drains, or has ended, is in it no more.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"

namespace roundhouse::edge {

class CertificateLedger {
 public:
  // A worker that could not use them gets the same ones again after so long: what it lacked may be
  // there then.
  static constexpr Duration kAgain = std::chrono::seconds(30);

  enum class News { kNone, kRefused, kAcceptedAgain };

  // A process was started with these; once it is ready it uses them.
  void started(std::size_t place, std::uint64_t number) {
    entries_[place] = {.given = number, .answered = number, .used = number};
  }
  void left(std::size_t place) { entries_.erase(place); }
  // It runs, and is given these: it owes an answer.
  void given(std::size_t place, std::uint64_t number) { entries_[place].given = number; }
  // `refusal`: why it goes on with those before; "" if it does not. News are for the log, each
  // once.
  News answered(std::size_t place, std::uint64_t number, const std::string& refusal, Time now);
  // Those that refused long enough ago; each once.
  std::vector<std::size_t> due_again(Time now);

  bool refuses(std::size_t place) const;
  std::size_t owing() const;
  std::size_t refusing() const;
  // Of the first that refuses.
  std::string refusal() const;
  // Number of those that it uses; 0: none, or it is not known.
  std::uint64_t used(std::size_t place) const;

 private:
  struct Entry {
    std::uint64_t given = 0;
    std::uint64_t answered = 0;
    std::uint64_t used = 0;
    std::string refusal = {};
    Time again = Time::max();
  };
  std::map<std::size_t, Entry> entries_;  // by place
};

}  // namespace roundhouse::edge
