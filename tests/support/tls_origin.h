// A server behind the proxy that speaks TLS, and remembers what was said to it.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "support/certificates.h"
#include "support/tcp_origin.h"

struct ssl_st;
struct ssl_ctx_st;

namespace roundhouse::test {

// One connection after its handshake, blocking.
class TlsConversation {
 public:
  explicit TlsConversation(ssl_st* connection) : connection_(connection) {}
  bool send(std::string_view bytes);
  // Up to and with `text`; what came before the end where that does not come.
  std::string receive_until(std::string_view text);
  std::string receive(std::size_t count);
  std::string receive_some();  // nothing: the end
  void end_writing();          // close_notify

 private:
  bool fill();
  ssl_st* connection_;
  std::string received_;
};

class TlsOrigin {
 public:
  struct Setting {
    Pem pem;
    const Pem* clients = nullptr;  // who vouches for clients, which then must show a certificate
    int version = 0;               // TLS1_2_VERSION, TLS1_3_VERSION; 0: any
    std::string protocol = "http/1.1";  // that is chosen by ALPN, where it is offered
    bool cuts = false;                  // ends without saying so
    std::size_t opening = 0;            // bytes in front of the handshake
  };
  // Of a handshake that was done.
  struct Seen {
    std::string server_name;
    std::string client;    // the common name of its certificate
    std::string protocol;  // by ALPN
    bool resumed = false;
    std::string opening;  // as long as the setting says
  };
  using Serve = std::function<void(TlsConversation&)>;

  // Runs on a thread of the origin; the connection is ended in order behind it.
  TlsOrigin(Setting setting, Serve serve);
  // Answers each request with 200 and this body.
  TlsOrigin(Setting setting, const std::string& body)
      : TlsOrigin(std::move(setting), [body](TlsConversation& with) { answer_all(with, body); }) {}
  TlsOrigin(const TlsOrigin&) = delete;
  TlsOrigin& operator=(const TlsOrigin&) = delete;
  ~TlsOrigin();

  const Address& address() const { return origin_->address(); }
  std::size_t connections() const { return origin_->connections(); }
  std::vector<Seen> seen() const;

  static void answer_all(TlsConversation& with, const std::string& body);
  // Sends back what comes.
  static void echo(TlsConversation& with);

 private:
  void shake_hands_and_serve(Stream& stream);

  Setting setting_;
  Serve serve_;
  ssl_ctx_st* context_;
  mutable std::mutex mutex_;
  std::vector<Seen> seen_;
  std::unique_ptr<TcpOrigin> origin_;  // last: its threads use the rest
};

}  // namespace roundhouse::test
