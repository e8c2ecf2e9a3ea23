// A Prometheus of the test's own, on a free port of 127.0.0.1, which scrapes every second.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/json.h"
#include "support/process.h"

namespace roundhouse::test {

class Prometheus {
 public:
  // As the job `roundhouse`. `rules`: the path of a file of rules, evaluated every second.
  explicit Prometheus(const std::vector<Address>& targets, const std::string& rules = "");
  std::string output() { return process_.output(); }

  // Of an instant query, or of another GET below /api/v1/: `data` of the answer. None: it was
  // refused.
  std::optional<Json> series(const std::string& expression) const;
  std::optional<Json> get_data(const std::string& path) const;
  // The value of the first series; none if there is no series.
  std::optional<double> query(const std::string& expression) const;

 private:
  std::string configuration_for(const std::vector<Address>& targets,
                                const std::string& rules) const;
  bool find_port();

  TemporaryDirectory folder_;
  Process process_;
  Address address_;
};

}  // namespace roundhouse::test
