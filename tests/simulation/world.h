// What every part of a run shares: time, chance, the record, the ledger.
#pragma once

#include "simulation/ledger.h"
#include "simulation/plan.h"
#include "simulation/random.h"
#include "simulation/record.h"
#include "simulation/timeline.h"

namespace roundhouse::simulation {

struct World {
  // Without a plan the seed makes one.
  World(std::uint64_t seed, bool tracing, std::optional<Plan> given)
      : random(seed),
        record(timeline, tracing),
        ledger(record, timeline),
        plan(given ? *std::move(given) : make_plan(random)) {}

  Time now() const { return timeline.now(); }
  bool faults_happen() const { return now() < faults_end; }

  Random random;
  Timeline timeline;
  Record record;
  Ledger ledger;
  Plan plan;
  Time faults_end;
  Time edge_awake_since;     // the end of the edge's last pause
  Duration edge_lost{};      // to pauses that long
  Time edge_forgives_since;  // the end of its last one that was surely long enough to be noticed
};

}  // namespace roundhouse::simulation
