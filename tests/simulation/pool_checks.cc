// The rules that hold at the end of each turn of the edge.
#include <algorithm>

#include "simulation/pool.h"

namespace roundhouse::simulation {

void Pool::check_turn() {
  Record& record = world_.record;
  const std::size_t at_edge = world_.ledger.at_edge_count(index_);
  record.check(at_edge == dispatcher_.waiting(), "the edge owns ", at_edge, " connections, but ",
               dispatcher_.waiting(), " wait there");
  const config::Pool& options = plan_.options;
  // A liar's channel fills up to what it holds; else handoff.depth bounds it.
  const std::size_t each =
      std::ranges::all_of(all_honest_, std::identity()) ? options.handoff.depth : kChannelCapacity;
  const std::size_t most = workers_.size() * (each + ipc::kMaxDescriptors);
  record.check(dispatcher_.waiting() <= most, dispatcher_.waiting(), " wait in the edge");
  for (std::size_t place = 0; place < workers_.size(); ++place) check_counts(place);
  if (options.policy == config::Policy::kRr) check_rotation();
  for (Listener& listener : listeners_) listener.accepted.clear();
}

void Pool::check_counts(std::size_t place) {
  Record& record = world_.record;
  const edge::HandoffCounts& counts = dispatcher_.counts(place);
  edge::HandoffCounts& last = last_counts_[place];
  record.check(counts.given >= last.given && counts.taken >= last.taken &&
                   counts.taken_back >= last.taken_back,
               "a counter of place ", place, " goes back");
  last = counts;
  const std::size_t untaken = dispatcher_.untaken(place);
  record.check(counts.given == counts.taken + counts.taken_back + untaken, "place ", place, ": ",
               counts.given, " given are not ", counts.taken, " taken, ", counts.taken_back,
               " taken back, ", untaken, " untaken");
  record.check(untaken <= plan_.options.handoff.depth, "place ", place, " has ", untaken,
               " untaken, more than handoff.depth");
  const Worker* worker = workers_[place];
  if (worker == nullptr) {
    record.check(untaken == 0, "place ", place, " has untaken connections without a process");
    record.check(!all_honest_[place] || counts.taken == took_[place], "place ", place, " took ",
                 took_[place], ", counted are ", counts.taken);
  } else if (worker->honest()) {
    record.check(worker->untaken() <= untaken, worker->seat(), " has ", worker->untaken(),
                 " in its channel, counted are ", untaken);
    record.check(
        worker->open() + worker->untaken() <= plan_.options.worker_connections || !worker->alive(),
        worker->seat(), " has more than worker_connections open and untaken");
  }
}

// Everybody was eligible throughout the turn if nothing happened in it but accepting, and all are
// eligible still.
void Pool::check_rotation() {
  bool plain = plain_;
  for (std::size_t place = 0; place < workers_.size(); ++place) {
    const Worker* worker = workers_[place];
    plain = plain && worker != nullptr && worker->serving() && worker->honest() &&
            !dispatcher_.stalled(place) &&
            dispatcher_.untaken(place) < plan_.options.handoff.depth &&
            worker->open() + dispatcher_.untaken(place) < plan_.options.worker_connections;
  }
  // A refused send changes who gets what, now and until the channel is tried again.
  plain = plain && !plan_.faults.full_channels && !plan_.faults.broken_channels;
  if (!plain && !plain_) rotation_.forget();
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    std::vector<std::size_t> places;
    for (const Id id : listeners_[i].accepted) places.push_back(world_.ledger.place_of(id));
    rotation_.turn(i, places, plain);
  }
}

}  // namespace roundhouse::simulation
