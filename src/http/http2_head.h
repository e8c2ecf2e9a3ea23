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

class Http2Head {
 public:
  explicit Http2Head(std::size_t fields_max) : fields(fields_max) {}

  void start(const HeadLimits& limits);
  // In the order received; nothing of it is kept once something did not fit. False: it is longer
  // than anybody would send by mistake.
  bool add(std::string_view name, std::string_view value);
  // All of it has come: cookies become one field (RFC 9113 8.2.3), and the views are valid from now
  // on. `ended`: nothing follows (END_STREAM).
  void finish(bool ended);

  FieldTable fields;  // without the pseudo-header fields
  std::string_view method;
  std::string_view scheme;
  std::string_view authority;
  std::string_view path;
  std::string_view protocol;  // of an extended CONNECT (RFC 8441)
  std::string_view status;
  Failure failure = Failure::kNone;  // what did not fit
  bool ended = false;

 private:
  struct Piece {
    std::uint32_t begin = 0;
    std::uint32_t size = 0;
  };
  enum Pseudo : std::uint8_t { kMethod, kScheme, kAuthority, kPath, kProtocol, kStatus, kPseudo };

  Piece keep(std::string_view text);
  void append(std::string_view name, std::string_view value);
  void join_cookies();
  std::string_view view_of(Piece piece) const {
    return std::string_view(text_).substr(piece.begin, piece.size);
  }

  HeadLimits limits_;
  std::string text_;      // what all views point into
  std::size_t size_ = 0;  // as HPACK counts it: names, values, and 32 bytes for each field
  std::size_t cookies_ = 0;
  Piece pseudo_[kPseudo];
};

// Heads that are free, of all connections of a thread.
class Http2HeadPool {
 public:
  explicit Http2HeadPool(std::size_t fields_max) : fields_max_(fields_max) {}
  std::unique_ptr<Http2Head> acquire(const HeadLimits& limits);
  void release(std::unique_ptr<Http2Head> head);

 private:
  std::size_t fields_max_;
  std::vector<std::unique_ptr<Http2Head>> free_;
};

// The request that a head is. Its views point into the head, whose table of fields it takes over
// (by a swap); the head must outlive it. A Host must say what :authority says, where both are
// there; a body without Content-Length is kChunked, which is how HTTP/1.1 would have to frame it.
// kNone: it is valid.
Failure read_request(Http2Head& head, Request& request);

// The same for an answer to a request with this method.
Failure read_response(Http2Head& head, Method asked, Response& response);

// Whether trailers fitted, and are in order.
Failure check_trailers(const Http2Head& head);

}  // namespace roundhouse::http
