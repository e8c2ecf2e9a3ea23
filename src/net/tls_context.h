// What the TLS connections of one listener have in common: certificates, versions, ticket keys.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/tls_ticket_key.h"

struct ssl_ctx_st;

namespace roundhouse {

struct TlsSetting {
  struct Certificate {  // both in PEM form
    std::string_view cert;
    std::string_view key;
  };
  enum class Clients { kNotAsked, kMayShow, kMustShow };  // a certificate

  std::string_view name;  // of the listener: sessions are resumed by listeners of this name alone
  std::vector<Certificate> certificates;  // at least one; the first is for who names no other
  bool tls13_only = false;
  std::string ciphers;            // of TLS 1.2
  std::vector<std::string> alpn;  // what clients may choose from; empty: nothing
  Clients clients = Clients::kNotAsked;
  std::string_view client_ca;  // PEM
  TlsTicketKeys tickets{};
};

// Immutable. Connections keep what they need of it, so it may go before them.
//
// No renegotiation, no compression, no early data, no sessions kept here: tickets alone, which are
// bound to the listener's name and to what it asks of clients.
class TlsContext {
 public:
  static Result<std::unique_ptr<TlsContext>> create(const TlsSetting& setting);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  ssl_ctx_st* get() const { return context_; }

 private:
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}
  ssl_ctx_st* context_;
};

}  // namespace roundhouse
