// A client that speaks TLS, over a non-blocking socket: step by step, or with a wait in between.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/unique_fd.h"
#include "support/certificates.h"

struct ssl_st;
struct ssl_ctx_st;
struct ssl_session_st;

namespace roundhouse::test {

class TlsClient {
 public:
  struct Options {
    std::string server_name = {};
    int version = 0;           // TLS1_2_VERSION, TLS1_3_VERSION; 0: any
    std::string alpn = {};     // as on the wire: "\x02h2"
    std::string ciphers = {};  // of TLS 1.2
    const Pem* certificate = nullptr;
    const TlsClient* resumes = nullptr;  // that one's last session
    // Sent before the handshake is done, as if the session resumed had allowed it (0-RTT).
    std::string early_data = {};
  };
  TlsClient(UniqueFd fd, const Options& options);
  TlsClient(const Address& server, const Options& options);
  ~TlsClient();

  enum class Step { kDone, kWaits, kFailed, kEnd };
  Step step_handshake();
  Step step_read(std::string& into);  // appends
  Step step_write(std::string_view& bytes);

  // With a wait of up to 30 s. False: it came to nothing.
  bool shake_hands();
  bool send(std::string_view bytes);
  // Until `text` has come, or the end; what has come since the last call.
  std::string receive_until(std::string_view text);
  // Up to the end; `orderly` tells whether it was one.
  std::string receive_all(bool& orderly);
  void end_writing();  // close_notify, and no more
  void renegotiate();

  // What OpenSSL says of the last failure, "unexpected eof while reading".
  const std::string& error() const { return error_; }
  bool resumed() const;
  std::string version() const;
  std::string cipher() const;
  std::string protocol() const;         // by ALPN
  std::string peer_name() const;        // common name of the server's certificate
  std::string key_type() const;         // of that: "RSA", "EC"
  std::string ticket() const;           // of the last session; "": none
  unsigned early_data_at_most() const;  // with that, in bytes
  bool early_data_accepted() const;
  int fd() const { return fd_.get(); }

 private:
  struct Free {
    void operator()(ssl_st* connection) const;
    void operator()(ssl_ctx_st* context) const;
    void operator()(ssl_session_st* session) const;
  };
  Step outcome_of(int result);
  bool wait() const;

  UniqueFd fd_;
  std::unique_ptr<ssl_ctx_st, Free> context_;
  std::unique_ptr<ssl_session_st, Free> session_;
  std::unique_ptr<ssl_st, Free> connection_;
  std::string error_;
  std::string early_data_;
  bool waits_for_room_ = false;
};

}  // namespace roundhouse::test
