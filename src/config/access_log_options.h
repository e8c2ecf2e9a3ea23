// What an operator can set for the access log: one line for each request of the built-in workers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace roundhouse::config {

enum class AccessFormat : std::uint8_t { kOff, kJson, kLogfmt, kCombined };

// What a line can hold: a closed list, in the order of a line that holds all of it
// (docs/access-log.md says what each is).
enum class AccessField : std::uint8_t {
  kTime,
  kPool,
  kWorker,
  kListener,
  kRoute,
  kClient,
  kPeer,
  kMethod,
  kHost,
  kTarget,
  kPath,
  kProtocol,
  kStatus,
  kRequestBytes,
  kResponseBytes,
  kDuration,
  kUpstream,
  kEndpoint,
  kUpstreamDuration,
  kTries,
  kFailure,
  kUserAgent,
  kReferer,
  kRequestId,
  kConnection,
  kConnectionRequests,
  kTlsVersion,
  kTlsCipher,
  kTlsServerName,
  kTlsProtocol,
  kTlsClient,
};
inline constexpr std::string_view kAccessFieldNames[] = {
    "time",
    "pool",
    "worker",
    "listener",
    "route",
    "client",
    "peer",
    "method",
    "host",
    "target",
    "path",
    "protocol",
    "status",
    "request_bytes",
    "response_bytes",
    "duration",
    "upstream",
    "endpoint",
    "upstream_duration",
    "tries",
    "failure",
    "user_agent",
    "referer",
    "request_id",
    "connection",
    "connection_requests",
    "tls_version",
    "tls_cipher",
    "tls_server_name",
    "tls_protocol",
    "tls_client",
};
inline constexpr std::size_t kAccessFields = std::size(kAccessFieldNames);
static_assert(kAccessFields == static_cast<std::size_t>(AccessField::kTlsClient) + 1);

std::string_view to_string(AccessFormat format);
constexpr std::string_view to_string(AccessField field) {
  return kAccessFieldNames[static_cast<std::size_t>(field)];
}

struct AccessLog {
  AccessFormat format = AccessFormat::kOff;
  std::string to = "stdout";        // stdout, stderr or the path of a file
  std::vector<AccessField> fields;  // of json and logfmt; each at most once; empty: all
  std::uint32_t sample = 1;         // one line for each so many requests; failures always
};

}  // namespace roundhouse::config
