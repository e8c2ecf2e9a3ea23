#include "cluster/http_service.h"

#include "cluster/http_reply.h"

namespace roundhouse::membership {

HttpService::HttpService(EventLoop& loop, ipc::Slot& slot,
                         std::function<void(std::uint32_t)> on_closed)
    : loop_(loop),
      deadlines_(loop.now()),
      ticker_(loop, [this] { deadlines_.advance(loop_.now()); }),
      listeners_(ipc::kMaxListeners),
      server_({.loop = loop,
               .deadlines = deadlines_,
               .slot = slot,
               .handler = *this,
               .listeners = listeners_,
               .find_cluster = {},
               .on_closed = std::move(on_closed)}) {
  ticker_.start_periodic(DeadlineQueue::kResolution);
}

void HttpService::serve(std::uint32_t listener, cluster::http::Handler handler,
                        const cluster::http::Options& options) {
  config::Listener& configured = listeners_[listener];
  configured.timeouts.header = options.header;
  configured.timeouts.request = options.request;
  configured.timeouts.body_idle = options.request;
  configured.timeouts.keep_alive = options.keep_alive;
  configured.limits.body = options.body_bytes_max;
  configured.limits.requests_per_connection = options.requests_per_connection;
  handlers_[listener] = std::make_shared<const cluster::http::Handler>(std::move(handler));
}

std::unique_ptr<proxy::Exchange> HttpService::on_request(proxy::Client& client) {
  if (client.request().method == ::roundhouse::http::Method::kConnect) {
    client.answer().respond(501, "", "Not a proxy.\n");  // a 2xx would make a tunnel of it
    return nullptr;
  }
  return answer_by(client, handlers_[client.connection().listener]);
}

}  // namespace roundhouse::membership
