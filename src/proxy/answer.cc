#include "proxy/answer.h"

#include "base/check.h"

namespace roundhouse::proxy {

void Answer::clear(std::string_view date_line) {
  date_line_ = date_line;
  close_ = true;
  of_head_ = begun_ = bodiless_ = expects_trailers_ = done_ = starved_ = false;
  body_bytes_ = 0;
}

http::HeadWriter& Answer::begin_head(int status) {
  CHECK(!begun_);
  status_ = status;
  head_ = http::HeadWriter(head_room());
  return head_.status_line(status);
}

http::HeadWriter& Answer::begin(int status) { return begin_head(status).trusted_lines(date_line_); }

http::HeadWriter& Answer::begin_forwarded(int status) { return begin_head(status); }

http::HeadWriter& Answer::begin_interim(int status) {
  CHECK(status >= 100 && status < 200 && status != 101);
  return begin_head(status);
}

bool Answer::begin_tunnel() {
  CHECK(!begun_ && status_ == 101);
  if (!send_tunnel_head()) return false;
  begun_ = close_ = true;
  bodiless_ = false;
  length_ = {http::Framing::kUntilClose, 0};
  left_ = 0;
  return true;
}

bool Answer::begin_body(http::BodyLength length) {
  CHECK(!begun_ && (length.framing != http::Framing::kUntilClose || of_head_));
  const bool close = close_;
  length_ = length;
  left_ = length.framing == http::Framing::kLength ? length.bytes : 0;
  bodiless_ = of_head_ || never_has_a_body(status_);
  begun_ = send_head();
  if (!begun_) close_ = close;
  return begun_;
}

bool Answer::has_room(std::size_t bytes) {
  const bool has = bodiless_ || body_room() >= bytes;
  if (!has) starved_ = true;
  return has;
}

std::size_t Answer::write(std::string_view data) {
  CHECK(begun_ && !done_);
  if (length_.framing == http::Framing::kLength) CHECK(data.size() <= left_);
  std::size_t taken = data.size();
  if (!bodiless_ && taken > 0) {
    taken = write_body(data);
    if (taken < data.size()) starved_ = true;
    body_bytes_ += taken;
  }
  if (length_.framing == http::Framing::kLength) left_ -= taken;
  return taken;
}

bool Answer::end(const http::FieldTable* trailers) {
  CHECK(begun_ && !done_ && (left_ == 0 || bodiless_));
  done_ = bodiless_ || end_body(trailers);
  if (!done_) starved_ = true;
  return done_;
}

bool Answer::respond(int status, std::string_view lines, std::string_view body) {
  CHECK(body.size() <= kWholeBodyMax);
  begin(status).trusted_lines(lines);
  const auto framing = body.empty() ? http::Framing::kNone : http::Framing::kLength;
  // A head that fits without its body would leave half an answer.
  if (!has_room_for_whole(body.size())) return false;
  if (!begin_body({framing, body.size()})) return false;
  write_whole(body);
  return end();
}

}  // namespace roundhouse::proxy
