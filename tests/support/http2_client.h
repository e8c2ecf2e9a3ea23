// An HTTP/2 client for tests: well-behaved by itself, and otherwise as the test says.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/address.h"
#include "base/unique_fd.h"
#include "http/http2_codec.h"
#include "support/tls_client.h"

namespace roundhouse::test {

class Http2Client {
 public:
  using Fields = std::vector<std::pair<std::string, std::string>>;
  using Id = std::int32_t;

  struct Answer {
    int status = 0;
    std::vector<int> interim;
    std::map<std::string, std::string> headers;
    std::string body;
    std::map<std::string, std::string> trailers;
    bool ended = false;  // all of it has come
    bool closed = false;
    http::Http2Error error = http::Http2Error::kNone;
  };

  // With prior knowledge.
  explicit Http2Client(const Address& server, const http::Http2Limits& limits = {});
  // Under TLS, by ALPN. The handshake is done, or connected() is false.
  Http2Client(const Address& server, TlsClient::Options options);

  bool connected() const { return connected_; }

  // 0: it may not be opened. `ended`: without a body.
  Id request(const std::string& method, const std::string& path, const Fields& fields = {},
             bool ended = true, const std::string& authority = "a.test");
  Id get(const std::string& path) { return request("GET", path); }
  // How much of it the windows take now.
  std::size_t offer(Id id, std::string_view data, bool ends = false);
  // Until all of it has been sent; false if that came to nothing.
  bool write(Id id, std::string_view data, bool ends = false);
  void end(Id id, const Fields& trailers = {});
  void reset(Id id, http::Http2Error error);
  // Data of this stream is taken in, and the server not told so, until release().
  void hold(Id id) { held_[id]; }
  void release(Id id);
  // Bytes past the codec, behind what it has to send.
  void send_raw(std::string_view bytes);

  const Answer& answer(Id id) { return answers_[id]; }
  // When its stream is closed, or after 30 s.
  const Answer& wait(Id id);
  // Moves bytes both ways until that holds; false: it did not within 30 s, or the connection ended.
  bool until(const std::function<bool()>& condition);
  // Until the server has closed the connection.
  bool until_end();
  bool going_away() const { return goaway_.has_value(); }
  // Of its last GOAWAY.
  http::Http2Error goaway_error() const { return goaway_.value_or(http::Http2Error::kNone); }
  bool at_end() const { return at_end_; }

 private:
  bool step(std::chrono::milliseconds patience);
  bool move_out();
  bool move_in();
  void take(http::Http2Event event);

  UniqueFd fd_;
  std::unique_ptr<TlsClient> tls_;
  http::Http2HeadPool heads_{200};
  http::Http2Codec codec_;
  std::string out_;
  std::map<Id, http::Http2Stream*> streams_;
  std::map<Id, Answer> answers_;
  std::map<Id, std::size_t> held_;
  std::optional<http::Http2Error> goaway_;
  bool connected_ = false;
  bool at_end_ = false;
};

}  // namespace roundhouse::test
