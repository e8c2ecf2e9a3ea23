// The closed list of what can go wrong with an HTTP request and its answer; the table is in
// failure.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace roundhouse::http {

// After one in a message itself the connection is closed: its framing cannot be trusted any more.
enum class Failure : std::uint8_t {
  kNone,
  kBadMethod,
  kBadTarget,
  kTargetFormRefused,
  kBadVersion,
  kUnsupportedVersion,
  kLineTooLong,
  kBareLineFeed,
  kBareCarriageReturn,
  kBadFieldName,
  kEmptyFieldName,
  kSpaceBeforeColon,
  kFoldedField,
  kBadFieldValue,
  kHeadTooLong,
  kTooManyFields,
  kMissingHost,
  kRepeatedHost,
  kBadHost,
  kBadContentLength,
  kRepeatedContentLength,
  kTwoFramings,
  kRepeatedTransferEncoding,
  kOldTransferEncoding,
  kUnknownTransferEncoding,
  kUnknownExpectation,
  kBadChunkSize,
  kBadChunkExtension,
  kChunkExtensionsTooLong,
  kBadChunkEnd,
  kForbiddenTrailer,
  kBodyTooLong,
  kHeadTimeout,
  kBodyTimeout,
  kBadPath,
  kTooManyConnectionOptions,
  kMethodRefused,
  kNoRoute,
  kNotAllowed,
  kRateLimited,
  kTooManyConnections,
  kPlainHttp,
  // By the upstream.
  kBadStatusLine,
  kTruncatedBody,
  kBadResponse,
  kTooManyInterim,
  kUnaskedUpgrade,
  kConnectFailed,
  kConnectTimeout,
  kUpstreamTls,
  kStreamRefused,
  kUpstreamClosed,
  kResponseTimeout,
  kResponseStalled,
  kNoEndpoint,
  kQueueFull,
  kQueueTimeout,
  // By the client, once its request has come.
  kClientStalled,
  kClientGone,
};
inline constexpr std::size_t kFailureCount = static_cast<std::size_t>(Failure::kClientGone) + 1;

struct FailureRow {
  Failure failure;
  int status;             // owed to the client; 0 for kNone; 502 only for what an upstream does
  std::string_view name;  // "bad_method": for logs and metrics
  std::string_view text;  // one sentence for the client; never anything that it sent
};

const FailureRow& row_of(Failure failure);

}  // namespace roundhouse::http
