// Text of peers on its way into a log line: escaped, cut, without secrets. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace roundhouse::proxy {

// One line in the making. Whoever uses it knows that what it writes fits.
class LineText {
 public:
  // kJson: \" \\ and \u00xx, as JSON and logfmt have it. kHex: \xHH, as nginx has it. Bytes above
  // 0x7e are escaped one by one, whatever character set they belong to.
  enum class Escaping : std::uint8_t { kJson, kHex };

  explicit LineText(std::span<char> out)
      : begin_(out.data()), at_(begin_), end_(begin_ + out.size()) {}

  std::size_t size() const { return static_cast<std::size_t>(at_ - begin_); }
  std::string_view text() const { return {begin_, size()}; }

  void put(char c);
  void put(std::string_view trusted);
  void put(std::uint64_t number);
  // "0.012": in seconds, rounded down to milliseconds.
  void put_seconds(std::int64_t nanoseconds);
  // At most `most` bytes; what does not fit is cut, and "..." says so.
  void put_escaped(std::string_view text, Escaping escaping, std::size_t most);
  // The same for a URL or a request target: user information and the values of query parameters
  // that look like secrets become ***.
  void put_url(std::string_view url, Escaping escaping, std::size_t most);

 private:
  class Peer;

  char* begin_;
  char* at_;
  char* end_;
};

// Not empty, and nothing in it that logfmt would have to quote.
bool is_plain(std::string_view text);

// The name of a query parameter whose value nobody but its reader should see: token, api_key,
// password, client_secret and the like; in any case, percent-encoded or not.
bool is_secret_name(std::string_view name);

// What can be said of the first line of bytes that are no request, or not all of one.
struct RequestLine {
  std::string_view method;  // empty if it is no token
  std::string_view target;
  std::string_view protocol;  // "HTTP/1.1", or empty
};
RequestLine guess_request_line(std::string_view received);

}  // namespace roundhouse::proxy
