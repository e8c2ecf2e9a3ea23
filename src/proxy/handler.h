// The seam between a session, which speaks HTTP with a client, and whatever answers it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/address.h"
#include "config/options.h"
#include "http/failure.h"
#include "http/message.h"
#include "ipc/messages.h"
#include "net/event_loop.h"
#include "net/tls_facts.h"
#include "proxy/access_record.h"
#include "proxy/answer.h"

namespace roundhouse::proxy {

// The client of one request, as a handler sees it. Lives from Handler::on_request until the
// exchange is destroyed.
class Client {
 public:
  virtual const http::Request& request() const = 0;  // its views are valid as long as this
  virtual Answer& answer() = 0;
  virtual bool is_local() const = 0;  // a peer on this machine: loopback or a unix socket
  virtual const TlsFacts* tls() const { return nullptr; }  // of its connection; nullptr: plain text
  virtual const ipc::ConnectionInfo& connection() const = 0;
  virtual Address local_address() const { return {}; }  // where it has connected to; none: unknown
  virtual const config::Listener& listener() const = 0;
  virtual Time began() const = 0;  // when the first byte of the request came
  virtual EventLoop& loop() = 0;
  // What the access log will say of this request, for a handler to add to; nullptr without one.
  virtual AccessRecord* record() const { return nullptr; }

  // In Handler::on_request, before the answer begins: the body is to be given to Exchange::on_body.
  // Otherwise it is read and dropped, and a client that waits for 100 (Continue) never gets it.
  virtual void accept_body() = 0;
  // After Answer::begin_tunnel(): what the client sends from now on are bytes for
  // Exchange::on_body, up to its end. No time limit of the session holds any more.
  virtual void begin_tunnel() = 0;
  // After answering, or becoming ready for more of the body, outside a call from the session. The
  // last thing that an exchange does there: it may be over then, and is destroyed at the end of the
  // loop's turn.
  virtual void resume() = 0;
  // The answer cannot be finished: the connection is reset. As resume().
  virtual void abort() = 0;

 protected:
  ~Client() = default;
};

// One request that is not answered at once. Destroyed when it is answered, or its client is gone:
// its destructor must not touch the client.
class Exchange {
 public:
  virtual ~Exchange() = default;

  // How much of the next piece of the body it takes. The rest is offered again when output has been
  // sent, and after Client::resume().
  virtual std::size_t on_body(std::string_view data) { return data.size(); }
  // The body was whole. False: offered again likewise. The trailers are valid during the call.
  virtual bool on_body_end(const http::FieldTable& /*trailers*/) { return true; }
  // The answer did not fit into the output buffer; now that is empty.
  virtual void on_room() {}
  // Before it is destroyed, for the access log: what it knows. Not called without one.
  virtual void describe(AccessRecord& /*record*/) const {}
  // The session refuses what the client sends, and answers for it if there is no answer yet; or the
  // client does not take the answer (kClientStalled). The last call. True: the exchange counts that
  // failure.
  virtual bool on_refused(http::Failure /*failure*/) { return false; }
};

class Handler {
 public:
  virtual ~Handler() = default;
  // How long the body of the request may be, in bytes. on_request() follows at once, unless it is
  // known to be longer (413).
  virtual std::uint64_t body_limit(const Client& client) { return client.listener().limits.body; }
  // nullptr: client.answer() is done.
  virtual std::unique_ptr<Exchange> on_request(Client& client) = 0;
};

}  // namespace roundhouse::proxy
