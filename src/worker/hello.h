// The built-in hello worker: answers every path with who it is.
#pragma once

#include <cstdint>
#include <string>

#include "config/options.h"
#include "proxy/handler.h"

namespace roundhouse::worker {

// `hello world from worker 2 (pid 4711)`, with Worker-Id and Worker-Pid. Where the test handlers
// are allowed, the paths of worker/test_handlers.h do what they say.
class Hello final : public proxy::Handler {
 public:
  Hello(std::uint32_t worker_id, int pid, config::TestHandlers test_handlers);

  std::unique_ptr<proxy::Exchange> on_request(proxy::Client& client) override;

 private:
  config::TestHandlers test_handlers_;
  std::string lines_;
  std::string body_;
};

}  // namespace roundhouse::worker
