#include "config/report.h"

namespace roundhouse::config {

Position Report::position_of(std::string key) const {
  while (true) {
    const auto found = provenance_.find(key);
    if (found != provenance_.end() && found->second.at.line > 0) return found->second.at;
    const auto dot = key.rfind('.');
    if (dot == key.npos) return {};
    key.resize(dot);
  }
}

}  // namespace roundhouse::config
