#include "worker/hello.h"

#include <unistd.h>

#include "worker/test_handlers.h"

namespace roundhouse::worker {

Hello::Hello(std::uint32_t worker_id, int pid, config::TestHandlers test_handlers)
    : test_handlers_(test_handlers) {
  const std::string id = std::to_string(worker_id);
  const std::string process = std::to_string(pid);
  lines_ = "Content-Type: text/plain\r\nWorker-Id: " + id + "\r\nWorker-Pid: " + process + "\r\n";
  body_ = "hello world from worker " + id + " (pid " + process + ")\n";
}

std::unique_ptr<proxy::Exchange> Hello::on_request(proxy::Client& client) {
  const bool allowed = test_handlers_ == config::TestHandlers::kOn ||
                       (test_handlers_ == config::TestHandlers::kLocal && client.is_local());
  if (client.request().path.size() > 1 && allowed) {
    if (auto exchange = answer_test_path(client, lines_)) return exchange;
    if (client.answer().done()) return nullptr;
  }
  // 2xx to CONNECT would make a tunnel of the connection.
  if (client.request().method == http::Method::kConnect)
    client.answer().respond(501, lines_, "Not a proxy.\n");
  else
    client.answer().respond(200, lines_, body_);
  return nullptr;
}

}  // namespace roundhouse::worker
