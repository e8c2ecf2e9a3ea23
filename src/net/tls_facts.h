// What is known of an encrypted connection. Views are valid as long as the connection.
#pragma once

#include <cstdint>
#include <string_view>

namespace roundhouse {

struct TlsFacts {
  std::string_view version;      // "TLSv1.3"
  std::string_view cipher;       // "TLS_AES_256_GCM_SHA384"
  std::string_view server_name;  // that the client asked for; empty: none
  std::string_view protocol;     // by ALPN; empty: none was chosen
  std::string_view client;  // the subject of the client's certificate; empty: it has shown none
  bool resumed = false;
};

// Why a handshake came to nothing.
enum class TlsFailure : std::uint8_t {
  kNone,
  kProtocol,     // not TLS, no common version, cipher or protocol, or the peer refused ours
  kCertificate,  // the client's: missing, or nobody vouches for it
  kPlainHttp,    // the client speaks HTTP without TLS
  kGone          // it has left
};

}  // namespace roundhouse
