// A ClientHello byte by byte, so that a test can offer what no library would, and what a server
// says to it (RFC 5246, RFC 8446).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"

namespace roundhouse::test {

// Code points of IANA's registries that tests name.
namespace tls {
constexpr std::uint16_t kSsl3 = 0x0300;
constexpr std::uint16_t kTls10 = 0x0301;
constexpr std::uint16_t kTls11 = 0x0302;
constexpr std::uint16_t kTls12 = 0x0303;
constexpr std::uint16_t kTls13 = 0x0304;
constexpr std::uint16_t kExtendedSecret = 23;
constexpr std::uint16_t kHeartbeat = 15;
constexpr std::uint16_t kSessionTicket = 35;
constexpr std::uint16_t kRenegotiationInfo = 0xff01;
constexpr std::uint16_t kFallbackScsv = 0x5600;
constexpr std::uint16_t kRenegotiationScsv = 0x00ff;
constexpr int kUnexpectedMessage = 10;  // alerts
constexpr int kHandshakeFailure = 40;
constexpr int kProtocolVersion = 70;
constexpr int kInappropriateFallback = 86;
}  // namespace tls

struct ClientHello {
  std::uint16_t version = tls::kTls12;  // TLS 1.3: in supported_versions, without a key share
  std::vector<std::uint16_t> suites;
  std::vector<std::uint16_t> groups = {0x001d, 0x0017, 0x0018};  // X25519, P-256, P-384
  // ECDSA with P-256 and SHA-256; RSA-PSS and RSA with SHA-256. Empty: the extension is not there.
  std::vector<std::uint16_t> signatures = {0x0403, 0x0804, 0x0401};
  std::string compressions = std::string(1, '\0');
  std::map<std::uint16_t, std::string> more_extensions = {};

  std::string to_record() const;
};

// What a server said at first.
struct ServerAnswer {
  std::optional<int> alert;
  std::uint16_t version = 0;  // 0: there was no ServerHello
  std::uint16_t suite = 0;
  int compression = -1;
  std::map<std::uint16_t, std::string> extensions;
  std::vector<std::string> certificates;  // DER; of TLS 1.2, as is what follows
  std::uint16_t group = 0;                // of TLS 1.3 too
  std::uint16_t signature = 0;

  bool accepted() const { return version != 0; }
};

// On a connection of its own.
ServerAnswer offer(const Address& server, const ClientHello& hello);
// All suites of this version that the server takes of all code points there are, in the order in
// which it prefers them: what it has chosen is not offered again.
std::vector<std::uint16_t> accepted_suites(const Address& server, const ClientHello& hello);

}  // namespace roundhouse::test
