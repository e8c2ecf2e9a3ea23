// One pool of the edge, with its listeners: the real supervisor, scheduler and dispatcher, called
// in the order in which edge/pool and edge/acceptor call them, over simulated workers and backlogs.
// After each turn the rules of the hand-off are checked.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "simulation/rotation_watch.h"
#include "simulation/supervision_watch.h"
#include "simulation/worker.h"

namespace roundhouse::simulation {

class Pool final : private Worker::Edge {
 public:
  // `wake` asks for a turn of the edge.
  Pool(World& world, std::size_t index, std::function<void()> wake);

  void start();
  void arrive(std::size_t listener);
  // One turn of the edge's loop: all that is due, in a random order, then flush and checks.
  void turn();
  void tick_is_due() { tick_due_ = true; }
  void stop(Time deadline) { stop_at_ = deadline; }
  void calm();
  // Sends each worker one connection and sees that it gets it: nobody is left out for ever.
  void begin_probe();
  void end_probe();
  // The edge ends: what it still holds is closed.
  void end();

  bool all_gone() const { return supervisor_.all_gone(); }
  bool failed() const { return failed_; }
  bool has_died() const;       // every place has failed for good
  bool has_recovered() const;  // every other place served at or after calm()
  bool stopping() const { return stopping_; }
  const config::Pool& options() const { return plan_.options; }
  std::uint64_t rotations_checked() const { return rotation_.checked(); }
  std::size_t processes() const { return processes_.size(); }

 private:
  struct Listener {
    std::deque<Id> backlog;
    bool accepting = false;
    bool closed = false;
    bool retry_due = false;
    std::vector<Id> accepted;  // this turn
  };
  struct Inbox {
    std::deque<Worker::Notice> notices;
    std::optional<edge::ExitStatus> death;
  };

  void heard(std::size_t place, Worker::Notice notice) override;
  void died(std::size_t place, const edge::ExitStatus& status) override;

  void carry_out(const edge::Actions& actions);
  void start_process(std::size_t place);
  void read_notices(std::size_t place);
  void reap(std::size_t place);
  void tick();
  void watch_untaken();
  void watch_again();
  void observe();
  void accept(Listener& listener);
  void resume(Listener& listener);
  void resume_all();
  void begin_stop();

  void check_turn();
  void check_counts(std::size_t place);
  void check_rotation();

  World& world_;
  Plan::Pool& plan_;
  const std::size_t index_;
  const std::function<void()> wake_;
  edge::Supervisor supervisor_;
  edge::Dispatcher dispatcher_;
  SupervisionWatch watch_;
  RotationWatch rotation_;
  std::vector<std::unique_ptr<Worker>> processes_;  // all there ever were: events point to them
  std::vector<Worker*> workers_;                    // by place; none: nullptr
  std::vector<Inbox> inboxes_;
  std::vector<Listener> listeners_;
  std::vector<edge::HandoffCounts> last_counts_;
  std::vector<std::uint64_t> took_;                // by place, of the dead
  std::vector<bool> all_honest_;                   // by place: nobody there ever lied
  std::vector<std::uint64_t> given_before_probe_;  // by place; 0: not probed
  std::vector<bool> recovered_;                    // by place
  std::optional<Time> stop_at_;                    // asked to stop by then
  bool plain_ = true;                              // nothing but accepting and ticking in this turn
  bool tick_due_ = false;
  bool untaken_due_ = false;
  bool untaken_running_ = false;
  bool flush_due_ = false;
  bool stopping_ = false;
  bool failed_ = false;
  bool killed_at_stop_ = false;
};

}  // namespace roundhouse::simulation
