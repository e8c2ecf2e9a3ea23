// One answer of the program's, between the Response that it holds and the session that sends it.
#pragma once

#include <roundhouse/http.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/handler.h"

namespace roundhouse::membership {

// What a handler is asked. Lives as long as its call.
class HttpQuestion {
 public:
  HttpQuestion(const proxy::Client& client, std::string_view body) : client_(client), body_(body) {}
  const proxy::Client& client() const { return client_; }
  std::string_view body() const { return body_; }
  std::string_view peer() const;

 private:
  const proxy::Client& client_;
  std::string_view body_;
  mutable std::string peer_;
};

// Shared by the Response and the exchange; either may go first.
class HttpReply {
 public:
  explicit HttpReply(proxy::Client& client) : client_(&client) {}

  // The program's side.
  void set_status(int status);
  void add_field(std::string_view name, std::string_view value);
  bool write(std::string_view piece);  // false: much waits
  void set_on_room(std::function<void()> callback) { on_room_ = std::move(callback); }
  void end(std::string_view body);
  // The program has let go of it.
  void abandon();
  bool is_over() const { return client_ == nullptr || ended_; }

  // The session's side: calls of the program in between come out of one of its own.
  void enter() { inside_ = true; }
  void leave() { inside_ = false; }
  void on_room();
  void client_gone() { client_ = nullptr; }

 private:
  bool begun() const { return chunked_ || ended_; }
  void send();
  bool pump();
  bool begin(proxy::Answer& answer);
  void respond_500();

  proxy::Client* client_;  // nullptr: gone
  int status_ = 200;
  std::vector<std::pair<std::string, std::string>> fields_;
  std::string body_;      // not yet taken by the session
  std::size_t sent_ = 0;  // of it
  std::function<void()> on_room_;
  bool chunked_ = false;
  bool ended_ = false;
  bool waited_for_head_ = false;
  bool inside_ = false;
};

// Asks the handler, at once or when the body is whole. nullptr: it has answered.
std::unique_ptr<proxy::Exchange> answer_by(
    proxy::Client& client, const std::shared_ptr<const cluster::http::Handler>& handler);

}  // namespace roundhouse::membership
