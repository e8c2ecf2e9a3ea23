#include "upstream/outlier.h"

#include <algorithm>

namespace roundhouse::upstream {

void Outlier::succeeded() {
  failures_ = 0;
  if (ejections_ > 0) --ejections_;
}

bool Outlier::failed(Time now) {
  if (config_.failures == 0 || ejected(now)) return false;
  if (failures_ == 0 || now - first_ > config_.window) {
    failures_ = 0;
    first_ = now;
  }
  ++failures_;
  return failures_ >= config_.failures || ejections_ > 0;
}

void Outlier::eject(Time now) {
  ++ejections_;
  failures_ = 0;
  until_ = now + std::min(config_.max, config_.base * ejections_);
}

}  // namespace roundhouse::upstream
