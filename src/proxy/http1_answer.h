// One HTTP/1.1 response on its way into the output buffer of a session.
#pragma once

#include <cstddef>
#include <string_view>

#include "http/message.h"
#include "net/buffer.h"
#include "net/pipe.h"
#include "proxy/answer.h"

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

// Chunks that an HTTP/1.0 client would not understand become a body that ends with the connection.
class Http1Answer final : public Answer {
 public:
  // `out`, `outlet` and `request` must outlive the answer; `date_line` is a whole field line.
  void start(Buffer& out, Outlet& outlet, const http::Request& request, bool close,
             std::string_view date_line);
  // The same for bytes that are no request.
  void start(Buffer& out, Outlet& outlet, std::string_view date_line);

  bool end_interim() override;
  std::size_t write_from(Pipe& pipe) override;
  bool goes_as_it_is() const override;

 private:
  std::span<char> head_room() override { return out_->room(); }
  bool send_head() override;
  bool send_tunnel_head() override;
  std::size_t body_room() const override;
  std::size_t write_body(std::string_view data) override;
  bool end_body(const http::FieldTable* trailers) override;
  bool has_room_for_whole(std::size_t body) const override;

  void write_framing();
  std::size_t write_now(std::string_view data, std::size_t room);
  std::size_t write_chunk(std::string_view data);

  Buffer* out_ = nullptr;
  Outlet* outlet_ = nullptr;
  std::size_t chunk_left_ = 0;  // of the chunk whose size was written
  bool http10_ = false;
};

}  // namespace roundhouse::proxy
