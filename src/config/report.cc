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

std::string place_of(const Provenance& provenance, const std::string& file,
                     const std::string& key) {
  using From = Source::From;
  const auto found = provenance.find(key);
  if (found != provenance.end() &&
      (found->second.from == From::kEnvironment || found->second.from == From::kFlag))
    return found->second.name;
  Problems none;
  const Position at = Report(provenance, none).position_of(key);
  if (at.line == 0) return file;
  return file + ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
}

}  // namespace roundhouse::config
