// An unmodified Node program for a test, and the pool that runs it.
#pragma once

#include <string>

#include "support/client.h"
#include "support/process.h"

namespace roundhouse::test {

// The `node` that tests run: $NODE, or the one of the PATH.
std::string node();

class NodeProgram {
 public:
  // `source` runs after `http`, `net`, `dgram`, `fs`, `cluster` and `me` (the worker's id) were
  // defined, and `serve(routes)`, which makes an HTTP server: routes maps paths to
  // functions of (request, response) that return what is answered, or nothing where they answer
  // themselves. Everything else is answered with "worker ID\n".
  explicit NodeProgram(const std::string& source);

  // "app: {type: node, command: ..., workers: 2, MORE}"
  std::string pool(int workers, const std::string& more = "") const;
  // The path of a file of this name, in a folder where everybody may write.
  std::string file(const std::string& name) const { return directory_.path() + "/" + name; }
  const TemporaryDirectory& directory() const { return directory_; }

 private:
  TemporaryDirectory directory_;
};

// A pool of two in which worker 1 is a Node program that serves, and worker 2 a shell that says
// `script` on the channel, its descriptor 3.
std::string one_node_one_shell(const NodeProgram& program, const std::string& script,
                               const std::string& more = "");
// Lines of that script: what a worker says to be ready.
extern const char* const kShellListens;
// And how it reads everything, and answers nothing.
extern const char* const kShellReads;

std::string worker_of(const Response& response);

}  // namespace roundhouse::test
