// One response on its way to a client, as whoever makes it sees it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "http/http1_writer.h"
#include "http/message.h"
#include "net/pipe.h"

namespace roundhouse::proxy {

// A handler begins a head, adds its fields, says how the body is framed, writes it and ends it. The
// fields that frame the message and steer the connection (Content-Length, Transfer-Encoding,
// Connection, Date) are added here and must not be added by it. A body that must not be sent (HEAD,
// 204, 304) is swallowed.
class Answer {
 public:
  virtual ~Answer() = default;

  bool begun() const { return begun_; }
  bool done() const { return done_; }
  // REQUIRES: begun().
  int status() const { return status_; }
  // Of its body, without framing; of a tunnel all.
  std::uint64_t body_bytes() const { return body_bytes_; }
  // The connection ends with it, where it serves one request at a time.
  void set_close(bool close) { close_ = close; }
  bool closes() const { return close_; }
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
  virtual bool end_interim() = 0;
  // Trailers may follow a body of known length as well, where the protocol knows that.
  void expect_trailers() { expects_trailers_ = true; }
  // False if the head was refused or did not fit: nothing was written, and another may begin.
  // kUntilClose is only for an answer to HEAD whose length is unknown. An answer to HEAD or a 304
  // may announce a length and is ended without its body.
  bool begin_body(http::BodyLength length);
  // After begin_forwarded(101): what is written from now on are bytes without framing, up to end().
  // False as with begin_body(), and where the protocol has no such thing.
  bool begin_tunnel();
  // How many bytes of `data` were taken; Exchange::on_room follows when they were fewer. The rest
  // must be what is written next. Large pieces are sent from where they are.
  std::size_t write(std::string_view data);
  // The same from a pipe, for a body whose bytes need no framing. REQUIRES: goes_as_it_is().
  virtual std::size_t write_from(Pipe& pipe) = 0;
  virtual bool goes_as_it_is() const = 0;
  // The body is whole. False if there was no room yet: again in Exchange::on_room. Trailers are
  // sent only behind a body of unknown length, or where they were expected. REQUIRES: as many bytes
  // as announced have been written.
  bool end(const http::FieldTable* trailers = nullptr);

  // All of it at once, for a body of at most kWholeBodyMax; `lines` are constant field lines.
  // False: no room.
  bool respond(int status, std::string_view lines, std::string_view body);

  static constexpr std::size_t kWholeBodyMax = 2048;

 protected:
  // For the next request, none of which is known yet.
  void clear(std::string_view date_line);

  // Where a head is written.
  virtual std::span<char> head_room() = 0;
  // Adds to the head what frames it as length_ and its other fields say, and ends it; sends it if
  // that is in order.
  virtual bool send_head() = 0;
  virtual bool send_tunnel_head() = 0;
  // Bytes of a body that could be written now.
  virtual std::size_t body_room() const = 0;
  // Some of it; never called for a body that is swallowed. REQUIRES: there are bytes.
  virtual std::size_t write_body(std::string_view data) = 0;
  // False: no room.
  virtual bool end_body(const http::FieldTable* trailers) = 0;
  // For respond(): whether all of it fits, and its body.
  virtual bool has_room_for_whole(std::size_t body) const = 0;
  virtual void write_whole(std::string_view body) { write(body); }

  static bool never_has_a_body(int status) {
    return status < 200 || status == 204 || status == 304;
  }

  std::string_view date_line_;
  http::HeadWriter head_{{}};
  http::BodyLength length_;
  std::uint64_t left_ = 0;  // of a body of known length
  std::uint64_t body_bytes_ = 0;
  int status_ = 0;
  bool of_head_ = false;  // answers HEAD
  bool close_ = false;
  bool begun_ = false;
  bool bodiless_ = false;
  bool expects_trailers_ = false;
  bool done_ = false;
  bool starved_ = false;

 private:
  http::HeadWriter& begin_head(int status);
};

}  // namespace roundhouse::proxy
