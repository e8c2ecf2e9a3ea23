// Where and how checks say what is wrong: each problem at the place where the value was written.
#pragma once

#include <string>
#include <utility>

#include "config/document.h"
#include "config/provenance.h"

namespace roundhouse::config {

class Report {
 public:
  Report(const Provenance& provenance, Problems& problems)
      : provenance_(provenance), problems_(problems) {}

  // Was it written in the file? (Its value may have been refused.)
  bool is_set(const std::string& key) const {
    const auto found = provenance_.find(key);
    return found != provenance_.end() && found->second.from == Source::From::kFile;
  }
  bool is_refused(const std::string& key) const {
    const auto found = provenance_.find(key);
    return found != provenance_.end() && found->second.refused;
  }
  // Of the key, or of the nearest thing around it that was written.
  Position position_of(std::string key) const;
  // For a message: values that came from the environment are not shown.
  std::string shown(const std::string& key, const std::string& value) const {
    const auto found = provenance_.find(key);
    return found != provenance_.end() && found->second.secret ? "***" : value;
  }
  void add(const std::string& key, std::string what) {
    problems_.push_back({position_of(key), key, std::move(what)});
  }

 private:
  const Provenance& provenance_;
  Problems& problems_;
};

// Where the value of a full key was written, or what stands around it: "roundhouse.yaml:3:5"; the
// variable or flag that it came from.
std::string place_of(const Provenance& provenance, const std::string& file, const std::string& key);

}  // namespace roundhouse::config
