// What an operator can set for TLS, on a listener and to an upstream (docs/tls.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace roundhouse::config {

enum class TlsVersion : std::uint8_t { k12, k13 };
// Whether clients are asked for a certificate. optional: one that is shown must be good.
enum class ClientAuth : std::uint8_t { kOff, kOptional, kRequired };

// Of Mozilla's "intermediate" (version 5.7), for TLS 1.2; those of TLS 1.3 are all good.
inline constexpr std::string_view kTlsCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

// Files in PEM form: the certificate with what leads to its root behind it, and its key.
struct Certificate {
  std::string cert;
  std::string key;  // as loaded: never empty; that of `cert` where the file holds both
  bool operator==(const Certificate&) const = default;
};

struct Tls {
  std::string cert;  // the short form; as loaded: the first of `certificates`, and empty here
  std::string key;
  std::vector<Certificate> certificates;  // the first is for clients that name no other
  TlsVersion min_version = TlsVersion::k12;
  std::vector<std::string> alpn;  // as loaded: empty only with tcp
  std::string ciphers = std::string(kTlsCiphers);
  ClientAuth client_auth = ClientAuth::kOff;
  std::string client_ca;  // a file

  bool on() const { return !certificates.empty(); }
};

// To an upstream. Files as above.
struct UpstreamTls {
  bool enabled = false;
  bool verify = true;
  std::string server_name;  // empty: the host of the endpoint
  std::string ca;           // empty: the system's roots
  std::string cert;         // shown to the upstream; empty: none
  std::string key;          // as loaded: empty exactly where cert is
  TlsVersion min_version = TlsVersion::k12;
  std::string ciphers = std::string(kTlsCiphers);
};

}  // namespace roundhouse::config
