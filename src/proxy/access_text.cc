#include "proxy/access_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "base/check.h"
#include "http/message.h"
#include "http/scan.h"

namespace roundhouse::proxy {
namespace {

constexpr std::string_view kCut = "...";
constexpr std::string_view kHidden = "***";
constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kUpperHexDigits = "0123456789ABCDEF";

constexpr bool is_escaped(unsigned char c) {
  return c < 0x20 || c >= 0x7f || c == '"' || c == '\\';
}

// Indexed by byte: may it stand as it is?
constexpr auto kStands = [] {
  std::array<bool, 256> table{};
  for (std::size_t i = 0; i < table.size(); ++i)
    table[i] = !is_escaped(static_cast<unsigned char>(i));
  return table;
}();

std::string_view escape(unsigned char byte, LineText::Escaping escaping, std::array<char, 8>& out) {
  if (escaping == LineText::Escaping::kHex) {
    out = {'\\', 'x', kUpperHexDigits[byte >> 4], kUpperHexDigits[byte & 15]};
    return {out.data(), 4};
  }
  if (byte == '"' || byte == '\\') {
    out = {'\\', static_cast<char>(byte)};
    return {out.data(), 2};
  }
  out = {'\\', 'u', '0', '0', kHexDigits[byte >> 4], kHexDigits[byte & 15]};
  return {out.data(), 6};
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

struct Secret {
  std::string_view name;
  bool ends;  // client_secret and accessToken as well, but not zip_code
};
constexpr Secret kSecrets[] = {{"token", true},   {"password", true},  {"passwd", true},
                               {"secret", true},  {"apikey", true},    {"api_key", true},
                               {"api-key", true}, {"signature", true}, {"key", false},
                               {"sig", false},    {"code", false}};
constexpr std::size_t kSecretNameMax = 64;

bool is_secret(std::string_view name, const Secret& secret) {
  if (!name.ends_with(secret.name)) return false;
  name.remove_suffix(secret.name.size());
  return name.empty() || secret.ends;
}

bool is_token(std::string_view text) {
  return !text.empty() &&
         http::skip_token(text.data(), text.data() + text.size()) == text.data() + text.size();
}

}  // namespace

// One value of a peer, in pieces.
class LineText::Peer {
 public:
  Peer(LineText& line, Escaping escaping, std::size_t most)
      : line_(line), escaping_(escaping), left_(most - kCut.size()) {
    CHECK(static_cast<std::size_t>(line.end_ - line.at_) >= most);
  }

  void add(std::string_view text) {
    const char* p = text.data();
    const char* const end = p + text.size();
    while (p != end && !cut_) {
      const char* run = p;
      while (run != end && kStands[static_cast<unsigned char>(*run)]) ++run;
      copy({p, run});
      p = run;
      if (p == end || cut_) break;
      std::array<char, 8> escaped{};
      const std::string_view bytes = escape(static_cast<unsigned char>(*p++), escaping_, escaped);
      if (bytes.size() > left_)
        cut();
      else
        copy(bytes);
    }
  }

 private:
  void copy(std::string_view bytes) {
    const std::size_t size = std::min(bytes.size(), left_);
    line_.put(bytes.substr(0, size));
    left_ -= size;
    if (size < bytes.size()) cut();
  }
  void cut() {
    cut_ = true;
    line_.put(kCut);
  }

  LineText& line_;
  Escaping escaping_;
  std::size_t left_;
  bool cut_ = false;
};

void LineText::put(char c) {
  CHECK(at_ != end_);
  *at_++ = c;
}

void LineText::put(std::string_view trusted) {
  CHECK(trusted.size() <= static_cast<std::size_t>(end_ - at_));
  if (!trusted.empty()) std::memcpy(at_, trusted.data(), trusted.size());
  at_ += trusted.size();
}

void LineText::put(std::uint64_t number) {
  const auto [end, error] = std::to_chars(at_, end_, number);
  CHECK(error == std::errc());
  at_ = end;
}

void LineText::put_seconds(std::int64_t nanoseconds) {
  const auto milliseconds =
      static_cast<std::uint64_t>(std::max<std::int64_t>(nanoseconds, 0) / 1'000'000);
  put(milliseconds / 1000);
  const auto digit = [&](std::uint64_t unit) {
    put(static_cast<char>('0' + milliseconds / unit % 10));
  };
  put('.');
  digit(100);
  digit(10);
  digit(1);
}

void LineText::put_escaped(std::string_view text, Escaping escaping, std::size_t most) {
  Peer(*this, escaping, most).add(text);
}

void LineText::put_url(std::string_view url, Escaping escaping, std::size_t most) {
  Peer out(*this, escaping, most);
  const std::size_t query = std::min(url.find_first_of("?#"), url.size());
  std::string_view before = url.substr(0, query);
  const std::size_t scheme = before.find("://");
  if (scheme != before.npos || before.starts_with("//")) {
    const std::size_t authority = scheme != before.npos ? scheme + 3 : 2;
    const std::size_t path = std::min(before.find('/', authority), before.size());
    const std::size_t at = before.substr(0, path).rfind('@');
    if (at != before.npos && at >= authority) {
      out.add(before.substr(0, authority));
      out.add(kHidden);
      before.remove_prefix(at);
    }
  }
  out.add(before);
  // Each round one parameter, with what stands before it.
  for (std::string_view rest = url.substr(query); !rest.empty();) {
    const std::size_t end = std::min(rest.find_first_of("&;?#", 1), rest.size());
    const std::string_view parameter = rest.substr(0, end);
    rest.remove_prefix(end);
    const std::size_t equals = parameter.find('=');
    if (equals == parameter.npos || !is_secret_name(parameter.substr(1, equals - 1))) {
      out.add(parameter);
      continue;
    }
    out.add(parameter.substr(0, equals + 1));
    out.add(kHidden);
  }
}

bool is_plain(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return c != ' ' && c != '=' && kStands[static_cast<unsigned char>(c)];
  });
}

bool is_secret_name(std::string_view name) {
  std::array<char, kSecretNameMax> plain;
  std::size_t size = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    // The end of a longer name is what counts.
    if (size == plain.size()) {
      std::ranges::copy(plain.begin() + kSecretNameMax / 2, plain.end(), plain.begin());
      size = kSecretNameMax / 2;
    }
    char c = name[i];
    if (c == '%' && i + 2 < name.size() && hex_value(name[i + 1]) >= 0 &&
        hex_value(name[i + 2]) >= 0) {
      c = static_cast<char>(hex_value(name[i + 1]) * 16 + hex_value(name[i + 2]));
      i += 2;
    }
    plain[size++] = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  }
  const std::string_view text(plain.data(), size);
  return std::ranges::any_of(kSecrets,
                             [&](const Secret& secret) { return is_secret(text, secret); });
}

RequestLine guess_request_line(std::string_view received) {
  received.remove_prefix(std::min(received.find_first_not_of("\r\n"), received.size()));
  std::string_view line = received.substr(0, received.find_first_of("\r\n"));
  RequestLine result;
  const std::size_t space = line.find(' ');
  if (!is_token(line.substr(0, space))) return result;
  result.method = line.substr(0, space);
  if (space == line.npos) return result;
  line.remove_prefix(space + 1);
  result.target = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(result.target.size() + 1, line.size()));
  if (line.starts_with("HTTP/") && line.size() <= 8) result.protocol = line;
  return result;
}

}  // namespace roundhouse::proxy
