#include "http/failure.h"

#include <array>

#include "base/check.h"

namespace roundhouse::http {
namespace {

using F = Failure;

constexpr std::array<FailureRow, kFailureCount> kRows = {{
    {F::kNone, 0, "none", ""},
    {F::kBadMethod, 400, "bad_method", "The method is not a token."},
    {F::kBadTarget, 400, "bad_target",
     "The request target holds a byte that no URI may hold, or is none."},
    {F::kTargetFormRefused, 400, "target_form_refused",
     "The form of the request target does not fit the method."},
    {F::kBadVersion, 400, "bad_version", "The protocol version is missing or malformed."},
    {F::kUnsupportedVersion, 505, "unsupported_version",
     "Only HTTP/1.0 and HTTP/1.1 are spoken here."},
    {F::kLineTooLong, 414, "line_too_long", "The request line is too long."},
    {F::kBareLineFeed, 400, "bare_line_feed", "A line ends in LF without CR."},
    {F::kBareCarriageReturn, 400, "bare_carriage_return", "A CR is not followed by LF."},
    {F::kBadFieldName, 400, "bad_field_name", "A field name is not a token."},
    {F::kEmptyFieldName, 400, "empty_field_name", "A field name is empty."},
    {F::kSpaceBeforeColon, 400, "space_before_colon",
     "White space stands before the colon of a field."},
    {F::kFoldedField, 400, "folded_field", "A field line begins with white space."},
    {F::kBadFieldValue, 400, "bad_field_value", "A field value holds a control character."},
    {F::kHeadTooLong, 431, "head_too_long", "The header fields are too long."},
    {F::kTooManyFields, 431, "too_many_fields", "There are too many header fields."},
    {F::kMissingHost, 400, "missing_host", "The Host field is missing."},
    {F::kRepeatedHost, 400, "repeated_host", "There is more than one Host field."},
    {F::kBadHost, 400, "bad_host", "The Host field is not a host."},
    {F::kBadContentLength, 400, "bad_content_length", "Content-Length is not a number."},
    {F::kRepeatedContentLength, 400, "repeated_content_length",
     "There is more than one Content-Length."},
    {F::kTwoFramings, 400, "two_framings",
     "Content-Length and Transfer-Encoding exclude each other."},
    {F::kRepeatedTransferEncoding, 400, "repeated_transfer_encoding",
     "There is more than one Transfer-Encoding."},
    {F::kOldTransferEncoding, 400, "old_transfer_encoding", "HTTP/1.0 has no Transfer-Encoding."},
    {F::kUnknownTransferEncoding, 501, "unknown_transfer_encoding",
     "The only transfer coding known here is chunked."},
    {F::kUnknownExpectation, 417, "unknown_expectation",
     "The only expectation known here is 100-continue."},
    {F::kBadChunkSize, 400, "bad_chunk_size", "A chunk size is malformed or too large."},
    {F::kBadChunkExtension, 400, "bad_chunk_extension",
     "A chunk extension holds a control character."},
    {F::kChunkExtensionsTooLong, 413, "chunk_extensions_too_long",
     "The chunk extensions are too long."},
    {F::kBadChunkEnd, 400, "bad_chunk_end", "A chunk does not end in CRLF."},
    {F::kForbiddenTrailer, 400, "forbidden_trailer",
     "A field that frames or routes came as a trailer."},
    {F::kBodyTooLong, 413, "body_too_long", "The body is too long."},
    {F::kHeadTimeout, 408, "head_timeout", "The request head did not come in time."},
    {F::kBodyTimeout, 408, "body_timeout", "The request body did not come in time."},
    {F::kBadPath, 400, "bad_path", "The path holds a bad escape, or leaves its root."},
    {F::kTooManyConnectionOptions, 400, "too_many_connection_options",
     "The Connection field names too many fields."},
    {F::kMethodRefused, 501, "method_refused", "This method is not forwarded."},
    {F::kNoRoute, 404, "no_route", "Nothing is configured for this host and path."},
    {F::kNotAllowed, 403, "not_allowed", "This address may not ask for that."},
    {F::kRateLimited, 429, "rate_limited", "Too many requests; try again later."},
    {F::kTooManyConnections, 503, "too_many_connections",
     "Too many connections from this address."},
    {F::kPlainHttp, 400, "plain_http", "This port speaks HTTPS, and the request came without TLS."},
    {F::kBadStatusLine, 502, "bad_status_line", "The status line is malformed."},
    {F::kTruncatedBody, 502, "truncated_body", "The body ended before its announced length."},
    {F::kBadResponse, 502, "bad_response", "The upstream's answer is malformed."},
    {F::kTooManyInterim, 502, "too_many_interim", "The upstream sent too many interim answers."},
    {F::kUnaskedUpgrade, 502, "unasked_upgrade",
     "The upstream switched protocols without being asked."},
    {F::kConnectFailed, 502, "connect_failed", "The upstream cannot be reached."},
    {F::kConnectTimeout, 504, "connect_timeout",
     "The upstream did not take the connection in time."},
    {F::kUpstreamTls, 502, "upstream_tls", "The upstream cannot be spoken to in confidence."},
    {F::kStreamRefused, 502, "stream_refused", "The upstream has not looked at the request."},
    {F::kUpstreamClosed, 502, "upstream_closed",
     "The upstream closed the connection before it answered."},
    {F::kResponseTimeout, 504, "response_timeout", "The upstream did not answer in time."},
    {F::kResponseStalled, 504, "response_stalled", "The upstream's answer stopped on its way."},
    {F::kNoEndpoint, 503, "no_endpoint", "No endpoint of the upstream is available."},
    {F::kQueueFull, 503, "queue_full", "Too many requests wait for the upstream."},
    {F::kQueueTimeout, 503, "queue_timeout", "The upstream had no room for this request in time."},
    {F::kClientStalled, 499, "client_stalled", "The client did not take its answer in time."},
    {F::kClientGone, 499, "client_gone", "The client left before it was answered."},
}};

consteval bool rows_are_in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<std::size_t>(kRows[i].failure) != i) return false;
  }
  return true;
}
static_assert(rows_are_in_order());

}  // namespace

const FailureRow& row_of(Failure failure) {
  const auto index = static_cast<std::size_t>(failure);
  CHECK(index < kRows.size());
  return kRows[index];
}

}  // namespace roundhouse::http
