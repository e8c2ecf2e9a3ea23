// How the workers of a pool are replaced, added and taken away while it serves. Pure: no process,
// no clock. The pool carries out the steps and tells what came of them.
//
// First a trial, which can be taken back: `together`, all new workers are started and none serves
// before all are ready; else one goes first, and the others only when that is ready. commit() ends
// the trial. What does not go together then goes on one after the other, at most `surge` more than
// the pool has at once: a new worker is started, serves when it is ready, and the old one of its id
// drains; when that is gone it is the turn of the next.
#pragma once

#include <cstdint>
#include <vector>

#include "ipc/board.h"

namespace roundhouse::edge {

class Rollout {
 public:
  struct Plan {
    ipc::ExitReason reason{};           // why old workers end
    std::vector<std::uint32_t> starts;  // ids that get a new worker, whether they have one or not
    std::vector<std::uint32_t> leaves;  // ids that have none afterwards
    bool together = false;
    bool waits = true;  // for an old worker to be gone; else it may drain while others are replaced
    std::uint32_t surge = 1;
  };
  enum class State : std::uint8_t {
    kTrying,
    kReady,   // commit() or abort()
    kGoing,   // committed
    kDone,    // what is asked to drain may still do so
    kFailed,  // a new worker ended before it served; what was replaced before stays replaced
  };
  struct Step {
    enum class Kind : std::uint8_t {
      kStart,   // a new worker of this id, beside the old one
      kServe,   // it gets connections from now on, and is the worker of this id
      kRetire,  // the old one drains; tell gone() at once if there is none
      kDrop,    // the new one ends
    };
    Kind kind;
    std::uint32_t id;
    bool operator==(const Step&) const = default;
  };
  using Steps = std::vector<Step>;

  explicit Rollout(Plan plan);

  Steps begin();
  // What became of the new worker of this id, before it serves.
  Steps ready(std::uint32_t id);
  Steps lost(std::uint32_t id);
  // The old worker of this id has ended.
  Steps gone(std::uint32_t id);
  // REQUIRES: state kReady.
  Steps commit();
  // No more of it. What serves stays.
  Steps abort();

  State state() const { return state_; }
  bool running() const { return state_ != State::kDone && state_ != State::kFailed; }
  const Plan& plan() const { return plan_; }
  // New workers that serve.
  std::uint32_t replaced() const;
  // 0: none was.
  std::uint32_t lost_id() const { return lost_; }

 private:
  enum class Stage : std::uint8_t { kWaiting, kStarting, kReady, kServing, kDone };

  Stage* stage_of(std::uint32_t id);
  void start(std::size_t index, Steps& steps);
  void serve(std::size_t index, Steps& steps);
  void go_on(Steps& steps);

  Plan plan_;
  std::vector<Stage> stages_;  // of plan_.starts
  State state_ = State::kTrying;
  std::uint32_t lost_ = 0;
};

}  // namespace roundhouse::edge
