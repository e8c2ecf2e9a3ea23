// One question to an endpoint, whether it is well: a connection, perhaps under TLS, and over it
// perhaps a GET.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/address.h"
#include "base/clock.h"
#include "http/http1_response_parser.h"
#include "http/message.h"
#include "ipc/messages.h"
#include "monitor/http2_question.h"
#include "net/event_loop.h"
#include "net/tls_client_context.h"
#include "net/transport.h"

namespace roundhouse::monitor {

// The answer is hostile input: it is read by the codec, to the end of its head and no further, and
// all of it must come within the timeout.
class Probe final : private IoHandler {
 public:
  struct Question {
    Address address;
    std::string opening = {};  // sent before anything else
    std::string request;       // a whole request; empty: that it connects is enough
    std::unique_ptr<Http2Question> http2 = nullptr;  // it is asked over HTTP/2, this
    Duration timeout{};
    const TlsClientContext* tls = nullptr;  // none: in plain text
    TlsPeer peer = {};
  };
  struct Outcome {
    bool well = false;
    bool ours = false;            // it could not be made here: says nothing about the endpoint
    std::string why;              // if it is not well; our words, never the endpoint's
    ipc::ProbeFinding finding{};  // and that as numbers
  };

  // `done` is called once, never inside the constructor or start(). Destroying the probe within it
  // is allowed only by EventLoop::delete_later.
  Probe(EventLoop& loop, Question question, std::function<void(const Outcome&)> done);
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;
  ~Probe() = default;

  void start();

 private:
  enum class Step : std::uint8_t { kConnect, kHandshake, kWrite, kRead };

  void on_ready(Ready ready) override;
  void watch(Interest interest);
  std::optional<Outcome> connected();
  std::optional<Outcome> shake_hands();
  std::optional<Outcome> write();
  std::optional<Outcome> read();
  std::optional<Outcome> judge();
  std::optional<Outcome> judge_http2();
  void end(const Outcome& outcome);

  EventLoop& loop_;
  Question question_;
  std::function<void(const Outcome&)> done_;
  std::optional<Transport> transport_;
  IoWatcher watcher_;
  Timer timer_;
  std::optional<Outcome> refused_;  // at once, by connect()
  Step step_ = Step::kConnect;
  std::size_t written_ = 0;
  std::string received_;
  std::uint32_t interim_ = 0;
  http::ResponseParser parser_;
  http::Response response_;
};

// What is asked over HTTP. REQUIRES: a path that may stand in a request's first line.
std::string probe_request(const std::string& path, const std::string& host);

}  // namespace roundhouse::monitor
