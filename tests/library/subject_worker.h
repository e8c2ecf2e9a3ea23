// The worker half of the subject.
#pragma once

#include <roundhouse/cluster.h>

#include <string>

namespace roundhouse::test {

// One line on standard output, with one write: the processes share it.
void print(const std::string& line);
void print_error(const std::string& what, const cluster::Error& error);

// Obeys the primary's messages until it is disconnected; what main returns.
int run_worker();

}  // namespace roundhouse::test
