// One HTTP/1.1 response on its way into the output buffer of a session.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "http/http1_writer.h"
#include "http/message.h"
#include "net/pipe.h"
#include "proxy/buffer.h"

namespace roundhouse::proxy {

// The connection behind an answer's buffer.
class Outlet {
 public:
  // Sends what the buffer holds, and behind it as much of `more` as can be sent now without a copy;
  // how much of that it was. Less than all: Exchange::on_room follows.
  virtual std::size_t send_with(std::string_view more) = 0;
  // The same from a pipe that is not empty.
  virtual std::size_t send_from(Pipe& pipe) = 0;

 protected:
  ~Outlet() = default;
};

// A handler begins a head, adds its fields, says how the body is framed, writes it and ends it. The
// fields that frame the message and steer the connection (Content-Length, Transfer-Encoding,
// Connection, Date) are added here and must not be added by it. A body that must not be sent (HEAD,
// 204, 304) is swallowed; chunks that an HTTP/1.0 client would not understand become a body that
// ends with the connection.
class Answer {
 public:
  // The session's side. `out`, `outlet` and `request` must outlive the answer; `date_line` is a
  // whole field line.
  void start(Buffer& out, Outlet& outlet, const http::Request& request, bool close,
             std::string_view date_line);
  // The same for bytes that are no request.
  void start(Buffer& out, Outlet& outlet, std::string_view date_line);
  void set_close(bool close) { close_ = close; }
  bool begun() const { return begun_; }
  bool done() const { return done_; }
  bool closes() const { return close_; }
  // REQUIRES: begun().
  int status() const { return status_; }
  // Of its body, without framing; of a tunnel all.
  std::uint64_t body_bytes() const { return body_bytes_; }
  // Whether `bytes` of a body would fit; if not, Exchange::on_room follows.
  bool has_room(std::size_t bytes);
  // Exchange::on_room follows when what is there has been sent.
  void ask_for_room() { starved_ = true; }
  // Since the last call something did not fit.
  bool starved() const { return starved_; }
  bool take_starved() { return std::exchange(starved_, false); }

  // REQUIRES: !begun(). The writer is valid until begin_body().
  http::HeadWriter& begin(int status);
  // The same for an answer that comes from elsewhere: its Date is the handler's to add.
  http::HeadWriter& begin_forwarded(int status);
  std::string_view date_line() const { return date_line_; }
  // An interim answer (1xx, not 101): its head is added to the writer, and sent. False: no room; it
  // is dropped. Clients of HTTP/1.0 get none (RFC 9110 15.2).
  http::HeadWriter& begin_interim(int status);
  bool end_interim();
  // False if the head was refused or did not fit: nothing was written, and another may begin.
  // kUntilClose is only for an answer to HEAD whose length is unknown. An answer to HEAD or a 304
  // may announce a length and is ended without its body.
  bool begin_body(http::BodyLength length);
  // After begin_forwarded(101): what is written from now on are bytes without framing, up to end().
  bool begin_tunnel();
  // How many bytes of `data` were taken; Exchange::on_room follows when they were fewer. The rest
  // must be what is written next. Large pieces are sent from where they are.
  std::size_t write(std::string_view data);
  // The same from a pipe, for a body whose bytes need no framing. REQUIRES: goes_as_it_is().
  std::size_t write_from(Pipe& pipe);
  bool goes_as_it_is() const;
  // The body is whole. False if there was no room yet: again in Exchange::on_room. Trailers are
  // sent only in chunks. REQUIRES: as many bytes as announced have been written.
  bool end(const http::FieldTable* trailers = nullptr);

  // All of it at once, for a body of at most kWholeBodyMax; `lines` are constant field lines.
  // False: no room.
  bool respond(int status, std::string_view lines, std::string_view body);

  static constexpr std::size_t kWholeBodyMax = 2048;

 private:
  http::HeadWriter& begin_head(int status);
  void write_framing(http::BodyLength length);
  std::size_t body_room() const;
  std::size_t write_now(std::string_view data, std::size_t room);
  std::size_t write_chunk(std::string_view data);

  Buffer* out_ = nullptr;
  Outlet* outlet_ = nullptr;
  std::string_view date_line_;
  http::HeadWriter head_{{}};
  http::BodyLength length_;
  std::uint64_t left_ = 0;      // of a body of known length
  std::size_t chunk_left_ = 0;  // of the chunk whose size was written
  std::uint64_t body_bytes_ = 0;
  int status_ = 0;
  bool of_head_ = false;  // answers HEAD
  bool http10_ = false;
  bool close_ = false;
  bool begun_ = false;
  bool bodiless_ = false;
  bool done_ = false;
  bool starved_ = false;
};

}  // namespace roundhouse::proxy
