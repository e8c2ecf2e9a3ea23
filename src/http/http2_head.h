// The head of an HTTP/2 message, or its trailers, as HPACK gave it (RFC 9113 8.3), and what becomes
// of it: the same Request and Response as of HTTP/1.1, under rules at least as strict.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/failure.h"
#include "http/message.h"

namespace roundhouse::http {

// Whole once it is handed out; its views are valid until it is cleared.
struct Http2Head {
  explicit Http2Head(std::size_t fields_max) : fields(fields_max) {}
  void clear();

  std::string text;   // what all views point into
  FieldTable fields;  // without the pseudo-header fields
  std::string_view method;
  std::string_view scheme;
  std::string_view authority;
  std::string_view path;
  std::string_view protocol;  // of an extended CONNECT (RFC 8441)
  std::string_view status;
  std::size_t size = 0;  // as HPACK counts it: names, values, and 32 bytes for each field
  // kHeadTooLong or kTooManyFields: what did not fit is missing.
  Failure failure = Failure::kNone;
  bool ended = false;  // nothing follows: END_STREAM
};

// Heads that are free, of all connections of a thread.
class Http2HeadPool {
 public:
  explicit Http2HeadPool(std::size_t fields_max) : fields_max_(fields_max) {}
  std::unique_ptr<Http2Head> acquire();
  void release(std::unique_ptr<Http2Head> head);

 private:
  std::size_t fields_max_;
  std::vector<std::unique_ptr<Http2Head>> free_;
};

// The request that a head is. Its views point into the head, whose table of fields it takes over
// (by a swap); the head must outlive it. Cookies become one field (RFC 9113 8.2.3); a Host must say
// what :authority says and is kept in `authority` alone if both are there; a body without
// Content-Length is kChunked, which is how HTTP/1.1 would have to frame it. kNone: it is valid.
Failure read_request(Http2Head& head, Request& request);

// The same for an answer to a request with this method.
Failure read_response(Http2Head& head, Method asked, Response& response);

}  // namespace roundhouse::http
