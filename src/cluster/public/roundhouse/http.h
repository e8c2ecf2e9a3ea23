// An HTTP/1.1 server for workers, on the codec and sessions of the program roundhouse.
#pragma once

#include <roundhouse/listen.h>
#include <roundhouse/result.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

namespace roundhouse::membership {
class HttpReply;
class HttpQuestion;
}  // namespace roundhouse::membership

namespace roundhouse::cluster::http {

// One request, its body whole. Valid during the handler's call; so are the views it gives.
class Request {
 public:
  // Made by the library.
  explicit Request(const membership::HttpQuestion& question) : question_(question) {}

  std::string_view method() const;  // "GET"
  std::string_view target() const;  // as received: "/a%20b?c=d"
  std::string_view path() const;    // without the query; not decoded
  std::string_view query() const;   // behind '?'; empty where there is none
  // The first field of that name, whatever its case.
  std::optional<std::string_view> header(std::string_view name) const;
  std::string_view body() const;  // whole
  std::string_view peer() const;  // "192.0.2.1:4711", "unix"

 private:
  const membership::HttpQuestion& question_;
};

// The answer to one request. It can be kept and ended later, in the same thread; when it is
// destroyed without having been ended, the client gets 500, or a broken connection if some of it
// was sent.
//
// Content-Length, Transfer-Encoding, Connection and Date are added by the server: setting them is
// ignored. What is written when the client has gone is dropped.
class Response {
 public:
  // Made by the library.
  explicit Response(std::shared_ptr<membership::HttpReply> reply) : reply_(std::move(reply)) {}
  ~Response();
  // The other answers nothing then.
  Response(Response&&) noexcept = default;
  Response& operator=(Response&&) = delete;

  // 200 unless it is set, 200 to 599. No effect after the first write().
  Response& status(int status);
  // Adds a field. One whose name or value could not be sent (a line break in it) makes the answer a
  // 500. No effect after the first write().
  Response& set(std::string_view name, std::string_view value);
  // Sends a piece of a body whose length is not said before. False: more than 64 KiB wait for the
  // client, so wait for on_room.
  bool write(std::string_view piece);
  // What was written has been sent, so there is room again.
  void on_room(std::function<void()> callback);
  // The last piece, or all of it. Nothing can be done with the response afterwards.
  void end(std::string_view body = {});
  // The client has gone, or the answer has been ended.
  bool is_over() const;

 private:
  std::shared_ptr<membership::HttpReply> reply_;
};

// What answers requests.
using Handler = std::function<void(const Request&, Response)>;

// What a client may do. Beyond it the server answers 408, 413, 414 or 431 by itself and closes; the
// length of a head and of its lines is limited to 16 KiB and 8 KiB.
struct Options {
  std::uint64_t body_bytes_max = 1024 * 1024;  // of a request: it is kept in memory
  std::chrono::milliseconds header = std::chrono::seconds(15);      // for the head to come whole
  std::chrono::milliseconds request = std::chrono::seconds(300);    // for the request to come whole
  std::chrono::milliseconds keep_alive = std::chrono::seconds(65);  // between two requests
  std::uint32_t requests_per_connection = 1000;                     // then it is closed
};

// A handler that can listen, cheap to copy.
class Server {
 public:
  // Listens nowhere yet.
  explicit Server(Handler handler, const Options& options = {})
      : handler_(std::move(handler)), options_(options) {}

  // As cluster::listen; may be called several times.
  Result<cluster::Server> listen(std::string_view address, ListenOptions options = {}) const;
  // On this port of every interface.
  Result<cluster::Server> listen(std::uint16_t port) const;

 private:
  Handler handler_;
  Options options_;
};

// Reads as Node's http.createServer().
inline Server create_server(Handler handler, const Options& options = {}) {
  return Server(std::move(handler), options);
}

}  // namespace roundhouse::cluster::http
