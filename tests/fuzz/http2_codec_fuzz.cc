// One HTTP/2 codec between what the input says that the other end sends and what it says that its
// user does. The first byte of the input chooses the role and the limits; then come steps, each a
// byte and its arguments. Whatever they are: events come in order, what is sent is whole frames
// that RFC 9113 allows, every byte that was taken is sent once, and feeding byte by byte changes
// nothing.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "http/http2_codec.h"

namespace roundhouse::http {
namespace {

using Role = Http2Codec::Role;

// The rest of the input; 0 behind its end.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size)
      : rest_(reinterpret_cast<const char*>(data), size) {}
  bool empty() const { return rest_.empty(); }
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  std::string_view bytes(std::size_t size) {
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }

 private:
  std::string_view rest_;
};

Http2Limits limits_of(std::uint8_t choice) {
  return {.head = {.line_bytes = 100, .head_bytes = 1000, .fields = 10},
          .streams = (choice & 2) != 0 ? 3U : 100U,
          .stream_window = (choice & 4) != 0 ? 50U : 65535U,
          .session_window = (choice & 8) != 0 ? 65535U : 1024U * 1024};
}

// What its user sees of one stream.
struct Stream {
  Http2Stream* stream = nullptr;
  bool head = false;  // the final one has come
  bool trailers = false;
  bool end = false;
  bool reset = false;      // by its user
  bool answered = false;   // or asked
  bool ended_out = false;  // by its user
  std::size_t held = 0;    // bytes of data that were not consumed
};

// What was sent of one stream.
struct Sent {
  bool ended = false;
  bool reset = false;
  std::size_t data = 0;
  std::size_t taken = 0;  // from its user
};

// Takes apart what was sent, and checks it.
class Output {
 public:
  explicit Output(Role role) : preface_(role == Role::kClient) {}

  Sent& of(std::uint32_t id) { return streams_[id]; }
  const std::string& frames() const { return told_; }  // without WINDOW_UPDATE

  void take(std::string_view bytes) {
    rest_.append(bytes);
    if (preface_ && rest_.size() >= kHttp2Preface.size()) {
      CHECK(rest_.starts_with(kHttp2Preface));
      rest_.erase(0, kHttp2Preface.size());
      preface_ = false;
    }
    while (!preface_ && take_frame()) {
    }
  }
  void check_whole() const { CHECK(preface_ || rest_.empty()); }

 private:
  std::size_t number(std::size_t at, std::size_t size) const {
    std::size_t value = 0;
    for (std::size_t i = at; i < at + size; ++i)
      value = value << 8 | static_cast<unsigned char>(rest_[i]);
    return value;
  }
  bool take_frame() {
    constexpr std::size_t kHeader = 9;
    if (rest_.size() < kHeader || rest_.size() < kHeader + number(0, 3)) return false;
    const std::size_t size = number(0, 3);
    check(rest_[3], static_cast<unsigned char>(rest_[4]), static_cast<std::uint32_t>(number(5, 4)),
          size);
    if (rest_[3] != 8) told_.append(rest_, 0, kHeader + size);
    rest_.erase(0, kHeader + size);
    return true;
  }
  void check(int type, unsigned flags, std::uint32_t id, std::size_t size) {
    CHECK(!goaway_ || type != 7 || id == 0);
    if (type == 7) goaway_ = true;
    if (continued_ != 0) CHECK(type == 9 && id == continued_);
    if (type == 1 || type == 9) continued_ = (flags & 4) != 0 ? 0 : id;
    if (type > 3) return;
    CHECK(id != 0 && type != 2);
    Sent& stream = streams_[id];
    CHECK(!stream.reset);
    if (type == 3) {
      CHECK(size == 4);
      stream.reset = true;
      return;
    }
    CHECK(!stream.ended);
    stream.ended = (flags & 1) != 0;
    if (type == 0) stream.data += size;
    CHECK(stream.data <= stream.taken);
  }

  std::string rest_;
  std::string told_;
  std::map<std::uint32_t, Sent> streams_;
  std::uint32_t continued_ = 0;
  bool preface_;
  bool goaway_ = false;
};

class Player {
 public:
  Player(Role role, std::uint8_t choice)
      : role_(role), codec_(role, limits_of(choice), heads_), output_(role) {}

  const Output& output() const { return output_; }
  bool told_goaway() const { return told_goaway_; }

  void feed(std::string_view bytes) {
    const std::string copy(bytes);  // where a sanitizer sees its end
    codec_.receive(copy, now_);
    take_events();
  }
  std::size_t produce(std::size_t size) {
    std::vector<char> room(size);
    const std::size_t produced = codec_.produce(room);
    CHECK(produced <= size);
    output_.take({room.data(), produced});
    take_events();
    return produced;
  }
  void step(Input& input) {
    const std::uint8_t step = input.byte();
    switch (step % 8) {
      case 0:
        feed(input.bytes(input.byte()));
        break;
      case 1:
      case 2:
        feed(frame(input));
        break;
      case 3:
        produce(input.byte());
        break;
      case 4:
        write(input);
        break;
      case 5:
        begin(input.byte());
        break;
      case 6:
        end(input);
        break;
      case 7:
        manage(input.byte());
        break;
    }
    check_counts();
  }
  // All that waits goes out: it is whole.
  void finish() {
    while (produce(4096) > 0) {
    }
    output_.check_whole();
    check_counts();
  }

 private:
  using Streams = std::map<std::int32_t, Stream>;

  // A frame in good form: a type, flags, a small number of a stream, a payload.
  static std::string frame(Input& input) {
    const char type = static_cast<char>(input.byte() % 12);
    const char flags = static_cast<char>(input.byte());
    const char stream = static_cast<char>(input.byte() % 16);
    const std::string_view payload = input.bytes(input.byte());
    const std::string header{0, 0, static_cast<char>(payload.size()), type, flags, 0, 0, 0, stream};
    return header + std::string(payload);
  }
  Stream* any(std::uint8_t choice) {
    if (streams_.empty()) return nullptr;
    return &std::next(streams_.begin(), choice % streams_.size())->second;
  }
  void write(Input& input) {
    Stream* const stream = any(input.byte());
    const std::size_t size = input.byte() * std::size_t{5};
    const std::uint8_t how = input.byte();
    const bool ends = how % 2 == 1;
    if (stream == nullptr || !stream->answered || stream->ended_out) return;
    const std::string data(size, 'x');
    std::vector<char> room(how / 2 * std::size_t{7});
    const std::size_t before = codec_.window(*stream->stream);
    Sent& sent = output_.of(static_cast<std::uint32_t>(stream->stream->id()));
    sent.taken += size;
    const auto written = codec_.write(*stream->stream, data, ends, room);
    CHECK(written.produced <= room.size() && written.taken <= size);
    CHECK(!written.ended || written.taken == size);
    CHECK(!ends || size == 0 || written.ended == (written.taken == size));
    sent.taken -= size - written.taken;
    output_.take({room.data(), written.produced});
    if (!stream->reset) {
      CHECK(written.taken <= before);
      const std::size_t after = codec_.window(*stream->stream);
      CHECK(after == before - written.taken || after == 0);
    }
    if (written.ended || (ends && size == 0)) stream->ended_out = true;
    take_events();
  }
  void begin(std::uint8_t how) {
    const bool ended = how % 2 == 1;
    const std::string value(how, 'v');
    const std::array<Field, 2> fields = {Field{.name = "X-Field", .value = value},
                                         Field{.name = "cookie", .value = "a=b"}};
    if (role_ == Role::kClient) {
      const bool may = codec_.may_open();
      Http2Stream* const stream = codec_.request({.method = how % 4 < 2 ? "GET" : "HEAD",
                                                  .scheme = "http",
                                                  .authority = how % 8 < 4 ? "a" : "",
                                                  .path = "/",
                                                  .fields = fields,
                                                  .ended = ended});
      CHECK(may == (stream != nullptr));
      if (stream == nullptr) return;
      CHECK(!streams_.contains(stream->id()) && stream->user() == nullptr);
      streams_[stream->id()] = {.stream = stream, .answered = true, .ended_out = ended};
      return;
    }
    Stream* const stream = any(how / 2);
    if (stream == nullptr || stream->answered) return;
    const bool interim = how % 5 == 0;
    codec_.answer(*stream->stream, interim ? 103 : 200, fields, ended && !interim);
    if (interim) return;
    stream->answered = true;
    stream->ended_out = ended;
  }
  void end(Input& input) {
    const std::uint8_t how = input.byte();
    Stream* const stream = any(input.byte());
    if (stream == nullptr) return;
    const Field trailer{.name = "x-sum", .value = "1"};
    if (how % 4 == 0) {
      codec_.reset(*stream->stream, Http2Error::kCancel);
      stream->reset = true;
    } else if (how % 4 == 1) {
      codec_.consume(*stream->stream, std::exchange(stream->held, 0));
    } else if (stream->answered && !stream->ended_out) {
      const std::span<const Field> trailers(&trailer, how % 4 == 2 ? 1 : 0);
      codec_.end(*stream->stream, trailers);
      stream->ended_out = true;
    }
  }
  void manage(std::uint8_t how) {
    if (how < 100)
      now_ += std::chrono::milliseconds(how * 10);
    else if (how < 110)
      codec_.announce_close();
    else if (how < 120)
      codec_.close(Http2Error::kNone);
    else if (how < 130)
      codec_.close(Http2Error::kEnhanceYourCalm);
  }

  void take_events() {
    while (auto event = codec_.next_event()) take(*std::move(event));
  }
  void take(Http2Event event) {
    using Kind = Http2Event::Kind;
    CHECK((event.kind == Kind::kGoAway) == (event.stream == nullptr));
    CHECK((event.kind == Kind::kHead || event.kind == Kind::kTrailers) == (event.head != nullptr));
    told_goaway_ = told_goaway_ || event.kind == Kind::kGoAway;
    if (event.stream == nullptr) return;
    const std::int32_t id = event.stream->id();
    const bool opens = event.kind == Kind::kHead && role_ == Role::kServer;
    CHECK(streams_.contains(id) != opens);
    Stream& stream = streams_[id];
    if (opens) stream.stream = event.stream;
    CHECK(stream.stream == event.stream);
    if (event.kind == Kind::kClosed) {
      streams_.erase(id);
      return;
    }
    CHECK(!stream.reset && !stream.end);
    if (event.kind == Kind::kHead) take_head(stream, *event.head);
    if (event.kind == Kind::kTrailers) {
      CHECK(stream.head && !stream.trailers);
      stream.trailers = true;
      (void)check_trailers(*event.head);
    }
    if (event.kind == Kind::kData) {
      CHECK(stream.head && !stream.trailers && !event.data.empty());
      stream.held += event.data.size();
    }
    if (event.kind == Kind::kEnd) {
      CHECK(stream.head);
      stream.end = true;
    }
    if (event.head != nullptr) heads_.release(std::move(event.head));
  }
  void take_head(Stream& stream, Http2Head& head) {
    CHECK(!stream.head);
    if (role_ == Role::kClient) {
      Response response(10);
      const Failure failure = read_response(head, Method::kGet, response);
      stream.head = failure != Failure::kNone || response.status >= 200;
      return;
    }
    stream.head = true;
    Request request(10);
    if (read_request(head, request) != Failure::kNone) return;
    CHECK(!request.authority.empty() &&
          (request.method == Method::kConnect || !request.path.empty()));
  }
  void check_counts() {
    CHECK(role_ == Role::kServer ? codec_.streams() >= streams_.size()
                                 : codec_.streams() == streams_.size());
    if (codec_.finished()) CHECK(!codec_.has_output());
    if (codec_.flood()) CHECK(codec_.finished() || codec_.has_output());
  }

  Role role_;
  Http2HeadPool heads_{10};
  Http2Codec codec_;
  Output output_;
  Streams streams_;
  bool told_goaway_ = false;
  Http2Codec::Time now_{std::chrono::hours(1)};
};

// What the other end begins with.
std::string opening(Role role) {
  const std::string settings("\0\0\0\4\0\0\0\0\0", 9);
  return role == Role::kServer ? std::string(kHttp2Preface) + settings : settings;
}

void check_splits(Role role, std::uint8_t choice, std::string_view bytes) {
  Player whole(role, choice);
  Player split(role, choice);
  const std::string all = opening(role) + std::string(bytes);
  whole.feed(all);
  for (const char& byte : all) split.feed({&byte, 1});
  whole.finish();
  split.finish();
  // Behind a GOAWAY the rest of what was received at once is still read.
  if (!whole.told_goaway()) CHECK(whole.output().frames() == split.output().frames());
}

}  // namespace
}  // namespace roundhouse::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace roundhouse::http;
  if (size < 2) return 0;
  const Role role = data[0] % 2 == 0 ? Role::kServer : Role::kClient;
  if (data[0] >= 128) {
    check_splits(role, data[0], {reinterpret_cast<const char*>(data) + 1, size - 1});
    return 0;
  }
  Input input(data + 1, size - 1);
  Player player(role, data[0]);
  player.feed(opening(role));
  while (!input.empty()) player.step(input);
  player.finish();
  return 0;
}
