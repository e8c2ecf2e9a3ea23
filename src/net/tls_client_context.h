// What the TLS connections to one upstream have in common: who vouches for it, what is shown to it;
// and the session with which the next connection to the same place begins.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

struct ssl_ctx_st;
struct ssl_session_st;
struct ssl_st;

namespace roundhouse {

struct TlsClientSetting {
  bool verify = true;
  std::string_view ca;    // PEM; empty: the roots of the system
  std::string_view cert;  // PEM, of ours, with its key; empty: none is shown
  std::string_view key;
  bool tls13_only = false;
  std::string ciphers;            // of TLS 1.2
  std::vector<std::string> alpn;  // offered; empty: nothing is
};

// The newest session with one server. Must outlive the connections that fill it.
class TlsSession {
 public:
  TlsSession() = default;
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;
  ~TlsSession() { forget(); }

 private:
  friend class TlsClientContext;
  void forget();
  ssl_session_st* newest_ = nullptr;
  std::uint64_t context_ = 0;  // of which it is: another one may ask more of the server
};

// Who is to answer.
struct TlsPeer {
  // A host name, which is said to the server (SNI), or an address. Its certificate must be for it,
  // if certificates are looked at; empty: whoever that is for.
  std::string name;
  std::string_view protocol = {};  // the only one offered (ALPN); empty: those of the context
  TlsSession* session = nullptr;   // is resumed, and replaced by newer ones; nullptr: each is new
};

// Immutable. Connections keep what they need of it, so it may go before them.
class TlsClientContext {
 public:
  static Result<std::unique_ptr<TlsClientContext>> create(const TlsClientSetting& setting);
  ~TlsClientContext();
  TlsClientContext(const TlsClientContext&) = delete;
  TlsClientContext& operator=(const TlsClientContext&) = delete;

  // A connection that is to begin its handshake; the caller's. For TlsStream.
  ssl_st* connect(const TlsPeer& peer) const;

 private:
  explicit TlsClientContext(ssl_ctx_st* context);
  ssl_ctx_st* context_;
  std::uint64_t number_;  // no other has it
};

}  // namespace roundhouse
