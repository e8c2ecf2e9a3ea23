#include "monitor/http_server.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

namespace roundhouse::monitor {
namespace {

constexpr Duration kSweepEvery = std::chrono::seconds(1);
constexpr Duration kSweepEveryWhenFull = std::chrono::milliseconds(20);
constexpr auto kMethods = static_cast<ev_uint16_t>(
    EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
    EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE | EVHTTP_REQ_PATCH);

Method method_of(const evhttp_request* request) {
  switch (evhttp_request_get_command(request)) {
    case EVHTTP_REQ_GET:
      return Method::kGet;
    case EVHTTP_REQ_HEAD:
      return Method::kHead;
    case EVHTTP_REQ_POST:
      return Method::kPost;
    case EVHTTP_REQ_PUT:
      return Method::kPut;
    default:
      return Method::kOther;
  }
}

std::string path_of(const evhttp_request* request) {
  const evhttp_uri* uri = evhttp_request_get_evhttp_uri(request);
  const char* path = uri != nullptr ? evhttp_uri_get_path(uri) : nullptr;
  return path != nullptr && *path != '\0' ? path : "/";
}

std::string query_of(const evhttp_request* request) {
  const evhttp_uri* uri = evhttp_request_get_evhttp_uri(request);
  const char* query = uri != nullptr ? evhttp_uri_get_query(uri) : nullptr;
  return query != nullptr ? query : "";
}

std::string body_of(evhttp_request* request) {
  evbuffer* const buffer = evhttp_request_get_input_buffer(request);
  std::string body(evbuffer_get_length(buffer), '\0');
  evbuffer_copyout(buffer, body.data(), body.size());
  return body;
}

std::string field_of(evhttp_request* request, const char* name) {
  const char* value = evhttp_find_header(evhttp_request_get_input_headers(request), name);
  return value != nullptr ? value : "";
}

void add_fields(evkeyvalq* headers, const Response& response) {
  evhttp_add_header(headers, "Content-Type", response.content_type.c_str());
  evhttp_add_header(headers, "Cache-Control", "no-store");
  evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
  evhttp_add_header(headers, "Connection", "close");
  if (!response.allow.empty()) evhttp_add_header(headers, "Allow", response.allow.c_str());
  if (response.policy.empty()) return;
  evhttp_add_header(headers, "Content-Security-Policy", response.policy.c_str());
  evhttp_add_header(headers, "Referrer-Policy", "no-referrer");
}

void send_chunk(evhttp_request* request, const std::string& text) {
  evbuffer* const chunk = evbuffer_new();
  if (chunk == nullptr) return;  // the client misses one
  evbuffer_add(chunk, text.data(), text.size());
  evhttp_send_reply_chunk(request, chunk);
  evbuffer_free(chunk);
}

// 0 if the descriptor is closed or no socket.
std::uint64_t cookie_of(int fd) {
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  if (::getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) != 0) return 0;
  return cookie;
}

}  // namespace

void HttpServer::Free::operator()(evhttp* http) const { evhttp_free(http); }

Result<std::unique_ptr<HttpServer>> HttpServer::create(EventLoop& loop, Setting setting,
                                                       const ControlApi& api) {
  std::unique_ptr<HttpServer> server(new HttpServer(loop, setting, api));
  TRY_VOID(server->listen(std::move(setting.listening)));
  return server;
}

HttpServer::HttpServer(EventLoop& loop, Setting& setting, const ControlApi& api)
    : loop_(loop),
      api_(api),
      viewer_(setting.viewer),
      max_connections_(setting.max_connections),
      max_streams_(setting.max_streams),
      http_(evhttp_new(loop.base())),
      sweeper_(loop, [this] { sweep(); }) {}

HttpServer::~HttpServer() {
  end_streams();
  for (bufferevent* connection : arrived_) bufferevent_decref(connection);
}

Result<void> HttpServer::listen(UniqueFd listening) {
  if (http_ == nullptr) return fail("no memory for the monitor's server", ExitCode::kSystem);
  evhttp_set_allowed_methods(http_.get(), kMethods);
  evhttp_set_timeout(http_.get(), static_cast<int>(seconds(kIdle)));
  evhttp_set_max_headers_size(http_.get(), kMaxHeaders);
  evhttp_set_max_body_size(http_.get(), kMaxBody);
  evhttp_set_gencb(
      http_.get(),
      [](evhttp_request* request, void* self) noexcept {
        static_cast<HttpServer*>(self)->answer(request);
      },
      this);
  evhttp_set_bevcb(
      http_.get(),
      [](event_base* base, void* self) noexcept {
        bufferevent* connection = bufferevent_socket_new(base, -1, 0);
        auto& server = *static_cast<HttpServer*>(self);
        if (connection == nullptr) return connection;
        bufferevent_incref(connection);
        if (server.arrived_.empty()) server.loop_.defer([&server] { server.admit(); });
        server.arrived_.push_back(connection);
        if (server.connections_.size() + server.arrived_.size() >= server.max_connections_) {
          server.accepting_ = false;
          evconnlistener_disable(server.listener_);
        }
        return connection;
      },
      this);
  constexpr int kAlreadyListening = 0;
  listener_ = evconnlistener_new(loop_.base(), nullptr, nullptr,
                                 LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, kAlreadyListening,
                                 listening.get());
  if (listener_ == nullptr) return fail("the monitor's socket is of no use", ExitCode::kSystem);
  evutil_make_socket_nonblocking(listening.release());
  if (evhttp_bind_listener(http_.get(), listener_) == nullptr) {
    evconnlistener_free(listener_);
    return fail("no memory for the monitor's socket", ExitCode::kSystem);
  }
  sweeper_.start_periodic(kSweepEvery);
  return {};
}

void HttpServer::admit() {
  for (bufferevent* connection : arrived_) {
    const int fd = bufferevent_getfd(connection);
    if (const std::uint64_t cookie = cookie_of(fd); cookie != 0) {
      connections_.push_back({fd, cookie, loop_.now()});
    }
    bufferevent_decref(connection);
  }
  arrived_.clear();
  if (accepting_) return;
  sweeper_.start_periodic(kSweepEveryWhenFull);
  sweep();
}

void HttpServer::sweep() {
  const Time now = loop_.now();
  std::erase_if(connections_,
                [](const Connection& known) { return cookie_of(known.fd) != known.cookie; });
  for (const Connection& connection : connections_) {
    const Duration age = now - connection.since;
    if (age < kLifetime && (accepting_ || age < kGrace)) break;
    ::shutdown(connection.fd, SHUT_RDWR);  // evhttp sees the end and closes it
    if (age < kLifetime) break;            // one place is enough for now
  }
  if (accepting_ || connections_.size() >= max_connections_) return;
  accepting_ = true;
  evconnlistener_enable(listener_);
  sweeper_.start_periodic(kSweepEvery);
}

void HttpServer::answer(evhttp_request* request) {
  const Method method = method_of(request);
  Response response = api_.respond(
      {method, path_of(request), viewer_, query_of(request), body_of(request),
       field_of(request, "Host"), field_of(request, "Origin"), field_of(request, "Last-Event-ID")});
  if (response.stream && method == Method::kGet) {
    if (streams_.size() < max_streams_) return begin_stream(request, response);
    response = {503, "application/json", "{\"error\":\"there are too many streams\"}\n", ""};
  }
  evkeyvalq* headers = evhttp_request_get_output_headers(request);
  add_fields(headers, response);
  evhttp_add_header(headers, "Content-Length", std::to_string(response.body.size()).c_str());
  if (method != Method::kHead) {
    evbuffer_add(evhttp_request_get_output_buffer(request), response.body.data(),
                 response.body.size());
  }
  evhttp_send_reply(request, response.status, nullptr, nullptr);
}

void HttpServer::begin_stream(evhttp_request* request, const Response& response) {
  evhttp_connection* const connection = evhttp_request_get_connection(request);
  bufferevent* const buffer = evhttp_connection_get_bufferevent(connection);
  const int fd = bufferevent_getfd(buffer);
  std::erase_if(connections_, [&](const Connection& known) { return known.fd == fd; });
  const timeval idle{.tv_sec = static_cast<time_t>(seconds(kIdle)), .tv_usec = 0};
  bufferevent_set_timeouts(buffer, nullptr, &idle);  // nothing more is to be read
  streams_.push_back(std::make_unique<Stream>(Stream{this, request, *response.stream}));
  evhttp_connection_set_closecb(
      connection,
      [](evhttp_connection* /*connection*/, void* self) noexcept {
        const auto* stream = static_cast<Stream*>(self);
        // A request whose connection failed is left to whoever answers it.
        if (evhttp_request_get_connection(stream->request) == nullptr)
          evhttp_send_reply_end(stream->request);
        stream->server->forget(stream);
      },
      streams_.back().get());
  add_fields(evhttp_request_get_output_headers(request), response);
  evhttp_send_reply_start(request, response.status, "OK");
  send_chunk(request, response.body);
}

void HttpServer::forget(const Stream* stream) {
  std::erase_if(streams_, [&](const auto& known) { return known.get() == stream; });
}

void HttpServer::tell_streams() {
  if (streams_.empty()) return;
  const std::string state = api_.stream_state(viewer_);
  for (const auto& stream : streams_) {
    bufferevent* const buffer =
        evhttp_connection_get_bufferevent(evhttp_request_get_connection(stream->request));
    if (evbuffer_get_length(bufferevent_get_output(buffer)) == 0) {
      stream->missed = 0;
      send_chunk(stream->request, api_.stream_news(viewer_, stream->after) + state);
    } else if (++stream->missed >= kMostMissed) {
      ::shutdown(bufferevent_getfd(buffer), SHUT_RDWR);  // evhttp sees the end and closes it
    }
  }
}

void HttpServer::end_streams() {
  for (const auto& stream : std::exchange(streams_, {})) {
    evhttp_connection_set_closecb(evhttp_request_get_connection(stream->request), nullptr, nullptr);
    evhttp_send_reply_end(stream->request);
  }
}

}  // namespace roundhouse::monitor
